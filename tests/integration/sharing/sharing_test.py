"""Two nginx, each with its companion, tell each other what they have in flight, by a real Redis; and so do an nginx
and an HAProxy with its agent.

Usage: sharing_test.py AGENT BACKENDS LOAD [unittest arguments]
LEASTWISE_COMPANION and LEASTWISE_NGINX_MODULE: what is tested.
"""

import contextlib
import http.client
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "companion"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "agent"))

import backend
import companion
import harness
import redis_server
import redis_tls
import stack
from redis_server import KEYS, SLOW_PORT, Delay, Others, ask

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]
REDIS = f"redis://127.0.0.1:{redis_server.PORT}/test"
BY_DELAY = REDIS.replace(str(redis_server.PORT), str(SLOW_PORT))
NGINX, STATUS, SERVERS = 21600, 21610, 21620  # the first ports
SHOWN, BACK, HEARSAY = 0.5, 2, 5              # seconds

CONFIG = """
    log_format own '$status $upstream_addr';
    upstream app {{ leastwise; {servers} }}
    {more}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        access_log {folder}/access.log own;
        location / {{ proxy_pass http://app; }}
        location = /leastwise {{ leastwise_status; access_log off; }}
    }}
    server {{
        listen unix:{folder}/control.sock;
        access_log {folder}/control.log;
        location / {{ leastwise_control; access_log off; }}
    }}
"""


def lines(ports):
    return " ".join(f"server 127.0.0.1:{p};" for p in ports)


class Balancer:
    """The nth nginx of one worker, and its companion; a context manager."""

    def __init__(self, n, servers, url=REDIS, count="off", more=""):
        self.port, self.status_port = NGINX + n, STATUS + n
        self.nginx = harness.Nginx(self.port)
        self.nginx.configure(CONFIG.format(servers=servers, port=self.port, folder=self.nginx.folder, more=more))
        self.folder = tempfile.TemporaryDirectory(prefix="leastwise_companion_")
        self.companion = companion.Companion(self.folder.name, f"""
            nginx_socket {self.nginx.path('control.sock')};
            status 127.0.0.1:{self.status_port};
            share {url};
            share_count {count};
        """)

    def __enter__(self):
        self.nginx.__enter__()
        self.companion.__enter__()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            self.companion.process.send_signal(signal.SIGCONT)
        self.companion.stop()
        self.nginx.stop()
        self.folder.cleanup()

    def figure(self, name):
        """Of the companion's metrics."""
        connection = http.client.HTTPConnection("127.0.0.1", self.status_port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        return int(re.search(rf"^leastwise_companion_share_{name} (\d+)$", text, re.MULTILINE)[1])

    def elsewhere(self):
        """What others have, at all servers, as its status says."""
        return sum(p["leastwise"]["elsewhere"] for p in self.nginx.status()["peers"])

    def load(self, clients, seconds_each="0.05"):
        return harness.Load(self.port, clients=clients, path=f"/sleep/{seconds_each}")


class Pair(unittest.TestCase):
    SERVERS = lines(range(SERVERS, SERVERS + 3))

    def start_redis(self):
        self.redis = subprocess.Popen(redis_server.command(self.folder, *self.redis_options), stdout=subprocess.DEVNULL)
        harness.wait_for(lambda: harness.listens(redis_server.PORT), "Redis to listen")

    def end_redis(self, how=signal.SIGKILL):
        self.redis.send_signal(signal.SIGCONT)
        self.redis.send_signal(how)
        self.redis.wait()

    def start(self, *redis_options, first=None, url=REDIS, count="off", more=""):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="leastwise_redis_"))
        self.redis_options = redis_options
        self.start_redis()
        self.addCleanup(self.end_redis)
        self.enterContext(backend.Backends(*range(SERVERS, SERVERS + 3)))
        self.a = self.enterContext(Balancer(0, first or self.SERVERS, url, count, more))
        self.b = self.enterContext(Balancer(1, self.SERVERS, url, count, more))
        harness.wait_for(self.is_heard, "both to be heard", 5)

    def is_heard(self):
        return all(x.figure("tellers") == 1 for x in (self.a, self.b))

    def wait_until_back(self):
        """Both hear what is new: how long that took, by metrics that are up to a second old."""
        before = {x: x.figure("heard_total") for x in (self.a, self.b)}
        began = time.monotonic()
        harness.wait_for(lambda: all(x.figure("heard_total") > n for x, n in before.items()) and self.is_heard(),
                         "both to hear again", 10)
        return time.monotonic() - began

    def trouble(self, begin, end, seconds=2.0):
        """No request fails while Redis is in trouble, and both are back soon after."""
        with self.a.load(4, "0.01") as of_a, self.b.load(4, "0.01") as of_b:
            begin()
            time.sleep(seconds)
            end()
            took = self.wait_until_back()
        self.say(requests=of_a.sent + of_b.sent, failed=len(of_a.failures + of_b.failures), back_after=round(took, 2))
        self.assertEqual(of_a.failures + of_b.failures, [])
        self.assertLess(took, BACK)

    def say(self, **figures):
        print(f"{self.id().rsplit('.', 1)[1]}: " + ", ".join(f"{k} {v}" for k, v in figures.items()), flush=True)


