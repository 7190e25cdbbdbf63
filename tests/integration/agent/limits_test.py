"""Limits that HAProxy holds: `maxconn` of servers, also by requests that outlast the agent's patience.

Usage: limits_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import http.client
import sys
import threading
import time
import unittest

import stack
from stack import WEB, Stack, load, say, settled, start_load, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]


class Limits(unittest.TestCase):
    def connections(self, s, server, which="scur"):
        """What HAProxy has open to that server, or (stot) had in all."""
        rows = [row.split(",") for row in s.runtime("show stat").splitlines()]
        column = rows[0].index(which)
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
                until(lambda: [p["state"] for p in s.peers().values()].count("up") == 1)
                tunnels = start_load("--connections", 2, "--seconds", 30, "--timeout", 60)
                self.addCleanup(tunnels.communicate)
                self.addCleanup(tunnels.kill)
                until(lambda: self.connections(s, "s1") == 2)
                s.runtime("set server app/s2 state ready; set server app/s3 state ready")
                until(lambda: all(p["state"] == "up" for p in s.peers().values()))
                before = self.connections(s, "s1", "stot")
                result = load("--connections", 4, "--requests", 300)["all"]
                say(self, failed=result["failed"], p99_ms=round(result["p99_ms"], 1),
                    served=self.connections(s, "s1", "stot") - before)
                self.assertEqual(self.connections(s, "s1"), 2)
                self.assertEqual(self.connections(s, "s1", "stot"), before)
                # Ten times as long as the agent waits for a log line: HAProxy still counts them.
                self.assertEqual(s.peers()["s1"]["active"], 2)
                self.assertEqual(result["failed"], 0)
                tunnels.kill()

    def test_nobody_waits_beside_a_free_slot(self):
        """Long requests, twice as many as there are slots: who waits is served by whichever is
        free first, as by HAProxy alone."""
        slots, seconds = 2 * 3, 1.0
        with Stack(server_options=f"maxconn {slots // 3}", paths={"/": 2, "/slow": 1000 * seconds}) as s:
            took, lock = [], threading.Lock()

            def ask():
                begin = time.monotonic()
                connection = http.client.HTTPConnection("127.0.0.1", WEB, timeout=30)
                connection.request("GET", "/slow")
                answer = connection.getresponse()
                status = answer.status
                answer.read()
                connection.close()
                with lock:
                    took.append((status, time.monotonic() - begin))
            idle = samples = 0
            threads = [threading.Thread(target=ask) for _ in range(2 * slots)]
            for thread in threads:
                thread.start()
                time.sleep(0.03)
            while any(thread.is_alive() for thread in threads):
                rows = [row.split(",") for row in s.runtime("show stat").splitlines()]
                app = {row[1]: row for row in rows if row[0] == "app"}
                free = sum(int(app[name][4]) < slots // 3 for name in s.names)
                samples += 1
                idle += int(app["BACKEND"][2]) + sum(int(app[n][2]) for n in s.names) > 0 and free > 0
                time.sleep(0.02)
            say(self, longest_s=round(max(t for _, t in took), 2), idle=idle, samples=samples)
            self.assertEqual({status for status, _ in took}, {200})
            self.assertLessEqual(idle, samples * 0.05)
            self.assertLess(max(t for _, t in took), 2 * seconds + 0.5)
            settled(s)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
