"""The lab's own arithmetic and configurations, without a proxy; and one short run with all parts.

Usage: lab_test.py [BUILD]: with a build folder the short run is made, too.
"""
import json
import sys
import unittest

import balancers
import configuration
import report
from measure import load_options
from results import Results, fair_share, geometric_mean, judge
from scenarios import SCENARIOS, Scenario, Aim, scenario_named

BUILD = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else None


def summary(p99, failed=0, servers=None):
    return {"requests": 100, "failed": failed, "mean_ms": p99 / 4, "p50_ms": p99 / 5,
            "p99_ms": p99, "p999_ms": 2 * p99, "servers": servers or {"s0": 50, "s1": 50}}


def a_report(p99, failed=0, **windows):
    return {"all": summary(p99, failed), "windows": windows, "cpu_us": 10.0}


class Arithmetic(unittest.TestCase):
    def test_ratios_are_of_runs_with_the_same_seed(self):
        results = Results()
        for seed, (own, other) in enumerate([(50, 100), (20, 80)], 1):
            results.add("x", "nginx:leastwise", seed, a_report(own))
            results.add("x", "nginx:least_conn", seed, a_report(other))
        results.add("x", "nginx:leastwise", 3, a_report(1))  # has no partner
        self.assertEqual(results.ratios("x", "nginx:leastwise", "nginx:least_conn", "p99"),
                         [0.5, 0.25])
        self.assertAlmostEqual(geometric_mean([0.5, 0.25]), 0.125 ** 0.5)

    def test_a_share_is_a_multiple_of_an_equal_part(self):
        self.assertEqual(fair_share({"s0": 30, "s1": 10}, "s0", 2), 1.5)
        self.assertEqual(fair_share({"s1": 10}, "s0", 2), 0)

    def test_an_aim_that_is_missed_is_said_to_be_missed(self):
        scenario = Scenario("x", "", (1, 1), 0.5, (Aim("p99", 0.5), Aim("failed", 1.0)))
        leastwise = balancers.balancer_named("nginx:leastwise")
        results = Results()
        results.add("x", "nginx:leastwise", 1, a_report(60, failed=3))
        results.add("x", "nginx:least_conn", 1, a_report(100, failed=4))
        slow, stuck = judge(results, scenario, leastwise)
        self.assertFalse(slow.is_met)
        self.assertAlmostEqual(slow.value, 0.6)
        self.assertTrue(stuck.is_met)
        self.assertIn("**no**", report.verdict_cells(slow))


class Catalogue(unittest.TestCase):
    def test_rate_is_the_share_of_all_slots(self):
        # 4 slots × (4 + 4/1.5 + 4/2.5 + 4/4) servers at 10 ms: 3706.7 a second.
        self.assertAlmostEqual(scenario_named("uneven-low").rate, 0.345 * 3706.67, delta=0.1)

    def test_windows_of_aims_exist_and_lie_within_the_run(self):
        for scenario in SCENARIOS:
            for aim in scenario.aims:
                self.assertIn(aim.window, {"all", *scenario.windows}, scenario.name)
            for begin, end in scenario.windows.values():
                self.assertLess(begin, end)
                self.assertLessEqual(end, scenario.seconds)

    def test_an_event_keeps_what_a_server_is_by_itself(self):
        scenario = Scenario("x", "", (1, 4), 0.5, (), events=({"at": 1, "server": "1", "slow": 20},))
        config = json.loads(configuration.backends(scenario, 7))
        self.assertEqual(config["events"][0]["slow"], 80)
        self.assertEqual([s["slow"] for s in config["servers"]], [1, 4])
        self.assertEqual(config["seed"], 7)

    def test_phases_multiply_the_rate(self):
        scenario = scenario_named("surge")
        options = load_options(scenario, 1)
        rates = options[options.index("--phases") + 1].split(",")
        first, second = (float(rate.split(":")[1]) for rate in rates[:2])
        self.assertAlmostEqual(second / first, 1.5, places=3)

    def test_only_leastwise_loads_the_module(self):
        scenario = scenario_named("uneven-low")
        for balancer in balancers.BALANCERS:
            if balancer.proxy == "nginx":
                text = configuration.nginx(scenario, balancer, "/f", "/m.so")
                self.assertEqual("load_module" in text, bool(balancer.policy), balancer.name)

    def test_a_chart_is_well_formed(self):
        import xml.dom.minidom
        chart = report.bar_chart("a < b", [("nginx:leastwise", 3.0), ("nginx:least_conn", 6.0)])
        self.assertEqual(len(xml.dom.minidom.parseString(chart).getElementsByTagName("rect")), 3)


@unittest.skipUnless(BUILD, "needs a build folder")
class ShortRun(unittest.TestCase):
    def test_nginx_and_haproxy_answer_all(self):
        from measure import run
        from stack import Build
        scenario = Scenario("short", "", (1, 1, 4), 0.3, (), seconds=2, warm_up=0.5)
        for name in balancers.JUDGED:
            # Whether all are answered is asked here, not how fast: a busy machine may be late.
            measured = run(Build(BUILD), scenario, balancers.balancer_named(name), 1, 5000)
            self.assertEqual(measured["all"]["failed"], 0, name)
            self.assertGreater(measured["all"]["requests"], 200, name)
            self.assertGreater(measured["cpu_us"], 0, name)


if __name__ == "__main__":
    unittest.main()
