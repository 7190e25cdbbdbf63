"""Active checks: who fails them is left out and comes back, whatever servers do to the probe, and
through reloads; more than half that fail at once are used; and one worker probes, whichever dies."""

import itertools
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import unittest

import grpc_backend
import harness
import probed

PORT = 20700
PORTS = tuple(range(20701, 20717))
KILLS = 5 if harness.SANITIZED else 20
INTERVAL = 0.5  # where times are measured


def config(*servers, probe="http interval=100ms", extra="", more=""):
    text = "".join(s if isinstance(s, str) else f"server 127.0.0.1:{s} max_fails=0; "
                   for s in servers)
    asked = f"leastwise_probe {probe};" if probe else ""
    return (f"upstream app {{ leastwise round_robin; {harness.UNKEPT} {asked} {extra} {text} }}"
            f" server {{ listen 127.0.0.1:{PORT}; proxy_next_upstream off;"
            f" location / {{ proxy_pass http://app; }}"
            " location = /leastwise { leastwise_status; }"
            f" location = /metrics {{ leastwise_status prometheus; }} }} {more}")


class Probes(unittest.TestCase):
    def servers(self, n, **options):
        return [self.enterContext(probed.Server(port, **options)) for port in PORTS[:n]]

    def start(self, *servers, workers=2, **options):
        self.nginx = self.enterContext(
            harness.Nginx(PORT, config(*servers, **options), workers=workers))
        return self.nginx

    def peer(self, port):
        return self.nginx.peers()[port]

    def state(self, port):
        return self.peer(port)["state"]

    def wait_state(self, port, state, seconds=10):
        harness.wait_for(lambda: self.state(port) == state, f"{port} to be {state}", seconds)

    def last(self, port):
        probe = self.peer(port)["leastwise"]["probe"]
        return probe and probe["last"]

    def count_log(self, text):
        return self.nginx.log().count(text)

    def used(self, requests=12):
        """Servers that requests of now go to, by port."""
        before = {p: v["leastwise"]["picks"] for p, v in self.nginx.peers().items()}
        for _ in range(requests):
            self.nginx.get("/x", timeout=5)
        return {p for p, v in self.nginx.peers().items()
                if v["leastwise"]["picks"] > before[p]}


