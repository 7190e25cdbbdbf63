"""Policies in Lua, with a real HAProxy.

Usage: lua_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import http.client
import os
import pathlib
import signal
import sys
import unittest

import stack
from stack import ROOT, WEB, Stack, get, load, say, settled, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]
EXAMPLES = ROOT / "examples" / "lua"


class WithScript(Stack):
    """The agent goes by `script`, and the question has the header X-Tenant with it."""

    def __init__(self, script, **options):
        self.script = script
        super().__init__(spoe_edit=[("method=method", "x-tenant=req.hdr(x-tenant) "
                                     "x-canary=req.hdr(x-canary) method=method")], **options)

    def write_files(self):
        super().write_files()
        (self.folder / "policy.lua").write_text(self.script)
        self.write_agent_config("lua policy.lua;")

    def ask(self, times=12, **headers):
        """Which servers got that many requests more."""
        before = self.picks()
        for _ in range(times):
            connection = http.client.HTTPConnection("127.0.0.1", WEB, timeout=10)
            connection.request("GET", "/", headers={n.replace("_", "-"): v for n, v in headers.items()})
            assert connection.getresponse().status == 200
            connection.close()
        return {n for n, p in until(lambda: self.all_seen(before, times)).items() if p > before[n]}

    def all_seen(self, before, times):
        picks = self.picks()
        return picks if sum(picks.values()) >= sum(before.values()) + times else None

    def faults(self):
        return self.status()["upstreams"]["app"]["model"]["decisions"]["script_fault"]


    def reload(self, script):
        times = self.log("agent").count("configuration read again")
        (self.folder / "policy.lua").write_text(script)
        self.send_signal("agent", signal.SIGHUP)
        until(lambda: self.log("agent").count("configuration read again") > times)

    def resident(self):
        """kB"""
        status = pathlib.Path(f"/proc/{self.processes['agent'].pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if "VmRSS" in line))


def example(name):
    return (EXAMPLES / f"{name}.lua").read_text()


class Lua(unittest.TestCase):
    def test_tenants_stay_on_two_servers(self):
        with WithScript(example("tenants")) as s:
            seen = [s.ask(x_tenant=t) for t in "abcdefgh"]
            self.assertTrue(all(len(servers) <= 2 for servers in seen), seen)
            self.assertEqual(set().union(*seen), {"s1", "s2", "s3"})
            self.assertEqual(s.faults(), 0)

    def test_canary(self):
        with WithScript(example("canary").replace("127.0.0.1:8089", "127.0.0.1:21012")) as s:
            self.assertEqual(s.ask(x_canary="always"), {"s3"})
            self.assertEqual(s.ask(x_canary="never"), {"s1", "s2"})
            self.assertEqual(s.faults(), 0)

    def test_other_examples(self):
        for name in ("least_conn", "ab", "free_memory", "cheapest_zone"):
            with self.subTest(name), WithScript(example(name)) as s:
                self.assertLessEqual(s.ask(), {"s1", "s2", "s3"})
                self.assertEqual(s.faults(), 0)

    def test_a_script_that_fails_harms_no_request_and_is_replaced_by_a_reload(self):
        with WithScript("function score() while true do end end") as s:
            self.assertLessEqual(s.ask(), {"s1", "s2", "s3"})
            self.assertGreater(s.faults(), 0)
            until(lambda: 'script of backend app failed, and "adaptive" chose in its place: ' in s.log("agent"))
            (s.folder / "policy.lua").write_text("function score(e) return e.name == 's2' and 0 or 1 end")
            s.send_signal("agent", signal.SIGHUP)
            until(lambda: "configuration read again" in s.log("agent"))
            until(lambda: s.ask() == {"s2"})
            (s.folder / "policy.lua").write_text("function score(")
            s.send_signal("agent", signal.SIGHUP)
            until(lambda: "the old configuration stays" in s.log("agent"))
            self.assertEqual(s.ask(), {"s2"})
            self.assertEqual(get(WEB, "/")[0], 200)


# What each does for each candidate. The late one is compiled while its loop is short.
BAD = {"none": "", "error": "error('why')", "loop": "while true do end",
       "late": "n = (n or 0) + 1 local i, most = 0, n > 300 and 1e18 or 100 while i < most do i = i + 1 end",
       "memory": "kept = kept or {} for i = 1, 1e6 do kept[#kept + 1] = {i} end",
       "escape": "os.execute('true')", "ffi": "require('ffi')", "type": "do return {} end"}


class BadScripts(unittest.TestCase):
    def test_under_a_thousand_requests_a_second(self):
        seconds = float(os.environ.get("LEASTWISE_BAD_SCRIPT_SECONDS", "1.5"))
        with WithScript("function score(e) return 1 end") as s:
            until(lambda: s.ask(), 10)
            before = s.resident()
            for name, body in BAD.items():
                with self.subTest(name):
                    s.reload(f"function score(e)\n {body}\n return e.in_flight\nend")
                    faults = s.faults()
                    ran = load("--rate", 1000, "--seconds", seconds)["all"]
                    faults = s.faults() - faults
                    say(self, script=name, requests=ran["requests"], failed=ran["failed"], faults=faults,
                        p99_ms=round(ran["p99_ms"], 2), max_ms=round(ran["max_ms"], 2), resident_kB=s.resident())
                    self.assertEqual(ran["failed"], 0)
                    self.assertGreater(ran["requests"], 500 * seconds)
                    self.assertEqual(faults > 0, name != "none")
            settled(s)
            if not os.environ.get("LEASTWISE_SANITIZED"):
                # The cap, and the script before, whose memory goes with the last request that it was asked for.
                self.assertLess(s.resident() - before, 2 * 16 * 1024)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
