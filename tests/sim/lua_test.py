#!/usr/bin/env python3
"""Plays every example script, and scripts that fail: lua_test.py LEASTWISE_SIM EXAMPLES"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SIM, EXAMPLES = sys.argv[1], pathlib.Path(sys.argv[2])
SCENARIO = {"servers": 4, "cores": [4], "speeds": [1, 1, 0.5, 0.5], "load": 0.5, "duration_ms": 8000,
            "warmup_ms": 1000, "remote": [0, 0, 1, 1],
            "routes": [{"share": 0.5, "mean_ms": 5}, {"share": 0.2, "mean_ms": 4}, {"share": 0.2, "mean_ms": 6}, {"share": 0.1, "mean_ms": 50}]}


def play(*scripts, policies="least_conn"):
    with tempfile.TemporaryDirectory() as folder:
        scenario = pathlib.Path(folder) / "scenario.json"
        csv = pathlib.Path(folder) / "rows.csv"
        scenario.write_text(json.dumps(SCENARIO))
        options = [o for script in scripts for o in ("--lua", str(script))]
        done = subprocess.run([SIM, "file", str(scenario), "--csv", str(csv), "--policies", policies,
                               *options], capture_output=True, text=True, check=False)
        rows = [line.split(",") for line in csv.read_text().splitlines()] if csv.exists() else []
    return done, rows


class Lua(unittest.TestCase):
    def test_examples_answer_all_and_never_fail(self):
        scripts = sorted(EXAMPLES.glob("*.lua"))
        self.assertGreaterEqual(len(scripts), 6)
        done, rows = play(*scripts)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        self.assertEqual(len(rows), 2 + len(scripts))

    def test_least_conn_is_least_conn(self):
        _, rows = play(EXAMPLES / "least_conn.lua")
        self.assertEqual(rows[1][2:], rows[2][2:])
        _, other = play(EXAMPLES / "ab.lua")
        self.assertNotEqual(other[1][2:], other[2][2:])

    def test_faults_are_told_and_adaptive_chooses(self):
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write("function score(e) return e.in_flight + nil end\n")
            script.flush()
            done, rows = play(script.name, policies="adaptive")
        self.assertEqual(done.returncode, 0)
        self.assertIn(":1: attempt to perform arithmetic on a nil value", done.stderr)
        failed, asked = map(int, re.search(r"the script failed for (\d+) of (\d+) requests", done.stderr).groups())
        self.assertGreater(failed, 0.9 * asked)
        self.assertEqual(rows[1][2:], rows[2][2:])

    def test_a_script_that_can_not_be_read_is_refused(self):
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write("function score(e)\n  return\n")
            script.flush()
            done, _ = play(script.name)
        self.assertEqual(done.returncode, 2)
        self.assertIn(script.name + ":3: 'end' expected", done.stderr)
        done, _ = play("/nowhere.lua")
        self.assertIn("/nowhere.lua: can not be read", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
