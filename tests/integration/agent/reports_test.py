"""What servers report of their load, and where they stand, on its way through a real HAProxy.

Usage: reports_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import signal
import sys
import unittest

import stack
from stack import WEB, Stack, get, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]


class Reports(unittest.TestCase):
    def configure(self, s, backend):
        s.write_agent_config(backend)
        s.send_signal("agent", signal.SIGHUP)

    def test_come_with_the_log_line_and_not_to_the_client(self):
        with Stack() as s:
            self.configure(s, "policy least_conn; report on;")

            def all_reported():
                _, headers, _ = get(WEB, "/a")
                self.assertNotIn("endpoint-load-metrics", headers)
                reports = [p["leastwise"]["report"] for p in s.peers().values()]
                return reports if all(r["accepted"] > 0 for r in reports) else None
            for report in until(all_reported):
                self.assertEqual(report["refused"], 0)
                self.assertGreaterEqual(report["memory"], 0.2)
                self.assertIsNotNone(report["utilisation"])

    def test_are_not_looked_at_unless_asked_for(self):
        with Stack() as s:
            for _ in range(20):
                get(WEB, "/a")
            for peer in s.peers().values():
                self.assertEqual(peer["leastwise"]["report"]["accepted"], 0)

    def test_locality_follows_the_configuration(self):
        with Stack() as s:
            self.assertEqual({p["leastwise"]["local"] for p in s.peers().values()}, {True})
            self.configure(s, "policy adaptive; locality 10.0.0.0/8;")
            until(lambda: {p["leastwise"]["local"] for p in s.peers().values()} == {False})
            self.configure(s, "policy adaptive; locality 127.0.0.0/8;")
            until(lambda: {p["leastwise"]["local"] for p in s.peers().values()} == {True})


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