class Sharing(Pair):
    def test_each_shows_what_the_other_has(self):
        self.start(more="upstream other { leastwise; server 127.0.0.1:9 down; }")
        with self.b.load(10) as of_b:
            time.sleep(2)
            began = time.monotonic()
            with self.a.load(10) as of_a:
                harness.wait_for(lambda: self.b.elsewhere() > 0, "it to be shown", 5)
                shown_after = time.monotonic() - began
                harness.wait_for(lambda: self.b.elsewhere() >= 8 and self.a.elsewhere() >= 8, "all of it", 5)
                all_after = time.monotonic() - began
                time.sleep(1)
                self.assertAlmostEqual(self.b.elsewhere(), 10, delta=2)
                self.assertAlmostEqual(self.a.elsewhere(), 10, delta=2)
        self.say(requests=of_a.sent + of_b.sent, failed=len(of_a.failures + of_b.failures),
                 shown_after=round(shown_after, 2), all_of_it_after=round(all_after, 2))
        self.assertEqual(of_a.failures + of_b.failures, [])
        self.assertLess(shown_after, SHOWN)
        self.assertEqual(self.a.nginx.status("other")["peers"][0]["leastwise"]["elsewhere"], 0)

    def test_nginx_goes_on_without_its_companion_and_forgets(self):
        self.start()
        with self.a.load(10) as of_a, self.b.load(10) as of_b:
            harness.wait_for(lambda: self.b.elsewhere() >= 8 and self.a.elsewhere() >= 8, "both to be shown", 8)
            self.a.companion.stop(signal.SIGKILL)
            killed = time.monotonic()
            harness.wait_for(lambda: self.a.elsewhere() == 0, "nginx to forget", HEARSAY + 2)
            own_after = time.monotonic() - killed
            harness.wait_for(lambda: self.b.elsewhere() == 0, "the other one to forget", HEARSAY + 2)
            other_after = time.monotonic() - killed
            harness.wait_for(lambda: self.b.figure("tellers") == 0, "its metrics to say so", 3)
            self.assertGreater(self.a.nginx.in_flight(), 0)
            with self.a.companion:
                again = time.monotonic()
                harness.wait_for(lambda: self.b.elsewhere() >= 8 and self.a.elsewhere() >= 8, "it to be back", 8)
                back_after = time.monotonic() - again
        self.say(requests=of_a.sent + of_b.sent, failed=len(of_a.failures + of_b.failures),
                 forgotten_after=round(own_after, 1), by_the_other_after=round(other_after, 1),
                 started_anew_all_is_back_after=round(back_after, 1))
        self.assertEqual(of_a.failures + of_b.failures, [])
        for seconds in (own_after, other_after):  # what is left of 10 rounds to 0 a little before
            self.assertTrue(3 < seconds < HEARSAY + 1, seconds)

    def test_reloads_and_a_new_nginx(self):
        self.start()
        with self.b.load(6) as load:
            for _ in range(3):
                self.a.nginx.reload()
                self.b.nginx.reload()
            self.wait_until_back()
            self.a.nginx.process.send_signal(signal.SIGTERM)
            self.a.nginx.process.wait(20)
            self.a.companion.wait_for_log("control.sock: .*balancing goes on without")
            time.sleep(1)
            self.a.nginx.__enter__()
            took = self.wait_until_back()
        self.say(requests=load.sent, failed=len(load.failures), back_after=round(took, 2))
        self.assertLess(took, BACK)
        self.assertEqual(load.failures, [])

    def test_its_logs_do_not_grow(self):
        self.start()
        before = len(self.a.nginx.log())
        time.sleep(3)
        self.assertGreaterEqual(self.a.figure("told_total"), 30)
        self.assertEqual(pathlib.Path(self.a.nginx.path("control.log")).read_text(encoding="ascii"), "")
        self.assertEqual(pathlib.Path(self.a.nginx.path("access.log")).read_text(encoding="ascii"), "")
        self.assertEqual(self.a.nginx.log()[before:], "")
        self.assertLess(len(self.a.companion.log().splitlines()), 5)

    def test_what_64_servers_take(self):
        """Of the network, and of the processors."""
        self.SERVERS = lines(range(SERVERS, SERVERS + 64))
        self.start(first=self.SERVERS)
        others = Others()
        harness.wait_for(lambda: self.a.figure("tellers") == 9, "all to be heard", 5)
        processes = {"nginx": self.a.nginx.children()[0], "companion": self.a.companion.process.pid}

        def look():
            ticks = {n: sum(int(w) for w in pathlib.Path(f"/proc/{p}/stat").read_text().rsplit(")", 1)[1].split()[11:13])
                     for n, p in processes.items()}
            return {n: self.a.figure(n + "_total") for n in ("bytes", "told", "heard")} | ticks | {"at": time.monotonic()}
        before = look()
        time.sleep(6)
        after = look()
        others.over.set()
        others.join()
        seconds = after["at"] - before["at"]
        rate = {n: (after[n] - before[n]) / seconds for n in before}
        self.say(bytes=round(rate["bytes"]), told=round(rate["told"], 1), heard=round(rate["heard"], 1),
                 nginx_percent_of_a_processor=round(rate["nginx"], 1),
                 companion_percent_of_a_processor=round(rate["companion"], 1))
        self.assertLessEqual(rate["bytes"], 40e3)
        self.assertGreaterEqual(rate["told"], 8)
        self.assertGreaterEqual(rate["heard"], 9 * 4)

    def share_of_the_first(self, count):
        """Of b's requests, with nine others there, where those at the first wait for others' and take as long as all."""
        self.start(count=count)
        others = Others()
        harness.wait_for(lambda: self.b.figure("tellers") == 9, "all to be heard", 5)
        with harness.Load(self.b.port, clients=3, path=f"/wait/{SERVERS}") as load:
            time.sleep(10)
            before = self.b.nginx.picks()
            time.sleep(5)
            share = harness.shares(before, self.b.nginx.picks())[SERVERS]
        others.over.set()
        others.join()
        self.assertEqual(load.failures, [])
        self.say(share=round(share, 2))
        return share

    def test_counted(self):
        self.assertLess(self.share_of_the_first("on"), 0.2)

    def test_only_shown(self):
        self.assertGreater(self.share_of_the_first("off"), 0.2)


