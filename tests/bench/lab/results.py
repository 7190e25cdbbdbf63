"""Figures of runs, their ratios by seed, and whether aims are met. Pure."""
import math
from dataclasses import dataclass

from scenario import EACH

METRICS = ("mean", "p50", "p90", "p99", "p999", "errors", "failed", "cpu",
           "first_mean", "first_p99", "share", "share_least", "share_most", "beside_free")


@dataclass(frozen=True)
class Figures:
    """Of one run: the reports of the load generator."""
    report: dict

    def summary(self, window, path=""):
        if path:
            return self.report["paths"][path]
        return self.report["all"] if window == "all" else self.report["windows"][window]

    def value(self, metric, window="all", server="", path=""):
        summary = self.summary(window, path)
        if metric == "cpu":
            return self.report["cpu_us"]
        if metric == "beside_free":
            return self.report["beside_free"]
        if metric == "errors":
            return summary["failed"] / max(1, summary["requests"])
        if metric == "failed":
            return summary["failed"]
        if metric.startswith("share"):
            shares = fair_shares(summary["servers"], self.weights())
            return {"share": shares.get(server, 0), "share_least": min(shares.values()),
                    "share_most": max(shares.values())}[metric]
        return summary[f"{metric}_ms"]

    def weights(self):
        """Of each server; lines of an older lab do not have them, and all were alike."""
        parts = (self.report["all"], *self.report["windows"].values())
        return self.report.get("weights") or {name: 1 for p in parts for name in p["servers"]}

    def each_window(self):
        return [name for name in self.report["windows"] if name.startswith(EACH)]

    def worst(self, aim):
        """What an aim is about: in the window of its own, or in the worst of each."""
        windows = self.each_window() if aim.window == EACH else [aim.window]
        values = [self.value(aim.metric, w, aim.server, aim.path) for w in windows]
        return min(values) if aim.at_least else max(values)


def fair_shares(counts, weights):
    """Of each server, as a multiple of the part that its weight says."""
    total, all_weights = max(1, sum(counts.values())), sum(weights.values())
    return {name: counts.get(name, 0) / total * all_weights / weight
            for name, weight in weights.items()}


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

    def values(self, scenario, balancer, metric, *which):
        """By seed; `which` is window, server and path."""
        return [self.runs[scenario, balancer, seed].value(metric, *which)
                for seed in self.seeds(scenario, balancer)]

    def worst(self, scenario, balancer, aim):
        """By seed."""
        return [self.runs[scenario, balancer, seed].worst(aim)
                for seed in self.seeds(scenario, balancer)]

    def ratios(self, scenario, balancer, reference, metric, *which):
        """By seed: only runs of the same seed are compared."""
        return [self.runs[scenario, balancer, seed].value(metric, *which) /
                max(self.runs[scenario, reference, seed].value(metric, *which), 1e-9)
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
    """A verdict for each aim of the scenario: geometric mean of ratios, mean of values, and of
    what holds in each window the worst."""
    for aim in (a for a in scenario.aims if a.mode == balancer.mode):
        if aim.absolute:
            by_seed = results.worst(scenario.name, balancer.name, aim)
            value = sum(by_seed) / len(by_seed)
            if aim.window == EACH:
                value = min(by_seed) if aim.at_least else max(by_seed)
        elif aim.metric == "failed":
            # Counts may be zero: their sums are compared.
            own = sum(results.values(scenario.name, balancer.name, aim.metric, aim.window))
            other = sum(results.values(scenario.name, balancer.reference, aim.metric, aim.window))
            by_seed, value = [own, other], own / other if other else (math.inf if own else 0.0)
        else:
            by_seed = results.ratios(scenario.name, balancer.name, balancer.reference, aim.metric,
                                     aim.window, aim.server, aim.path)
            value = geometric_mean(by_seed)
        yield Verdict(scenario.name, balancer.name, aim, by_seed, value)
