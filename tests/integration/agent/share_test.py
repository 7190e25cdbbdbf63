"""Two agents that tell each other what they have in flight, by a real Redis, and what happens when
that is gone, hangs, is slow, full, or holds what is no report.

Usage: share_test.py AGENT BACKENDS LOAD [unittest arguments]
LEASTWISE_REDIS: the server, redis-server or valkey-server.
"""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

import stack
from stack import Stack, finish, get, is_listening, load, say, start_load, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]
REDIS = os.environ.get("LEASTWISE_REDIS", "redis-server")
PORT, SLOW_PORT, SECOND_STATUS = 21090, 21091, 21092
KEYS = "test:1:{app}:"
BACK = 2  # seconds


def ask(*words):
    """What Redis answers, by a connection of its own: one line, or the text of a value."""
    with socket.create_connection(("127.0.0.1", PORT), timeout=5) as s:
        parts = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        s.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        stream = s.makefile("rb")
        line = stream.readline().rstrip()
        return stream.read(int(line[1:])) if line.startswith(b"$") and line != b"$-1" else line


class Delay(threading.Thread):
    """Passes on what is said on SLOW_PORT to Redis, and the answers `seconds` later."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seconds = 0
        self.listener = socket.create_server(("127.0.0.1", SLOW_PORT))
        self.start()

    def run(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", PORT))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self.pass_on, args=(source, target, target is client),
                                 daemon=True).start()

    def pass_on(self, source, target, is_answer):
        try:
            while data := source.recv(65536):
                time.sleep(self.seconds if is_answer else 0)
                target.sendall(data)
        except OSError:
            pass
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Pair(Stack):
    """The stack, and a second agent that has the same servers and nothing in flight."""

    def __init__(self, url=f"redis://127.0.0.1:{PORT}/test", redis=(), servers=4, **options):
        super().__init__(servers=servers, **options)
        self.url, self.redis_options = url, redis

    def start_redis(self):
        self.start("redis", REDIS, "--port", str(PORT), "--save", "", "--dir", str(self.folder),
                   *self.redis_options, stdout=subprocess.DEVNULL)
        until(lambda: is_listening(PORT))

    def start_agent(self, **options):
        self.start_redis()
        path = self.folder / "leastwise.conf"
        text = path.read_text() + f"share {self.url};\n"
        path.write_text(text)
        second = self.folder / "second.conf"
        second.write_text(text.replace("spoa.sock", "second.sock")
                          .replace(str(stack.FEEDBACK), str(stack.FEEDBACK + 90))
                          .replace(str(stack.STATUS), str(SECOND_STATUS)))
        super().start_agent(**options)
        self.start("second", stack.AGENT, "-c", str(second))
        until(lambda: is_listening(SECOND_STATUS))

    def share(self, port=SECOND_STATUS):
        return json.loads(get(port, "/status")[2])["agent"]["share"]

    def elsewhere(self):
        """What the second believes that the first has in flight, at all servers."""
        peers = json.loads(get(SECOND_STATUS, "/status")[2])["upstreams"]["app"]["peers"]
        return sum(p["leastwise"]["elsewhere"] for p in peers)

    def is_heard(self):
        return self.share()["tellers"] == 1 and self.share(stack.STATUS)["tellers"] == 1

    def is_back(self):
        """Both hear what is new."""
        before = [self.share(p)["heard"] for p in (SECOND_STATUS, stack.STATUS)]
        time.sleep(0.25)
        after = [self.share(p)["heard"] for p in (SECOND_STATUS, stack.STATUS)]
        return all(b > a for a, b in zip(before, after)) and self.is_heard()


class Others(threading.Thread):
    """Eight balancers more, which report 64 servers ten times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.start()

    def run(self):
        servers = b"".join(struct.pack("<IHH", i, 16, 1) for i in range(64))
        number = 0
        while not self.over.wait(0.1):
            number += 1
            for i in range(8):
                ask("SET", KEYS + f"other{i}", b"LWS1" + struct.pack("<IQQ", 64, number, 1) + servers)
                ask("SADD", KEYS + "who", f"other{i}")


