#!/usr/bin/env python3
"""docs/benchmarks.md is one table of ten rows, each with a command, and its figures are those of docs/live.md.

    benchmarks_test.py ROOT
"""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()
# What the page calls a figure, and what docs/live.md does: (heading of the table of all figures) or [figures of the aims]
FIGURES = {"p99": "p99 ratio", "mean": "mean ratio", "share of errors": "errors", "CPU per request": "CPU ratio",
           "p99 meanwhile": ["p99 during", "p99 cold"]}


def rows(text, columns):
    """The cells of the rows of tables that have so many columns."""
    found = [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return [r for r in found if len(r) == columns and not set(r[0]) <= set("- ")]


def measured(live):
    """{(scenario, balancer, figure): value as it is printed}"""
    found = {}
    all_figures = rows(live, 10)
    for row in all_figures[1:]:
        for heading, value in zip(all_figures[0][2:], row[2:]):
            found[row[0], row[1], heading] = value
    for row in rows(live, 7)[1:]:
        found[row[0], row[1], row[2]] = f"{float(row[3]):.2f}"
    return found


def wrong(page, live):
    """What the page says otherwise than docs/live.md."""
    found = measured(live)
    for _, figures, nginx, haproxy, command in page:
        scenario = re.search(r"--scenario (\S+)`", command).group(1)
        for balancer, cell in (("nginx:leastwise", nginx), ("haproxy:leastwise", haproxy)):
            if cell == "not measured":
                continue
            for figure, told in zip(figures.split("; "), re.sub(r"\([^)]*\)|\*", "", cell).split(";")):
                names = FIGURES[figure.split(": ")[-1]]
                values = [found.get((scenario, balancer, n)) for n in ([names] if isinstance(names, str) else names)]
                if told.strip() not in values:
                    yield f"{scenario}, {balancer}, {figure}: {told.strip()}, and docs/live.md has {values}"


class Benchmarks(unittest.TestCase):
    def setUp(self):
        self.page = rows((ROOT / "docs/benchmarks.md").read_text(), 5)[1:]
        self.live = (ROOT / "docs/live.md").read_text()

    def test_is_one_table_of_ten_rows_with_a_command(self):
        self.assertEqual(len(self.page), 10)
        for row in self.page:
            self.assertRegex(row[4], r"^`tests/bench/run\.sh --scenario [\w.-]+`$")

    def test_figures_are_those_that_were_measured(self):
        self.assertEqual(list(wrong(self.page, self.live)), [])

    def test_a_figure_of_another_run_is_found(self):
        row = list(self.page[0])
        row[2] = "**0.45** (51.8 and 113.8 ms)"
        self.assertEqual(len(list(wrong([row], self.live))), 1)


if __name__ == "__main__":
    unittest.main()
