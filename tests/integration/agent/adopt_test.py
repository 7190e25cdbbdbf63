"""A configuration that somebody has already, with what `leastwise-spoa --haproxy-config` prints
pasted into it: it is accepted without a warning, and nothing is lost.

Usage: adopt_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest

import stack
from adopted import HEAD, Adopted, Browser, frontend, servers, version
from stack import WEB, get, load, say, settled, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]
DB = 21004

# Three backends, cookies, a ban rule that counts in sc2.
USERS = HEAD + f"""
frontend web
    bind 127.0.0.1:{WEB}
    option forwardfor
    stick-table type ip size 10k expire 60s store gpc0
    http-request track-sc2 src
    http-request sc-inc-gpc0(2) if {{ path_beg /wp-login }}
    http-request deny deny_status 429 if {{ sc2_get_gpc0 gt 3 }}
    use_backend many if {{ path_beg /many }}
    default_backend app

backend app
    balance roundrobin
    cookie SRV insert indirect nocache
    server s1 127.0.0.1:21010 cookie one check
    server s2 127.0.0.1:21011 cookie two check
    server s3 127.0.0.1:21012 cookie three check

frontend dbs
    mode tcp
    option tcplog
    bind 127.0.0.1:{DB}
    default_backend db

backend db
    mode tcp
    server d1 127.0.0.1:21010 check
    server d2 127.0.0.1:21011 check

backend many
    balance leastconn
    server-template m 20 127.0.0.1:21010 check
"""


def shape(log):
    """What a line of the log says beside times, ports and counts; `I` of a cookie that was inserted
    is `U` when its age counts."""
    text = log.split("]: ", 1)[1].rstrip("\0\n").replace(" --NU ", " --NI ")
    return [re.sub(r"^[\d.:/+]+$|^\[.*\]$|(?<=app/s)\d", "#", word) for word in text.split(" ")]


def movers(browsers, times=4):
    """How many of them see more than one server, and which servers are seen."""
    seen = [{b.get()[1] for _ in range(times)} for b in browsers]
    return sum(len(s) > 1 for s in seen), set.union(*seen)


def bans(requests=6):
    """What one client sees that asks for what it must not."""
    bad, good = Browser(201), Browser(202)
    return [bad.get("/wp-login")[0] for _ in range(requests)] + [good.get()[0]]


class Adopt(unittest.TestCase):
    def test_three_backends_in_five_lines_each(self):
        with Adopted(USERS, plain=True) as s:
            banned = bans()
            plain_log = s.logged("GET / ")
        with Adopted(USERS, backends=()) as s:
            for section in ("backend app", "backend db", "backend many"):
                self.assertLessEqual(s.printed.added(section), 5, section)
            for section in ("frontend web", "frontend dbs"):
                self.assertLessEqual(s.printed.added(section), 2, section)
            again = s.print()
            self.assertNotIn("\n    ", again, "nothing is printed twice")
            self.assertEqual(again.count(": has its lines already\n"), 5)
            self.assertEqual(bans(), banned)
            self.assertIn(429, banned)
            begin = shape(plain_log)
            self.assertEqual(shape(s.logged("GET / "))[:len(begin)], begin)
            moved, seen = movers([Browser(i) for i in range(20)])
            self.assertEqual(moved, 0)
            self.assertEqual(seen, {"s1", "s2", "s3"})
            for _ in range(60):
                self.assertEqual(Browser().get("/many")[0], 200)
                self.assertEqual(get(DB)[0], 200)
            settled(s)
            # Cookies are honoured without a question: one for each browser that came first.
            self.assertEqual(sum(s.picked("app").values()), 20 + 2)
            self.assertEqual(sum(s.picked("many").values()), 60)
            self.assertGreater(min(s.picked("many").values()), 0)
            self.assertEqual(sum(s.picked("db").values()), 60)
            until(lambda: s.status()["agent"]["feedback"]["open"] == 0)
            self.assertEqual(s.status()["agent"]["feedback"]["elsewhere"], 0)
            self.stop_agent(s)

    def stop_agent(self, s):
        """For three seconds nobody is banned, and after one nobody waits."""
        s.send_signal("agent", signal.SIGSTOP)
        begin = time.monotonic()
        waits, browser = [], Browser(90)
        while (age := time.monotonic() - begin) < 3:
            at = time.monotonic()
            self.assertEqual(browser.get("/many")[0], 200)
            if age > 1:
                waits.append(time.monotonic() - at)
        s.send_signal("agent", signal.SIGCONT)
        waits.sort()
        say(self, requests=len(waits), p50_ms=round(1e3 * waits[len(waits) // 2], 1),
            p99_ms=round(1e3 * waits[len(waits) * 99 // 100], 1))
        self.assertLess(waits[len(waits) // 2], 0.015)

    def test_weights_need_no_line_but_a_stats_socket_of_level_admin(self):
        with Adopted(USERS.replace("level admin", "level user"), backends=(), mode="weights") as s:
            self.assertEqual([s.printed.added(section) for section in s.printed.sections()], [1, 0, 0])
            self.assertNotIn("backend many", s.printed.sections(), "it has leastconn: not even a note")
            until(lambda: {name: len(of) for name, of in s.status()["agent"]["weights"].items()} ==
                  {"app": 3, "db": 2, "many": 20})
            moved, seen = movers([Browser(i) for i in range(20)])
            self.assertEqual((moved, seen), (0, {"s1", "s2", "s3"}))
            self.assertEqual(s.status()["agent"]["warnings"], [])
            again = s.print()
            self.assertNotIn("\n    stats socket", again)
            self.assertNotIn("leastwise.conf: ", again, "nothing is printed twice")

    def test_stick_on_src(self):
        with Adopted(frontend("", "    stick-table type ip size 10k\n    stick on src\n" +
                              servers())) as s:
            moved, seen = movers([Browser(i) for i in range(20)])
            self.assertEqual((moved, len(seen)), (0, 3))
            self.assertEqual(sum(s.picked().values()), 20)

    def test_a_listen_with_a_rule_of_its_own_and_a_log_in_json(self):
        config = HEAD + f"""
