"""The lab's own arithmetic and configurations, without a proxy; and one short run with all parts.

Usage: lab_test.py [BUILD]: with a build folder the short run is made, too.
"""
import json
import sys
import unittest

import balancers
import configuration
import report
from beside import waits_beside_free
from measure import load_options
from results import Results, fair_shares, geometric_mean, judge
from scenario import EACH, Aim, Scenario, within
from scenarios import SCENARIOS, scenario_named

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

    def test_a_share_is_a_multiple_of_what_the_weight_says(self):
        self.assertEqual(fair_shares({"s0": 30, "s1": 10}, {"s0": 1, "s1": 1}),
                         {"s0": 1.5, "s1": 0.5})
        self.assertEqual(fair_shares({"s0": 30, "s1": 10}, {"s0": 3, "s1": 1}),
                         {"s0": 1, "s1": 1})

    def test_who_got_nothing_is_the_least_used(self):
        results = Results()
        results.add("x", "b", 1, {**a_report(1), "weights": {"s0": 1, "s1": 1, "s2": 1}})
        self.assertEqual(results.values("x", "b", "share_least"), [0])
        self.assertEqual(results.values("x", "b", "share_most"), [1.5])

    def test_an_aim_for_each_window_is_judged_by_the_worst_of_all_seeds(self):
        scenario = Scenario("x", "", (1, 1), 0.5, within(0.7, 1.3, EACH), each=(5, 25, 10))
        self.assertEqual(scenario.all_windows, {"each0": (5, 15), "each1": (15, 25)})
        leastwise = balancers.balancer_named("nginx:leastwise")
        results = Results()
        for seed, uses in enumerate([(50, 60), (60, 90)], 1):
            windows = {f"each{i}": summary(1, servers={"s0": use, "s1": 100 - use})
                       for i, use in enumerate(uses)}
            windows["other"] = summary(1, servers={"s0": 9})
            results.add("x", "nginx:leastwise", seed, a_report(1, **windows))
        least, most = judge(results, scenario, leastwise)
        self.assertEqual([round(v, 9) for v in least.by_seed], [0.8, 0.2])
        self.assertAlmostEqual(least.value, 0.2)
        self.assertAlmostEqual(most.value, 1.8)
        self.assertFalse(least.is_met or most.is_met)
        self.assertEqual(report.verdict_cells(least)[2], "share least each")

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


    def test_shares_are_shown_by_window_where_one_server_is_the_subject(self):
        leastwise = balancers.balancer_named("nginx:leastwise")
        quarter = {"a": summary(1, servers={"s0": 1, "s1": 3})}
        for windows, expected in (({}, "1.60"), (quarter, "0.50")):
            scenario = Scenario("x", "", (1, 1), 0.5, within(0.7, 1.3, server="s0"), shares=True)
            results = Results()
            results.add("x", "nginx:leastwise", 1,
                        {**a_report(1, **windows), "all": summary(1, servers={"s0": 8, "s1": 2})})
            (row,) = report.share_rows(results, [scenario], [leastwise])
            self.assertEqual(row, ["x", "nginx:leastwise", "1", "0.40", "0.40", "1.60", "1.60",
                                   "s0", expected])

    def test_an_aim_for_a_path_looks_at_that_path_only(self):
        results = Results()
        results.add("x", "b", 1, {**a_report(1, failed=9), "paths": {"/quick": summary(1, 2)}})
        self.assertEqual(results.values("x", "b", "errors", "all", "", "/quick"), [0.02])


