"""What else a backend of HAProxy may have, with Leastwise in either mode as without.

Usage: kept_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import concurrent.futures
import csv
import sys
import time
import unittest

import stack
from adopted import Adopted, Browser, frontend, servers
from stack import load, settled, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]
PLAIN, PICK, WEIGHTS = "plain", "pick", "weights"
MODES = (PLAIN, PICK, WEIGHTS)


def adopted(mode, lines, options=("", "", "")):
    """The servers answer within 2 ms."""
    return Adopted(frontend("", lines + servers(options)), plain=mode == PLAIN, mode=mode)


def stats(s, server):
    """HAProxy's own figures of a server."""
    rows = csv.DictReader(s.runtime("show stat").lstrip("# ").splitlines())
    return next(row for row in rows if (row["pxname"], row["svname"]) == ("app", server))


class Kept(unittest.TestCase):
    def test_allbackups(self):
        for mode in MODES:
            with self.subTest(mode), adopted(mode, "    option allbackups\n", ("", "backup", "backup")) as s:
                self.assertEqual({Browser().get()[1] for _ in range(10)}, {"s1"})
                s.runtime("set server app/s1 state maint")
                time.sleep(1)
                self.assertEqual({Browser().get()[1] for _ in range(20)}, {"s2", "s3"})

    def test_maxqueue(self):
        """Of six who are bound to a server that takes one and lets one wait, four go elsewhere."""
        cookies = "    cookie SRV insert indirect nocache\n    option redispatch 1\n"
        for mode in MODES:
            with self.subTest(mode), adopted(mode, cookies, ("cookie one maxconn 1 maxqueue 1", "cookie two", "cookie three")) as s:
                browsers = [Browser(i) for i in range(6)]
                first = next(b for b in (Browser(90) for _ in range(200)) if b.get()[1] == "s1")
                s.backend("/set?server=s1&slow=250")
                for b in browsers:
                    b.cookie = first.cookie
                with concurrent.futures.ThreadPoolExecutor(6) as pool:
                    seen = list(pool.map(lambda b: b.get(), browsers))
                self.assertEqual([status for status, _ in seen], [200] * 6)
                self.assertEqual([server for _, server in seen].count("s1"), 2)

    def test_retry_on(self):
        """Nobody sees the answers 503 of one server, and it is known who gave them."""
        lines = "    retry-on 503 conn-failure empty-response\n    option redispatch 1\n    retries 2\n"
        for mode in MODES:
            with self.subTest(mode), adopted(mode, lines) as s:
                s.backend("/set?server=s1&do=status%3A503")
                result = load("--connections", 4, "--requests", 400)["all"]
                self.assertEqual(result["failed"], 0)
                self.assertNotIn("s1", result["servers"])
                if mode != PICK:
                    continue
                sums = settled(s)
                self.assertEqual(sums["in_flight"], 0)
                own = s.peers()["s1"]["leastwise"]
                self.assertGreater(own["results"]["refused"], 0)
                self.assertLess(own["picks"], 40, "it is avoided")

    def test_http_reuse(self):
        for mode in MODES:
            with self.subTest(mode), adopted(mode, "    http-reuse always\n") as s:
                # Clients come anew for each request; connections to servers stay.
                self.assertEqual(load("--connections", 4, "--requests", 600, "--no-keepalive")["all"]["failed"], 0)
                found = [stats(s, name) for name in s.names]
                self.assertLess(sum(int(f["connect"]) for f in found), 60)
                self.assertGreater(sum(int(f["reuse"]) for f in found), 500)

    def test_observe(self):
        options = ("inter 60s observe layer7 error-limit 2 on-error mark-down", "", "")
        for mode in MODES:
            with self.subTest(mode), adopted(mode, "", options) as s:
                s.backend("/set?server=s1&do=status%3A500")
                running = load("--connections", 2, "--requests", 300)["all"]["servers"]
                self.assertIn("s1", running)
                until(lambda: stats(s, "s1")["status"] == "DOWN", 5)
                time.sleep(0.6)
                self.assertNotIn("s1", load("--connections", 4, "--requests", 200)["all"]["servers"])
                if mode == PICK:
                    self.assertEqual(s.peers()["s1"]["state"], "down")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
