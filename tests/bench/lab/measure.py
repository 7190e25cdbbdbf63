"""One run: a scenario, a balancer, a seed."""
import json
import subprocess

import configuration
from beside import Beside
from stack import RR, Stack


class TooLate(Exception):
    """The generator or the servers were late themselves: the run says nothing."""


def load_options(scenario, seed, max_lag_ms=5):
    options = ["--port", configuration.WEB, "--json", "--seed", seed, *arrivals(scenario),
               "--warm-up", scenario.warm_up, "--timeout", scenario.timeout + 1,
               "--max-lag", max_lag_ms]
    if scenario.mix:
        options += ["--mix", scenario.mix]
    for name, (begin, end) in scenario.all_windows.items():
        options += ["--window", f"{name}:{begin:g}:{end:g}"]
    return [str(option) for option in options]


def arrivals(scenario):
    if scenario.one_at_a_time:
        return ["--connections", 1, "--requests", scenario.one_at_a_time]
    if scenario.clients:
        return ["--connections", scenario.clients, "--seconds", scenario.seconds]
    phases = scenario.phases or ((0, 1),)
    rates = ",".join(f"{at:g}:{times * scenario.rate:.3f}" for at, times in phases)
    return ["--phases", rates, "--seconds", scenario.seconds]


def run(build, scenario, balancer, seed, max_lag_ms=5):
    """The load generator's report, with `cpu_us` per request, `server_lag_ms`, `beside_free`
    and `weights`."""
    with Stack(build, scenario, balancer, seed) as stack:
        stack.restart_schedule()
        stack.start_others()
        before = stack.cpu_seconds()
        with Beside(stack.runtime_socket) as beside:
            done = subprocess.run([*RR, build.load, *load_options(scenario, seed, max_lag_ms)],
                                  capture_output=True, text=True, check=False)
        used = stack.cpu_seconds() - before
        stack.check_others()
        lag = stack.lag_ms()
    if done.returncode == 3:
        raise TooLate(f"{scenario.name} {balancer.name}: requests were sent too late")
    if done.returncode != 0:
        raise SystemExit(f"leastwise-load: {done.stderr}")
    report = json.loads(done.stdout)
    report["cpu_us"] = used * 1e6 / max(1, report["scheduled"])
    report["server_lag_ms"] = lag
    report["beside_free"] = beside.share
    report["weights"] = configuration.weights(scenario)
    return report