class Verdicts(Probes):
    def test_a_frozen_server_is_out_in_time_and_back_in_time(self):
        self.servers(2)
        frozen = self.enterContext(probed.Process(PORTS[2]))
        harness.wait_for(lambda: harness.listens(PORTS[2]), "the server to listen")
        self.start(*PORTS[:3], probe=f"http interval={int(INTERVAL * 1000)}ms fails=3 passes=2 "
                                     "timeout=400ms", extra="leastwise_slow_start 30s;")
        self.used(40)  # the pool has learned: who comes back is ramped
        harness.wait_for(lambda: self.last(PORTS[2]) == "passed", "the first probe")
        for _ in range(2):
            frozen.signal(signal.SIGSTOP)
            start = time.monotonic()
            self.wait_state(PORTS[2], "unhealthy")
            took_out = time.monotonic() - start
            self.assertEqual(self.last(PORTS[2]), "timeout after 400ms")
            self.assertEqual(self.used(), set(PORTS[:2]))
            frozen.signal(signal.SIGCONT)
            start = time.monotonic()
            self.wait_state(PORTS[2], "up")
            took_back = time.monotonic() - start
            print(f"frozen: out after {took_out:.2f} s, back after {took_back:.2f} s; "
                  f"interval {INTERVAL} s, fails=3, passes=2")
            self.assertLess(took_out, 4 * INTERVAL)
            self.assertLess(took_back, 2 * INTERVAL + 0.1)  # the look at the status
        own = self.peer(PORTS[2])["leastwise"]
        self.assertLess(own["warmth"], 0.5)
        self.assertEqual(self.count_log(f"server 127.0.0.1:{PORTS[2]} of upstream \"app\" is left"),
                         2)
        self.assertEqual(self.count_log(f"127.0.0.1:{PORTS[2]} of upstream \"app\" is back: 2 "), 2)

    def test_each_way_to_fail_has_its_words_and_costs_no_more_than_its_timeout(self):
        words = {"hang": "timeout after 150ms", "503": "status 503, accepted 200-299,301",
                 "flood": "more than 64 KiB without an end",
                 "endless": "more than 64 KiB without an end",
                 "garbage": "an answer that is no HTTP/1",
                 "close": "connection closed before an answer"}
        bad = [self.enterContext(probed.Server(port, mode))
               for port, mode in zip(PORTS, words)]
        refuses, good = PORTS[len(words)], PORTS[len(words) + 1:]
        self.assertGreater(len(good), len(words) + 1)  # else there would be a panic
        for port in good:
            self.enterContext(probed.Server(port))
        self.start(*PORTS,
                   probe="http uri=/health?x=1 host=a.test interval=200ms timeout=150ms fails=2 "
                         "status=200-299,301 'body=is well'")
        for server in bad:
            self.wait_state(server.at, "unhealthy")
            self.assertEqual(self.last(server.at), words[server.mode])
            self.assertEqual(self.peer(server.at)["leastwise"]["reason"], "probe")
        self.wait_state(refuses, "unhealthy")
        self.assertEqual(self.last(refuses), "connection refused")
        self.assertTrue(bad[0].probes[0].head.startswith(
            "GET /health?x=1 HTTP/1.1\r\nHost: a.test\r\n"), bad[0].probes[0])
        time.sleep(1)  # some more of them
        sent = {s.mode: s.sent for s in bad if s.sent}
        print(f"what one probe took in, buffers of sockets included: {sent} bytes")
        self.assertEqual(set(sent), {"flood", "endless"})
        self.assertLess(max(sent.values()), 256 * 1024)
        slowest = max(self.timed_get() for _ in range(50))
        print(f"slowest of 50 requests meanwhile: {slowest * 1000:.1f} ms")
        self.assertLess(slowest, 0.15)
        self.assertEqual(self.used(2 * len(good)), set(good))
        for mode, server in zip(words, bad):
            self.assertEqual(self.count_log(f"127.0.0.1:{server.at} of upstream"), 1, mode)
        self.assertIn(f'server 127.0.0.1:{refuses} of upstream "app" is left out: 2 probes in a row '
                      'failed, the last with "connection refused"; see whether it runs and listens '
                      'there. 2 in a row that pass bring it back', self.nginx.log())
        metrics = self.nginx.get("/metrics").body
        for line in (rf'leastwise_peer_left_out{{.*:{refuses}",reason="probe"}} 1',
                     rf'leastwise_peer_up{{.*:{refuses}"}} 0',
                     rf'leastwise_peer_probe_result{{.*:{refuses}",result="refused"}} 1',
                     rf'leastwise_peer_probe_failures_in_a_row{{.*:{refuses}"}} (?:[2-9]|[1-9]\d)',
                     rf'leastwise_peer_probe_age_seconds{{.*:{refuses}"}} 0',
                     r'leastwise_panic{.*} 0'):
            self.assertRegex(metrics, line)

    def timed_get(self):
        start = time.monotonic()
        self.assertEqual(self.nginx.get("/x").status, 200)
        return time.monotonic() - start

    def test_when_more_than_half_fail_all_are_used_and_the_log_says_so_once(self):
        servers = self.servers(3)
        self.start(*PORTS[:3], probe="http interval=100ms fails=2 passes=1")
        for server in servers[:2]:
            server.mode = "503"
        for server in servers[:2]:
            self.wait_state(server.at, "unhealthy")
        harness.wait_for(lambda: self.nginx.status()["model"]["panic"], "the panic")
        self.assertEqual(self.used(), set(PORTS[:3]))
        time.sleep(1)
        self.assertEqual(self.count_log("2 of 3 servers of upstream \"app\" fail their probes"), 1)
        servers[0].mode = "ok"
        self.wait_state(PORTS[0], "up")
        harness.wait_for(lambda: self.count_log("pass their probes again"), "the end to be told")
        self.assertFalse(self.nginx.status()["model"]["panic"])
        self.assertEqual(self.used(), {PORTS[0], PORTS[2]})

    def test_tls_asks_for_the_name(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        key, certificate = os.path.join(folder, "key"), os.path.join(folder, "certificate")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=a", "-keyout", key,
                        "-out", certificate], check=True, stderr=subprocess.DEVNULL)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        names = []
        tls.sni_callback = lambda _socket, name, _context: names.append(name)
        self.servers(2, tls=tls)
        self.enterContext(probed.Server(PORTS[2]))  # speaks no TLS
        self.start(*PORTS[:3],
                   probe="http tls sni=shop.test interval=100ms timeout=90ms 'body=is well'")
        self.wait_state(PORTS[2], "unhealthy")
        harness.wait_for(lambda: self.last(PORTS[0]) == "passed", "a probe over TLS")
        self.assertEqual(set(names), {"shop.test"})
        self.assertEqual(self.last(PORTS[2]), "TLS handshake failed")
        self.assertEqual(self.state(PORTS[0]), "up")


    def test_grpc_says_itself_whether_it_serves(self):
        well, ill, mute = PORTS[2:7], PORTS[0], PORTS[1]
        no_grpc = PORTS[7]
        backends = grpc_backend.GrpcBackends(*well, ill, mute)
        for port in well:
            backends.behaviour[port].message = b"\0\0\0\0\x02\x08\x01"
        backends.behaviour[ill].message = b"\0\0\0\0\x02\x08\x02"
        backends.behaviour[mute] = grpc_backend.Behaviour("trailers_only", 12)
        self.enterContext(backends)
        self.enterContext(probed.Server(no_grpc))
        probe = "grpc service=shop.Cart interval=100ms"
        nginx = harness.Nginx(PORT, config(*PORTS[:8], probe=probe))
        if "is not in this build" in nginx.check()[1]:
            shutil.rmtree(nginx.folder)
            self.skipTest("built without libnghttp2-dev")
        self.nginx = self.enterContext(nginx)
        for port, words in ((ill, "grpc.health.v1 says NOT_SERVING"), (mute, "grpc-status 12"),
                            (no_grpc, "an answer that is no HTTP/2")):
            self.wait_state(port, "unhealthy")
            self.assertEqual(self.last(port), words)
        for port in well:
            self.assertEqual(self.last(port), "passed")
        backends.behaviour[ill].message = backends.behaviour[well[0]].message
        self.wait_state(ill, "up")


