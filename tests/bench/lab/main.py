"""The benchmark lab: every balancer in every scenario, on the same arrivals and demands.

    tests/bench/run.sh                         what the aims are about, three seeds: about three hours
    tests/bench/run.sh --scenario brown --seeds 1
    tests/bench/run.sh --all                   every balancer in every scenario
"""
import argparse
import json
import pathlib
import sys

import balancers as catalogue
import report
from measure import TooLate, run
from results import Results
from scenarios import COST, SCENARIOS
from stack import Build

TRIES = 3
MOST_SERVERS_OF_AGENT = 250
# Every balancer is shown where speeds differ.
EVERY_BALANCER = ("uneven-low",)


def read_arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/run.sh", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", help="build folder")
    parser.add_argument("--scenario", default="", help="only those whose name contains this, or one of A,B,…")
    parser.add_argument("--balancer", default="", help="only those whose name contains this")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--all", action="store_true", help="every balancer in every scenario")
    parser.add_argument("--nginx-least-time", metavar="BINARY",
                        help="an nginx of 1.31 or later, whose least_time joins")
    parser.add_argument("--results", default="build/lab.jsonl",
                        help="a line for each run is added here; runs that are there are not repeated")
    parser.add_argument("--docs", help="write live.md and charts/ into this folder")
    parser.add_argument("--list", action="store_true", help="scenarios and balancers")
    return parser.parse_args()


def is_named(options, scenario):
    return any(part in scenario.name for part in options.scenario.split(","))


def wanted(options, scenario, balancer):
    if not is_named(options, scenario) or options.balancer not in balancer.name:
        return False
    if scenario.haproxy_server and balancer.proxy != "haproxy":
        return False
    if scenario.name in EVERY_BALANCER or options.all and scenario not in COST:
        return True
    if balancer.mode == "weights":
        return any(aim.mode == "weights" for aim in scenario.aims)
    if scenario.is_judged_alone and not balancer.policy:
        return False
    if balancer.policy and balancer.proxy == "haproxy":
        # Not tried with more.
        return balancer.name in catalogue.JUDGED and len(scenario.slow) <= MOST_SERVERS_OF_AGENT
    return balancer.name in catalogue.JUDGED


def run_in_time(build, scenario, balancer, seed):
    """Repeats a run in which the machine was too late itself; refuses it in the end."""
    for _ in range(TRIES):
        try:
            return run(build, scenario, balancer, seed)
        except TooLate as late:
            print(f"  refused: {late}", file=sys.stderr, flush=True)
    return None


def load_results(path):
    results = Results()
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            results.add(entry["scenario"], entry["balancer"], entry["seed"], entry["report"])
    return results


def measure_all(options, balancers, results, path):
    build = Build(options.build)
    path.parent.mkdir(parents=True, exist_ok=True)
    for scenario in SCENARIOS:
        # Balancers alternate within a seed, so that what changes on the machine meets all.
        for seed in range(1, options.seeds + 1):
            for balancer in balancers:
                key = (scenario.name, balancer.name, seed)
                if not wanted(options, scenario, balancer) or key in results.runs:
                    continue
                measured = run_in_time(build, scenario, balancer, seed)
                if measured is None:
                    continue
                results.add(*key, measured)
                with open(path, "a", encoding="utf-8") as log:
                    log.write(json.dumps({"scenario": key[0], "balancer": key[1], "seed": seed,
                                          "report": measured}) + "\n")
                print(f"{scenario.name} {balancer.name} seed {seed}: "
                      f"mean {measured['all']['mean_ms']:.1f} p99 {measured['all']['p99_ms']:.1f} "
                      f"failed {measured['all']['failed']} cpu {measured['cpu_us']:.0f} µs "
                      f"servers' lag {measured['server_lag_ms']:.2f} ms", flush=True)


def main():
    options = read_arguments()
    balancers = list(catalogue.BALANCERS)
    if options.nginx_least_time:
        balancers.append(catalogue.with_newer_nginx(options.nginx_least_time))
    if options.list:
        for scenario in SCENARIOS:
            print(f"{scenario.name}: {scenario.about}")
        print("\n".join(b.name for b in balancers))
        return 0
    path = pathlib.Path(options.results)
    results = load_results(path)
    measure_all(options, balancers, results, path)

    named = [scenario for scenario in SCENARIOS if is_named(options, scenario)]
    print(report.text_table(report.HEADINGS, report.rows(results, named, balancers)))
    shares = list(report.share_rows(results, named, balancers))
    if shares:
        print(report.text_table(report.SHARE_HEADINGS, shares))
    verdicts = list(report.verdicts(results, named, balancers))
    print(report.text_table(report.VERDICT_HEADINGS, [report.verdict_cells(v) for v in verdicts]))
    if options.docs:
        folder = pathlib.Path(options.docs)
        (folder / "charts").mkdir(parents=True, exist_ok=True)
        command = "tests/bench/run.sh --docs docs"
        (folder / "live.md").write_text(report.page(results, SCENARIOS, balancers, command),
                                        encoding="utf-8")
        for name, svg in report.charts(results, SCENARIOS, balancers):
            (folder / "charts" / name).write_text(svg, encoding="utf-8")
    return 0 if all(v.is_met for v in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