class Trouble(Pair):
    def test_killed(self):
        self.start()
        self.trouble(self.end_redis, self.start_redis)
        self.assertIn("balancing goes on without", self.a.companion.log())

    def test_frozen(self):
        self.start()
        self.trouble(lambda: self.redis.send_signal(signal.SIGSTOP), lambda: self.redis.send_signal(signal.SIGCONT), 4)

    def test_full(self):
        self.start("--maxmemory-policy", "noeviction")

        def fill():
            ask("CONFIG", "SET", "maxmemory", "1")
            self.a.companion.wait_for_log("OOM")
        self.trouble(fill, lambda: ask("CONFIG", "SET", "maxmemory", "0"))

    def test_wrong_password(self):
        self.start("--requirepass", "right", url=REDIS.replace("//", "//:right@"))
        self.trouble(lambda: redis_server.set_password("right", "wrong"),
                     lambda: redis_server.set_password("wrong", "right"))
        self.assertIn("WRONGPASS", self.a.companion.log())
        self.assertNotIn("right", self.a.companion.log())

    def test_wrong_type_under_its_keys(self):
        self.start()
        self.trouble(lambda: ask("SET", KEYS + "who", "a text, and no set"), lambda: ask("DEL", KEYS + "who"))
        self.assertIn(f"SADD {KEYS}who: WRONGTYPE", self.a.companion.log())

    def test_slow(self):
        delay = Delay()
        self.addCleanup(delay.end)
        self.start(url=BY_DELAY)

        def slow_down():
            delay.seconds = 0.2
            time.sleep(1)
            self.assertTrue(self.is_heard())
        self.trouble(slow_down, lambda: setattr(delay, "seconds", 0))


