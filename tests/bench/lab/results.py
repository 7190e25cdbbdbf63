"""Figures of runs, their ratios by seed, and whether aims are met. Pure."""
import math
from dataclasses import dataclass

METRICS = ("mean", "p50", "p99", "p999", "errors", "failed", "share", "cpu")


@dataclass(frozen=True)
class Figures:
    """Of one run: the reports of the load generator."""
    report: dict

    def summary(self, window):
        return self.report["all"] if window == "all" else self.report["windows"][window]

    def value(self, metric, window="all", server=""):
        summary = self.summary(window)
        if metric == "cpu":
            return self.report["cpu_us"]
        if metric == "errors":
            return summary["failed"] / max(1, summary["requests"])
        if metric == "failed":
            return summary["failed"]
        if metric == "share":
            return fair_share(summary["servers"], server, len(self.servers()))
        return summary[f"{metric}_ms"]

    def servers(self):
        return {name for part in (self.report["all"], *self.report["windows"].values())
                for name in part["servers"]}


def fair_share(counts, server, servers):
    """Of one server, as a multiple of an equal part."""
    total = sum(counts.values())
    return counts.get(server, 0) / total * servers if total else 0.0


def geometric_mean(values):
    return math.exp(sum(math.log(max(v, 1e-9)) for v in values) / len(values))


class Results:
    """What was measured, by scenario, balancer and seed."""

    def __init__(self):
        self.runs = {}

    def add(self, scenario, balancer, seed, report):
        self.runs[scenario, balancer, seed] = Figures(report)

    def seeds(self, scenario, balancer):
        return sorted(s for (name, b, s) in self.runs if (name, b) == (scenario, balancer))

    def has(self, scenario, balancer):
        return bool(self.seeds(scenario, balancer))

    def values(self, scenario, balancer, metric, window="all", server=""):
        """By seed."""
        return [self.runs[scenario, balancer, seed].value(metric, window, server)
                for seed in self.seeds(scenario, balancer)]

    def ratios(self, scenario, balancer, reference, metric, window="all"):
        """By seed: only runs of the same seed are compared."""
        return [self.runs[scenario, balancer, seed].value(metric, window) /
                max(self.runs[scenario, reference, seed].value(metric, window), 1e-9)
                for seed in self.seeds(scenario, balancer)
                if (scenario, reference, seed) in self.runs]


@dataclass(frozen=True)
class Verdict:
    scenario: str
    balancer: str
    aim: object
    by_seed: list
    value: float

    @property
    def is_met(self):
        if self.aim.at_least:
            return self.value >= self.aim.limit
        return self.value <= self.aim.limit


def judge(results, scenario, balancer):
    """A verdict for each aim of the scenario: geometric mean of ratios, mean of values."""
    for aim in scenario.aims:
        if aim.absolute:
            by_seed = results.values(scenario.name, balancer.name, aim.metric, aim.window,
                                     aim.server)
            value = sum(by_seed) / len(by_seed)
        elif aim.metric == "failed":
            # Counts may be zero: their sums are compared.
            own = sum(results.values(scenario.name, balancer.name, aim.metric, aim.window))
            other = sum(results.values(scenario.name, balancer.reference, aim.metric, aim.window))
            by_seed, value = [own, other], own / other if other else (math.inf if own else 0.0)
        else:
            by_seed = results.ratios(scenario.name, balancer.name, balancer.reference, aim.metric,
                                     aim.window)
            value = geometric_mean(by_seed)
        yield Verdict(scenario.name, balancer.name, aim, by_seed, value)
