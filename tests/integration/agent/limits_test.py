"""Limits that HAProxy holds: `maxconn` of servers whose connections outlast the agent's patience.

Usage: limits_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import sys
import unittest

import stack
from stack import Stack, load, say, start_load, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]


class Limits(unittest.TestCase):
    def connections(self, s, server):
        """What HAProxy has open to that server."""
        rows = [row.split(",") for row in s.runtime("show stat").splitlines()]
        column = rows[0].index("scur")
        return next(int(row[column]) for row in rows if row[:2] == ["app", server])

    def test_a_server_full_of_tunnels_is_not_picked(self):
        for policy in ("round_robin", "adaptive"):
            with Stack(server_options="maxconn 2") as s, self.subTest(policy=policy):
                s.write_agent_config(f"policy {policy};")
                s.end("agent")
                s.start_agent()
                until(s.is_asked)
                s.backend("/set?server=s1&hang=true")
                s.runtime("set server app/s2 state maint; set server app/s3 state maint")
                tunnels = start_load("--connections", 2, "--seconds", 30, "--timeout", 60)
                self.addCleanup(tunnels.communicate)
                self.addCleanup(tunnels.kill)
                until(lambda: self.connections(s, "s1") == 2)
                s.runtime("set server app/s2 state ready; set server app/s3 state ready")
                until(lambda: s.peers()["s1"]["active"] == 0, 15)  # the agent gave them up
                until(lambda: all(p["state"] == "up" for p in s.peers().values()))
                before = s.picks()["s1"]
                result = load("--connections", 4, "--requests", 300)["all"]
                say(self, failed=result["failed"], p99_ms=round(result["p99_ms"], 1),
                    picked=s.picks()["s1"] - before)
                self.assertEqual(self.connections(s, "s1"), 2)
                self.assertEqual(s.picks()["s1"], before)
                self.assertEqual(result["failed"], 0)
                tunnels.kill()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