class Lives(Probes):
    def test_who_is_mandatory_is_not_used_before_its_first_pass(self):
        first, late = self.servers(2)
        late.mode = "503"
        self.start(*PORTS[:2], probe="http interval=100ms fails=50 passes=3 mandatory")
        self.wait_state(PORTS[0], "up")
        self.assertEqual(self.state(PORTS[1]), "checking")
        self.assertEqual(self.used(), {PORTS[0]})
        first.mode = "503"  # not even when nobody else is left
        time.sleep(0.3)
        self.assertEqual(self.used(), {PORTS[0]})
        late.mode = "ok"
        self.wait_state(PORTS[1], "up")
        self.assertEqual(self.used(), set(PORTS[:2]))
        self.assertEqual(self.count_log("has passed its first probe and is used"), 2)

    def test_the_log_says_why_requests_fail_when_nobody_who_is_mandatory_ever_passed(self):
        servers = self.servers(2)
        for server in servers:
            server.mode = "503"
        self.start(*PORTS[:2], probe="http interval=100ms fails=2 passes=1 mandatory")
        harness.wait_for(lambda: self.count_log("has ever passed a probe"), "the log to say so")
        self.assertEqual([self.nginx.get("/").status for _ in range(3)], [502] * 3)
        self.assertEqual(self.count_log("none of the 2 servers of upstream"), 1)
        servers[0].mode = "ok"
        self.wait_state(PORTS[0], "up")
        self.assertEqual(self.used(), {PORTS[0]})

    def test_a_reload_keeps_who_is_down_and_lets_who_is_new_wait_and_old_workers_leave_at_once(self):
        down, new, *good = self.servers(4)
        down.mode = new.mode = "hang"
        probe = "http interval=1s timeout=1s fails=1 passes=1 mandatory"
        well = {server.at for server in good}
        self.start(down.at, *well, probe=probe.replace(" mandatory", ""))
        self.wait_state(down.at, "unhealthy")
        self.nginx.configure(config(down.at, new.at, *well, probe=probe))
        took = []
        for _ in range(3):
            start = time.monotonic()
            self.nginx.reload()
            took.append(time.monotonic() - start)
            self.assertEqual(self.state(down.at), "unhealthy")
            self.assertEqual(self.state(new.at), "checking")
            self.assertEqual(self.used(), well)
        print("reloads with probes on their way took " + ", ".join(f"{t:.2f} s" for t in took))
        self.assertLess(max(took), 10 if harness.SANITIZED else 0.9)
        self.assertNotIn("open socket", self.nginx.log())
        down.mode = new.mode = "ok"
        self.wait_state(down.at, "up")
        self.wait_state(new.at, "up")
        # Without the directive nobody stays out.
        down.mode = "503"
        self.wait_state(down.at, "unhealthy")
        self.nginx.configure(config(down.at, new.at, *well, probe=""))
        self.nginx.reload()
        self.wait_state(down.at, "up")