class Far(Pair):
    """Redis answers after 200 ms, all the time."""

    def test_ten_upstreams_are_heard_as_one_is(self):
        delay = Delay()
        delay.seconds = 0.2
        self.addCleanup(delay.end)
        self.start(url=BY_DELAY, more="".join(f"upstream more{i} {{ leastwise; {self.SERVERS} }}" for i in range(9)))
        with self.a.load(10) as of_a, self.b.load(10) as of_b:
            harness.wait_for(lambda: self.a.elsewhere() >= 8 and self.b.elsewhere() >= 8, "both to be shown", 8)
            before, start, least = self.a.figure("heard_total"), time.monotonic(), 10
            for _ in range(20):
                time.sleep(0.2)
                least = min(least, self.a.elsewhere(), self.b.elsewhere())
            each = (self.a.figure("heard_total") - before) / 10 / (time.monotonic() - start)
        self.say(requests=of_a.sent + of_b.sent, failed=len(of_a.failures + of_b.failures),
                 each_heard_per_second=round(each, 1), least_of_10_that_were_shown=least)
        self.assertEqual(of_a.failures + of_b.failures, [])
        self.assertGreaterEqual(each, 2)
        self.assertGreaterEqual(least, 6)  # of 10 clients, less what is between two of their requests


class Tls(Pair):
    def setUp(self):
        self.certificates = redis_tls.Certificates(self.enterContext(tempfile.TemporaryDirectory(prefix="leastwise_tls_")))

    def start_tls(self, **share):
        self.start(*self.certificates.of_redis(wants_ours=True), url=self.certificates.share(ours="client", **share))

    def test_killed(self):
        self.start_tls(host="localhost")
        self.trouble(self.end_redis, self.start_redis)

    def test_frozen_in_the_handshake(self):
        self.start_tls()
        self.trouble(lambda: self.redis.send_signal(signal.SIGSTOP), lambda: self.redis.send_signal(signal.SIGCONT), 4)
        self.assertIn("no answer to a TLS handshake within 0.5 s", self.a.companion.log())

    def test_another_ca(self):
        self.is_heard = lambda: True  # nobody ever is
        self.start_tls(ca="other_ca.crt")
        self.a.companion.wait_for_log("its certificate is refused: self-signed certificate in certificate chain")
        with self.a.load(4, "0.01") as load:
            time.sleep(1)
        self.assertEqual((load.failures, self.a.figure("connected"), self.a.figure("told_total")), ([], 0, 0))


class Mixed(unittest.TestCase):
    """An nginx and an HAProxy with its agent, over the same servers."""

    def test_nginx_and_haproxy_tell_each_other(self):
        class Shared(stack.Stack):
            def start_agent(self, **options):
                self.start("redis", *redis_server.command(self.folder), stdout=subprocess.DEVNULL)
                stack.until(lambda: stack.is_listening(redis_server.PORT))
                path = self.folder / "leastwise.conf"
                path.write_text(path.read_text() + f"share {REDIS};\n")
                super().start_agent(**options)

        with Shared(slots=8, paths={"/": 50}) as haproxy, Balancer(0, lines(haproxy.ports.values())) as nginx:
            def at_haproxy():
                peers = json.loads(stack.get(stack.STATUS, "/status")[2])["upstreams"]["app"]["peers"]
                return sum(p["leastwise"]["elsewhere"] for p in peers)
            harness.wait_for(lambda: nginx.figure("tellers") == 1, "the agent to be heard", 5)
            began = time.monotonic()
            busy = stack.start_load("--connections", 10, "--seconds", 8)
            with harness.Load(nginx.port, clients=10, path="/") as load:
                harness.wait_for(lambda: nginx.elsewhere() > 0 and at_haproxy() > 0, "both to be shown", 5)
                shown_after = time.monotonic() - began
                time.sleep(3)
                there, here = at_haproxy(), nginx.elsewhere()
            result = json.loads(stack.finish(busy))["all"]
            print(f"shown after {shown_after:.2f} s; nginx's 10 as HAProxy's agent has them: {there}, HAProxy's 10 as "
                  f"nginx has them: {here}; failed: {len(load.failures)} of {load.sent}, {result['failed']} of "
                  f"{result['requests']}")
            self.assertEqual((load.failures, result["failed"]), ([], 0))
            self.assertAlmostEqual(there, 10, delta=3)
            self.assertAlmostEqual(here, 10, delta=3)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