listen app
    bind 127.0.0.1:{WEB}
    log-format '{{"client":"%ci","path":"%HP"}}'
    use-server s3 if {{ path_beg /third }}
""" + servers()
        with Adopted(config) as s:
            self.assertEqual({Browser().get("/third")[1] for _ in range(12)}, {"s3"})
            served = set()
            for _ in range(12):
                served.add(Browser().get("/x")[1])
                time.sleep(0.02)  # what s3 has of its own is read 20 times a second
            self.assertEqual(served, {"s1", "s2", "s3"})
            settled(s)
            feedback = s.status()["agent"]["feedback"]
            self.assertEqual((feedback["garbled"], feedback["by_log"]), (0, 24))
            line = json.loads(s.logged("/x").split("]: ", 1)[1].rstrip("\0\n"))
            self.assertEqual(line["path"], "/x")

    def test_with_log_profiles_a_format_of_ones_own_is_not_touched(self):
        if tuple(map(int, version().split("."))) < (3, 1):
            self.skipTest("log profiles are of HAProxy 3.1 and later")
        config = frontend("    log-format '%{+json}o %(path)HP %(took)Ta'\n", servers())
        with Adopted(config) as s:
            self.assertEqual(s.printed.added("frontend web"), 1)
            for _ in range(10):
                Browser().get("/x")
            self.assertEqual(Browser().get("/e?do=status%3A502")[0], 502)
            until(lambda: s.status()["agent"]["feedback"]["by_log"] == 11)
            settled(s)
            line = json.loads(s.logged("/x").split("]: ", 1)[1].rstrip("\0\n"))
            self.assertEqual(line.keys(), {"path", "took"})

    def test_ordinary_requests_stay_out_of_the_log_and_are_learned_from(self):
        config = frontend("    option dontlog-normal\n", servers())
        with Adopted(config) as s:
            for _ in range(10):
                Browser().get("/")
            self.assertEqual(Browser().get("/e?do=status%3A502")[0], 502)
            until(lambda: s.status()["agent"]["feedback"]["by_log"] == 11)
            self.assertIn("502", s.logged("GET "))

    def test_only_the_first_backup_is_used(self):
        options = ("", "backup", "backup")
        with Adopted(frontend("", servers(options))) as s:
            self.assertEqual(Browser().get()[1], "s1")
            s.runtime("set server app/s1 state maint")
            time.sleep(1)
            self.assertEqual({Browser().get()[1] for _ in range(20)}, {"s2"})

    def test_servers_can_be_deleted_and_left_out(self):
        with Adopted(frontend("", servers())) as s:
            Browser().get()
            s.runtime("set server app/s2 state maint")
            time.sleep(0.3)
            self.assertIn("deleted", s.runtime("del server app/s2"))
            if "LEASTWISE_HAPROXY" in os.environ:
                self.skipTest("the master of a HAProxy that is not installed can not be reloaded")
            file = s.folder / "haproxy.cfg"
            file.write_text(re.sub(r".*server s3 .*\n", "", file.read_text()))
            check = subprocess.run([stack.HAPROXY, "-c", "-f", str(file)], capture_output=True,
                                   check=False)
            self.assertEqual(check.returncode, 0, check.stderr)
            s.send_signal("haproxy", signal.SIGUSR2)
            until(lambda: set(s.peers()) == {"s1", "s2"}, 5)
            self.assertEqual(load("--connections", 4, "--requests", 100)["all"]["failed"], 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