class OneProber(Probes):
    """At a unix socket the server sees which worker asks."""

    def setUp(self):
        self.path = os.path.join(self.enterContext(tempfile.TemporaryDirectory()), "s")
        self.server = self.enterContext(probed.Server(self.path))

    def begin(self):
        # Two endpoints: each is asked every 0.1 s.
        self.start(*[f"server unix:{self.path};"] * 2, workers=3)
        harness.wait_for(lambda: self.server.probes, "the first probe")

    def next_prober(self, old, seconds=5):
        """Who asks next that is not `old`."""
        before = len(self.server.probes)

        def found():
            return next((p for p in self.server.probes[before:] if p.pid != old), None)
        return harness.wait_for(found, "another worker to probe", seconds)

    def overlap(self):
        """For how long two workers probed, at most: the first of one before the last of another."""
        seen = {}
        for p in self.server.probes:
            first, _ = seen.get(p.pid, (p.time, 0))
            seen[p.pid] = (first, p.time)
        lives = sorted(seen.values())
        return max((last - after for (_, last), (after, _) in itertools.combinations(lives, 2)),
                   default=0)

    def test_another_takes_over_within_two_seconds_and_never_two_probe(self):
        self.begin()
        gaps = []
        for _ in range(KILLS):
            old = self.server.probes[-1].pid
            os.kill(old, signal.SIGKILL)
            died = time.monotonic()
            gaps.append(self.next_prober(old).time - died)
        pids = [pid for pid, _ in itertools.groupby(p.pid for p in self.server.probes)]
        print(f"{KILLS} kills: the next probe came after {max(gaps):.2f} s at most, "
              f"{sum(gaps) / KILLS:.2f} s in the mean; two probed for {self.overlap():.2f} s at most")
        self.assertLess(max(gaps), 2)
        self.assertLessEqual(self.overlap(), 0.0)
        self.assertEqual(len(pids), len(set(pids)), "who lost it did not come back")

    def test_one_that_was_stopped_finds_that_it_has_lost_it(self):
        self.begin()
        old = self.server.probes[-1].pid
        os.kill(old, signal.SIGSTOP)
        stopped = time.monotonic()
        took = self.next_prober(old).time - stopped
        os.kill(old, signal.SIGCONT)
        time.sleep(1)
        print(f"a stopped worker was replaced after {took:.2f} s; two probed for "
              f"{self.overlap():.2f} s at most")
        self.assertLess(took, 2)
        self.assertLess(self.overlap(), 2)
        self.assertNotIn(old, {p.pid for p in self.server.probes if p.time > stopped + took + 0.5})


if __name__ == "__main__":
    unittest.main()