class Sharing(unittest.TestCase):
    def test_each_hears_what_the_other_has(self):
        with Pair(slots=4, paths={"/": 100}) as s:
            until(s.is_heard, 5)
            others = Others()  # of one alone we believe little more than we have ourselves: nothing
            busy = start_load("--connections", 40, "--seconds", 12)
            until(lambda: s.elsewhere() >= 20, 10)
            start, bytes_before = time.monotonic(), s.share()["bytes"]
            time.sleep(2)
            rate = (s.share()["bytes"] - bytes_before) / (time.monotonic() - start)
            result = json.loads(finish(busy))
            self.assertEqual(result["all"]["failed"], 0)
            say(self, elsewhere=s.elsewhere(), bytes_per_second=round(rate))
            others.over.set()
            others.join()
            self.assertEqual(ask("SCARD", KEYS + "who"), b":10")
            s.end("agent", signal.SIGTERM)
            self.assertEqual(ask("SCARD", KEYS + "who"), b":9")  # it starts again without hearing itself
            until(lambda: s.share()["tellers"] == 0, 7)  # forgotten after 5 s
            until(lambda: s.elsewhere() == 0, 7)

    def test_what_was_heard_is_forgotten_when_redis_is_gone(self):
        with Pair(slots=4, paths={"/": 100}) as s:
            until(s.is_heard, 5)
            others = Others()
            busy = start_load("--connections", 40, "--seconds", 20)
            until(lambda: s.elsewhere() >= 20, 10)
            others.over.set()
            others.join()
            s.end("redis")
            until(lambda: s.elsewhere() == 0, 7)
            self.assertLess(s.log("second").count("balancing goes on without"), 4)
            self.assertIsNone(busy.poll())  # the first still has some
            busy.kill()
            busy.communicate()

    def test_what_64_servers_take_of_the_network(self):
        with Pair(servers=64) as s:
            others = Others()
            until(lambda: s.share()["tellers"] == 9, 5)
            before, start = s.share(), time.monotonic()
            time.sleep(5)
            after, seconds = s.share(), time.monotonic() - start
            others.over.set()
            others.join()
            rate = {n: (after[n] - before[n]) / seconds for n in ("bytes", "told", "heard")}
            say(self, **{n: round(r) for n, r in rate.items()})
            self.assertLessEqual(rate["bytes"], 40e3)
            self.assertGreaterEqual(rate["told"], 8)
            self.assertGreaterEqual(rate["heard"], 9 * 4)

    def trouble(self, s, begin, end, seconds=2.0):
        """No request fails while Redis is in trouble, and both are back soon after."""
        until(s.is_heard, 5)
        busy = start_load("--connections", 8, "--seconds", seconds + BACK + 1)
        begin()
        time.sleep(seconds)
        end()
        start = time.monotonic()
        until(s.is_back, 10)
        took = time.monotonic() - start
        result = json.loads(finish(busy))
        say(self, requests=result["all"]["requests"], failed=result["all"]["failed"],
            back_after=round(took, 2))
        self.assertEqual(result["all"]["failed"], 0)
        self.assertLess(took, BACK)
        self.assertEqual(s.processes["agent"].poll(), None)

    def test_killed(self):
        with Pair() as s:
            self.trouble(s, lambda: s.end("redis"), s.start_redis)
            self.assertIn("balancing goes on without", s.log("agent"))

    def test_frozen(self):
        with Pair() as s:
            self.trouble(s, lambda: s.send_signal("redis", signal.SIGSTOP),
                         lambda: s.send_signal("redis", signal.SIGCONT), 4)

    def test_full(self):
        with Pair(redis=("--maxmemory-policy", "noeviction")) as s:
            def is_full():
                ask("CONFIG", "SET", "maxmemory", "1")
                until(lambda: "OOM" in s.log("agent"), 5)
            self.trouble(s, is_full, lambda: ask("CONFIG", "SET", "maxmemory", "0"))

    def test_wrong_password(self):
        with Pair(f"redis://:right@127.0.0.1:{PORT}/test", ("--requirepass", "right")) as s:
            def change():
                with socket.create_connection(("127.0.0.1", PORT)) as c:
                    c.sendall(b"AUTH right\r\nCONFIG SET requirepass wrong\r\nCLIENT KILL TYPE normal SKIPME yes\r\n")
                    time.sleep(0.2)

            def change_back():
                with socket.create_connection(("127.0.0.1", PORT)) as c:
                    c.sendall(b"AUTH wrong\r\nCONFIG SET requirepass right\r\n")
                    time.sleep(0.2)
            self.trouble(s, change, change_back)
            self.assertIn("WRONGPASS", s.log("agent"))
            self.assertNotIn("right", s.log("agent"))

    def test_wrong_type_under_its_keys(self):
        with Pair() as s:
            def spoil():
                ask("SET", KEYS + "who", "a text, and no set")
            self.trouble(s, spoil, lambda: ask("DEL", KEYS + "who"))
            self.assertIn(f"SADD {KEYS}who: WRONGTYPE", s.log("agent"))

    def test_slow(self):
        delay = Delay()
        with Pair(f"redis://127.0.0.1:{SLOW_PORT}/test") as s:
            def slow_down():
                delay.seconds = 0.2
                time.sleep(1)
                self.assertTrue(s.is_heard())
            self.trouble(s, slow_down, lambda: setattr(delay, "seconds", 0))

    def test_what_is_no_report_is_refused(self):
        with Pair() as s:
            until(s.is_heard, 5)
            good = b"LWS1" + struct.pack("<IQQ", 1, 1, 1) + struct.pack("<IHH", 1, 16, 1)
            for i, bad in enumerate([b"x", b"LWS2" + good[4:], good[:-1], good + b"\0", b"\xff" * 65536,
                                     b"LWS1" + struct.pack("<IQQ", 0xffffffff, 1, 1)]):
                ask("SET", KEYS + f"bad{i}", bad)
                ask("SADD", KEYS + "who", f"bad{i}")
            ask("LPUSH", KEYS + "list", "x")
            ask("SADD", KEYS + "who", "list", "x" * 1000, b"\0\xff\r\n")
            before = s.share()
            until(lambda: s.share()["refused"] >= before["refused"] + 8, 5)
            self.assertEqual(load("--connections", 8, "--seconds", 2)["all"]["failed"], 0)
            until(lambda: s.share()["heard"] >= before["heard"] + 2 and s.is_heard(), 5)
            say(self, refused=s.share()["refused"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