class Catalogue(unittest.TestCase):
    def test_rate_is_the_share_of_all_slots(self):
        # 4 slots × (4 + 4/1.5 + 4/2.5 + 4/4) servers at 10 ms: 3706.7 a second.
        self.assertAlmostEqual(scenario_named("uneven-low").rate, 0.345 * 3706.67, delta=0.1)

    def test_windows_of_aims_exist_and_lie_within_the_run(self):
        for scenario in SCENARIOS:
            for aim in scenario.aims:
                windows = {"all", *scenario.windows, *([EACH] if scenario.each else ())}
                self.assertIn(aim.window, windows, scenario.name)
            for begin, end in scenario.all_windows.values():
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

    def test_one_at_a_time_is_a_closed_loop(self):
        options = load_options(scenario_named("weights-1234"), 1)
        self.assertEqual(options[options.index("--connections"):][:4],
                         ["--connections", "1", "--requests", "2000"])
        self.assertNotIn("--phases", options)

    def test_clients_are_a_closed_loop_for_some_time(self):
        options = load_options(scenario_named("maxconn-slow"), 1)
        self.assertEqual(options[options.index("--connections"):][:4],
                         ["--connections", "24", "--seconds", "34"])
        self.assertNotIn("--phases", options)

    def test_haproxy_holds_the_limit_and_weights_mode_its_own_method(self):
        scenario = scenario_named("maxconn-slow")
        for name, method in (("haproxy:leastwise", "leastconn"), ("haproxy:weights", "leastconn")):
            text = configuration.haproxy(scenario, balancers.balancer_named(name), "")
            self.assertEqual(text.count(" maxconn 4\n"), 4)
            self.assertIn(f"    balance {method}\n", text)

    def test_who_waits_beside_a_free_place_is_seen(self):
        def stat(queue, *servers):
            rows = [f"app,s{i},{queued},{busy},4" for i, (queued, busy) in enumerate(servers)]
            return "\n".join(["# pxname,svname,qcur,scur,slim", *rows, f"app,BACKEND,{queue},9,200", ""])
        self.assertTrue(waits_beside_free(stat(1, (0, 4), (0, 3))))
        self.assertTrue(waits_beside_free(stat(0, (1, 4), (0, 3))))
        self.assertFalse(waits_beside_free(stat(5, (1, 4), (0, 4))))
        self.assertFalse(waits_beside_free(stat(0, (0, 4), (0, 3))))

    def test_both_proxies_are_told_the_weights(self):
        scenario = scenario_named("weights-19-1")
        proxies = (configuration.nginx(scenario, balancers.balancer_named("nginx:leastwise"), "", ""),
                   configuration.haproxy(scenario, balancers.balancer_named("haproxy:leastwise"), ""))
        for text, separator in zip(proxies, "= "):
            self.assertIn(f"server {'s0 ' if separator == ' ' else ''}127.0.0.1:22100 "
                          f"weight{separator}19", text)
            self.assertIn(f"127.0.0.1:22101 weight{separator}1", text)

    def test_half_busy_is_the_busiest_by_its_weight(self):
        # 40 % of 1000/s at 10 ms are 4 of its 8 slots.
        self.assertAlmostEqual(scenario_named("weights-1234-half").rate, 1000)

    def test_only_leastwise_loads_the_module(self):
        scenario = scenario_named("uneven-low")
        for balancer in balancers.BALANCERS:
            if balancer.proxy == "nginx":
                text = configuration.nginx(scenario, balancer, "/f", "/m.so")
                self.assertEqual("load_module" in text, bool(balancer.policy), balancer.name)

    def test_lines_of_a_scenario_are_in_the_configuration(self):
        scenario = scenario_named("poison-3")
        nginx = configuration.nginx(scenario, balancers.balancer_named("nginx:least_conn"), "", "")
        self.assertIn("proxy_pass http://app; proxy_next_upstream error timeout http_503; }", nginx)
        haproxy = configuration.haproxy(scenario, balancers.balancer_named("haproxy:least_conn"), "")
        self.assertIn("    retry-on conn-failure empty-response response-timeout 503\n", haproxy)

    def test_paths_of_aims_are_asked_for(self):
        for scenario in SCENARIOS:
            for aim in scenario.aims:
                if aim.path:
                    paths = [part.rpartition(":")[0] for part in scenario.mix.split(",")]
                    self.assertIn(aim.path, paths, scenario.name)

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

    def test_polls_websockets_and_streams_go_through_both_proxies(self):
        from measure import run
        from stack import Build
        scenario = Scenario("short-waiting", "", (1, 1), 0, (), paths={"/": 5}, warm_up=0,
                            mix="/?do=stream:200:400:1", nginx="proxy_buffering off;",
                            haproxy="option http-no-delay",
                            background=("--connections", "2", "--path", "/poll?do=wait:500"),
                            websockets="/ws?do=websocket:100", requests_per_second=10, seconds=2)
        for name in ("nginx:leastwise", "haproxy:leastwise"):
            measured = run(Build(BUILD), scenario, balancers.balancer_named(name), 1, 5000)["all"]
            self.assertEqual(measured["failed"], 0, name)
            # The last token comes 200 ms after the first, or later.
            self.assertGreater(measured["mean_ms"], measured["first_mean_ms"] + 150, name)


if __name__ == "__main__":
    unittest.main()
