"""Thousands of servers: what is shown of them disturbs no pick and is not kept as megabytes.

Usage: large_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import pathlib
import socket
import sys
import threading
import unittest

import stack
from stack import STATUS, Stack, get, load, say, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]
SERVERS, READERS = 4000, 40


class Large(unittest.TestCase):
    def stack_of_thousands(self):
        spare = f"    server-template w 1-{SERVERS - 3} 127.0.0.1:9 disabled\n"
        return Stack(edit=[("defaults leastwise", spare + "\ndefaults leastwise")])

    def memory(self, s):
        """MiB that the agent has in memory of its own."""
        status = pathlib.Path(f"/proc/{s.processes['agent'].pid}/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0]) / 1024

    def stuck_readers(self):
        """Ask for everything and take nothing."""
        for _ in range(READERS):
            reader = socket.socket()
            self.addCleanup(reader.close)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", STATUS))
            reader.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")

    def test_status_of_thousands_is_whole_and_disturbs_no_pick(self):
        with self.stack_of_thousands() as s:
            until(lambda: len(s.peers()) == SERVERS)
            metrics = get(STATUS, "/metrics")[2]
            self.assertEqual(metrics.count("\nleastwise_peer_up{"), SERVERS)
            self.assertIn("\nleastwise_agent_haproxy_stale 0\n", metrics)
            quiet = load("--connections", 8, "--requests", 1000)["all"]
            before, memory = s.status()["agent"]["picks"], self.memory(s)
            stopped, fetched = threading.Event(), [0]

            def fetch():
                while not stopped.is_set():
                    fetched[0] += len(get(STATUS, "/metrics")[2]) > 1_000_000
            thread = threading.Thread(target=fetch)
            thread.start()
            self.stuck_readers()
            busy = load("--connections", 8, "--requests", 3000)["all"]
            grown = self.memory(s) - memory
            stopped.set()
            thread.join()
            after = s.status()["agent"]["picks"]
            say(self, megabytes=round(len(metrics) / 1e6, 1), fetched=fetched[0],
                readers=READERS, grown_mib=round(grown),
                p99_ms_quiet=round(quiet["p99_ms"], 1), p99_ms=round(busy["p99_ms"], 1))
            self.assertEqual(busy["failed"], 0)
            self.assertEqual(after["picked"] - before["picked"], 3000)
            self.assertGreater(fetched[0], 0)
            self.assertLess(grown, READERS * len(metrics) / 2**20 / 4, "far less than the texts")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
