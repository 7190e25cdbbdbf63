"""What the agent asks of HAProxy's runtime API, and what that costs HAProxy.

Usage: runtime_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import pathlib
import socket
import sys
import threading
import time
import unittest

import stack
from stack import Stack, say, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]
FOREIGN = "\n".join(
    f"backend foreign{b}\n" + "\n".join(f"    server f{i} 127.0.0.1:9 disabled" for i in range(100))
    for b in range(50))


def cpu_of_workers(master):
    """Seconds that all threads of the master's workers have used."""
    workers = pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return sum(int(thread.read_text().split()[0]) / 1e9
               for worker in workers
               for thread in pathlib.Path(f"/proc/{worker}/task").glob("*/schedstat"))


class Relay:
    """Stands where HAProxy's socket was, passes all on, and keeps what was said."""

    def __init__(self, test, folder):
        self.asked, self.answered = [], []
        (folder / "admin.sock").rename(folder / "real.sock")
        self.real = str(folder / "real.sock")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(folder / "admin.sock"))
        listener.listen(64)
        test.addCleanup(listener.close)
        threading.Thread(target=self.serve, args=(listener,), daemon=True).start()

    def serve(self, listener):
        try:
            while True:
                with listener.accept()[0] as agent, socket.socket(socket.AF_UNIX) as haproxy:
                    asked = agent.recv(65536)
                    haproxy.connect(self.real)
                    haproxy.sendall(asked)
                    answer = b""
                    while part := haproxy.recv(65536):
                        answer += part
                    self.asked.append(asked.decode())
                    self.answered.append(answer.decode())
                    agent.sendall(answer)
        except OSError:
            pass


class Runtime(unittest.TestCase):
    def test_is_asked_for_our_backends_only(self):
        # A frontend may have the name of a backend.
        with Stack(server_options="maxconn 9", edit=[
                ("frontend web", "frontend app"),
                ("backend leastwise_breaker", FOREIGN + "\n\nbackend leastwise_breaker")]) as s:
            for peer in s.peers().values():
                self.assertEqual(peer["max_conns"], 9)
            cpu, begin = cpu_of_workers(s.processes["haproxy"].pid), time.monotonic()
            time.sleep(5)
            used = cpu_of_workers(s.processes["haproxy"].pid) - cpu
            say(self, foreign_servers=5000,
                haproxy_cpu_percent=round(100 * used / (time.monotonic() - begin), 3))
            relay = Relay(self, s.folder)
            until(lambda: len(relay.answered) >= 4)
            self.assertFalse([a for a in relay.answered if "foreign" in a], relay.asked)
            self.assertTrue(all("app" in a for a in relay.answered), relay.asked)
            s.runtime("set maxconn server app/s2 7", "real.sock")
            until(lambda: s.peers()["s2"]["max_conns"] == 7)

    def test_asks_for_hundreds_of_backends_by_and_by(self):
        with Stack() as s:
            names = [f"{'long' * 20}{i}" for i in range(300)]
            config = s.folder / "leastwise.conf"
            config.write_text("".join(f"backend {n} {{}}\n" for n in names) + config.read_text())
            s.end("agent")
            s.start_agent()
            until(lambda: not s.status()["agent"]["haproxy"]["stale"])
            until(lambda: set(s.peers()) == {"s1", "s2", "s3"})
            self.assertEqual(s.status()["agent"]["feedback"]["failed_polls"], 0)
            until(s.is_asked)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
