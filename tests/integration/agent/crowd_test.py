"""Crowds at the agent's ports: thousands of connections that say nothing, or not all of it.

Usage: crowd_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import resource
import socket
import stat
import sys
import threading
import time
import unittest

import stack
from stack import STATUS, WEB, Stack, get, load, say, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]
MOST = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (MOST, MOST))


def text(value):
    return bytes([len(value)]) + value


def hello():
    """A HAPROXY-HELLO as HAProxy's own: type 1, FIN, stream and frame 0, then a list."""
    frame = b"\1\0\0\0\1\0\0"
    frame += text(b"supported-versions") + b"\x08" + text(b"2.0")
    frame += text(b"max-frame-size") + b"\x03" + b"\xfc\xf0\x06"  # 16380
    frame += text(b"capabilities") + b"\x08" + text(b"pipelining")
    return len(frame).to_bytes(4, "big") + frame


class Crowd(unittest.TestCase):
    def open(self, n, family, address, words=b""):
        crowd = []
        for _ in range(n):
            peer = socket.socket(family)
            self.addCleanup(peer.close)
            peer.connect(address)
            peer.settimeout(10)
            peer.sendall(words)
            crowd.append(peer)
        return crowd

    def at_status(self, n, words=b""):
        return self.open(n, socket.AF_INET, ("127.0.0.1", STATUS), words)

    def at_spoa(self, s, n, words=b""):
        return self.open(n, socket.AF_UNIX, str(s.folder / "spoa.sock"), words)

    def assert_undisturbed(self, s):
        """A status request and picks work, and HAProxy never took the agent for dead."""
        self.assertEqual(get(STATUS, "/healthz", timeout=3)[0], 200)
        before = s.status()["agent"]["picks"]["picked"]
        result = load("--connections", 8, "--requests", 400)["all"]
        agent = s.status()["agent"]
        say(self, failed=result["failed"], picked=agent["picks"]["picked"] - before,
            p99_ms=round(result["p99_ms"], 1), evicted=agent["picks"]["connections_evicted"])
        self.assertEqual(result["failed"], 0)
        self.assertEqual(agent["picks"]["picked"] - before, 400)
        self.assertEqual(self.failed_checks(s), 0)

    def failed_checks(self, s):
        rows = [row.split(",") for row in s.runtime("show stat").splitlines()]
        column = rows[0].index("chkfail")
        return next(int(row[column]) for row in rows if row[:2] == ["leastwise_agent", "agent"])

    def test_idle_at_the_status_port(self):
        with Stack() as s:
            self.at_status(1041)
            time.sleep(1)  # five of HAProxy's checks
            self.assert_undisturbed(s)

    def test_idle_at_haproxys_port_after_a_hello(self):
        with Stack() as s:
            self.at_spoa(s, 4200, hello())
            time.sleep(1)
            self.assert_undisturbed(s)

    def test_at_both_with_few_descriptors(self):
        with Stack() as s:
            s.end("agent")

            def limit():
                resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
            s.start_agent(preexec_fn=limit)
            until(s.is_asked)
            checks = self.failed_checks(s)  # while it was away
            self.at_status(300)
            self.at_spoa(s, 300, hello())
            time.sleep(1)
            self.assertEqual(get(STATUS, "/status", timeout=3)[0], 200)
            until(s.is_asked)
            self.assertEqual(self.failed_checks(s), checks)

    def test_that_never_ends_a_request_is_sent_away(self):
        with Stack() as s:
            peers = [*self.at_status(3, b"GET /status HTTP/1.1\r\nX: "),
                     *self.at_spoa(s, 3, hello()[:9]),
                     *self.at_spoa(s, 3, hello() + b"\0\0\0\x40\3")]
            stopped = threading.Event()
            self.addCleanup(stopped.set)

            def trickle():
                while not stopped.wait(0.5):
                    for peer in peers:
                        try:
                            peer.sendall(b"x")
                        except OSError:
                            pass
            threading.Thread(target=trickle, daemon=True).start()
            begin = time.monotonic()
            for peer in peers:
                try:
                    while peer.recv(4096):
                        pass
                except ConnectionError:
                    pass  # closed while a byte was on its way
            took = time.monotonic() - begin
            say(self, seconds=round(took, 1))
            self.assertLess(took, 7)
            self.assert_undisturbed(s)

    def test_that_keeps_coming(self):
        with Stack() as s:
            stopped = threading.Event()
            opened = [0]

            def come():
                kept = []
                while not stopped.is_set():
                    for family, address, words in [
                            (socket.AF_UNIX, str(s.folder / "spoa.sock"), hello()),
                            (socket.AF_INET, ("127.0.0.1", STATUS), b"")]:
                        peer = socket.socket(family)
                        peer.settimeout(1)
                        try:
                            peer.connect(address)
                            peer.sendall(words)
                        except OSError:
                            continue
                        kept.append(peer)
                        opened[0] += 1
                    if len(kept) > 9000:
                        kept.pop(0).close()
                        kept.pop(0).close()
            thread = threading.Thread(target=come, daemon=True)
            thread.start()
            until(lambda: opened[0] > 9500, 30)
            result = load("--connections", 8, "--requests", 400)["all"]
            self.assertEqual(get(STATUS, "/status", timeout=3)[0], 200)
            stopped.set()
            thread.join()
            say(self, opened=opened[0], failed=result["failed"], p99_ms=round(result["p99_ms"], 1))
            self.assertEqual(result["failed"], 0)
            self.assertEqual(self.failed_checks(s), 0)

    def test_of_strangers_is_kept_out_by_the_mode_of_the_socket(self):
        with Stack() as s:
            mode = (s.folder / "spoa.sock").stat().st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o660)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
