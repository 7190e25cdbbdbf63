"""The agent with everything going wrong: it is stopped, late, killed, or HAProxy is; and a real HAProxy
goes on.

Usage: faults_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import json
import signal
import socket
import sys
import threading
import time
import unittest

import stack
from stack import STATUS, Stack, finish, get, load, say, settled, start_load, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]


class Faults(unittest.TestCase):
    def run_under_load(self, s, act, seconds=6, connections=16):
        """Serves for `seconds`; `act` is called after one. Returns the result."""
        running = start_load("--connections", connections, "--seconds", seconds,
                             "--window", "before:0:1", "--window", f"after:2.5:{seconds}")
        time.sleep(1)
        act()
        result = json.loads(finish(running))
        windows = result["windows"]
        say(self, requests=result["all"]["requests"], failed=result["all"]["failed"],
            p99_before_ms=round(windows["before"]["p99_ms"], 1),
            p99_all_ms=round(result["all"]["p99_ms"], 1),
            p99_after_ms=round(windows["after"]["p99_ms"], 1),
            max_ms=round(result["all"]["max_ms"], 1))
        self.assertEqual(result["all"]["failed"], 0)
        return result

    def test_agent_killed_and_started_again(self):
        with Stack() as s:
            def act():
                s.end("agent")
                time.sleep(1.5)
                s.start_agent()
            self.run_under_load(s, act)
            until(s.is_asked)
            settled(s)

    def test_agent_stopped_and_continued(self):
        with Stack() as s:
            def act():
                s.send_signal("agent", signal.SIGSTOP)
                time.sleep(3)
                s.send_signal("agent", signal.SIGCONT)
            self.run_under_load(s, act)
            until(s.is_asked)
            settled(s)

    def test_agent_terminated(self):
        with Stack() as s:
            path = s.folder / "spoa.sock"
            self.assertTrue(path.exists())

            def act():
                self.assertEqual(s.end("agent", signal.SIGTERM), 0)
                self.assertFalse(path.exists())
                s.start_agent()
            self.run_under_load(s, act)

    def test_agent_that_talks_garbage_or_nothing(self):
        for talk in (b"\xff" * 64, b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\0", b""):
            with Stack() as s, self.subTest(talk=talk):
                self.run_under_load(s, lambda: self.replace_agent(s, talk), seconds=4)

    def replace_agent(self, s, talk):
        """Something else listens where the agent did."""
        s.end("agent")
        path = s.folder / "spoa.sock"
        path.unlink()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(64)
        self.addCleanup(listener.close)

        def serve():
            kept = []
            try:
                while True:
                    kept.append(listener.accept()[0])
                    kept[-1].sendall(talk)
            except OSError:
                for peer in kept:
                    peer.close()
        threading.Thread(target=serve, daemon=True).start()

    def test_agent_that_is_slow(self):
        # Every answer takes 60 ms, three times as long as HAProxy waits.
        with Stack() as s:
            def act():
                (s.folder / "spoa.sock").rename(s.folder / "real.sock")
                self.slow_down(s.folder / "spoa.sock", s.folder / "real.sock", 0.06)
                s.runtime("shutdown sessions server leastwise_agent/agent")
            self.run_under_load(s, act)
            settled(s)
            self.assertFalse(s.is_asked(), "its health check is too slow, too")

    def slow_down(self, front, back, seconds):
        """Passes bytes on from `front` to `back`, and the answers after a while."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(front))
        front.chmod(0o666)
        listener.listen(64)
        self.addCleanup(listener.close)

        def pump(source, target, delay):
            try:
                with source:
                    while data := source.recv(65536):
                        time.sleep(delay)
                        target.sendall(data)
            except OSError:
                pass
            finally:
                try:
                    target.shutdown(socket.SHUT_WR)
                except OSError:
                    pass

        def serve():
            try:
                while True:
                    peer = listener.accept()[0]
                    agent = socket.socket(socket.AF_UNIX)
                    agent.connect(str(back))
                    for job in ((peer, agent, 0), (agent, peer, seconds)):
                        threading.Thread(target=pump, args=job, daemon=True).start()
            except OSError:
                pass
        threading.Thread(target=serve, daemon=True).start()

    def test_haproxy_reloaded(self):
        with Stack() as s:
            def act():
                for _ in range(4):
                    s.send_signal("haproxy", signal.SIGUSR2)
                    time.sleep(1)
            self.run_under_load(s, act)
            until(s.is_asked)
            settled(s)

    def test_haproxy_reloaded_with_other_servers(self):
        with Stack() as s:
            load("--connections", 4, "--requests", 100)
            config = s.folder / "haproxy.cfg"
            config.write_text(config.read_text().replace("server s1 ", "server new "))
            s.send_signal("haproxy", signal.SIGUSR2)
            until(lambda: set(s.peers()) == {"new", "s2", "s3"}, 5)
            result = load("--connections", 4, "--requests", 200)
            self.assertEqual(result["all"]["failed"], 0)
            self.assertEqual(set(result["all"]["servers"]), {"s1", "s2", "s3"})

    def test_haproxys_socket_lost(self):
        with Stack() as s:
            (s.folder / "admin.sock").rename(s.folder / "hidden.sock")
            s.send_signal("agent", signal.SIGHUP)  # the connection that there is would go on
            until(lambda: s.status()["agent"]["haproxy"]["stale"], 6)
            self.assertEqual(load("--connections", 4, "--requests", 200)["all"]["failed"], 0)
            self.assertEqual(set(s.peers()), {"s1", "s2", "s3"})
            self.assertIn("stale 1", get(STATUS, "/metrics")[2])
            (s.folder / "hidden.sock").rename(s.folder / "admin.sock")
            until(lambda: not s.status()["agent"]["haproxy"]["stale"], 10)

    def test_a_server_that_refuses_is_replaced_at_once(self):
        with Stack() as s:
            s.backend("/set?server=s1&down=true")
            result = load("--connections", 8, "--seconds", 2)
            say(self, requests=result["all"]["requests"], failed=result["all"]["failed"],
                p99_ms=round(result["all"]["p99_ms"], 1))
            self.assertEqual(result["all"]["failed"], 0)
            self.assertGreater(s.peers()["s1"]["leastwise"]["results"]["refused"], 0)
            settled(s)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
