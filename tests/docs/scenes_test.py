#!/usr/bin/env python3
"""The scenes of examples/scenes print their tables, and serve the live page. Short: figures are not looked at.

    scenes_test.py ROOT
"""
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()
ROWS = {"web": ("nginx least_conn", "leastwise"),
        "cloud": ("nginx least_conn", "near first, far as backup", "leastwise, price 0", "leastwise, price 5"),
        "game": ("TCP, to join, nginx least_conn", "TCP, to join, leastwise",
                 "UDP, an input, nginx least_conn", "UDP, an input, leastwise")}


def play(*options):
    return subprocess.run([sys.executable, "-W", "error", ROOT / "examples/scenes/main.py", *options],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100,
                          env={**os.environ, "LEASTWISE_PORT": "28200"}, check=False)


class Scenes(unittest.TestCase):
    def test_each_prints_its_table_and_serves_the_page(self):
        for scene, rows in ROWS.items():
            with self.subTest(scene):
                done = play(scene, "--once", "--seconds", "2")
                self.assertEqual(done.returncode, 0, done.stdout)
                for row in rows:
                    line = next((x for x in done.stdout.splitlines() if x.startswith(row + "  ")), "")
                    figures = line.removeprefix(row).split()
                    self.assertGreater(len(figures), 5, done.stdout)
                    self.assertGreaterEqual(sum(float(f) for f in figures), 100, done.stdout)
                self.assertIn("The live page was at http://127.0.0.1:28201/", done.stdout)

    def test_a_scene_that_there_is_not_is_refused(self):
        done = play("opera", "--once")
        self.assertEqual(done.returncode, 2)
        self.assertIn("choose from 'web', 'cloud', 'game'", done.stdout)


if __name__ == "__main__":
    unittest.main()
