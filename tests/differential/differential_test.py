#!/usr/bin/env python3
"""The same trace through nginx, the agent and the simulator: the same decisions, one by one.

    differential_test.py DIFFERENTIAL_PLAYER DIFFERENTIAL_CLOCK [unittest arguments]
"""
import os
import pathlib
import sys
import tempfile
import unittest

import front_ends
import traces

front_ends.PLAYER, front_ends.CLOCK = sys.argv[1:3]
REQUESTS = int(os.environ.get("LEASTWISE_DIFFERENTIAL_REQUESTS", "10000"))
NAMES = [f"127.0.0.{i + 1}:{front_ends.PORT + 1 + i}" for i in range(4)]
EVEN = [traces.Server(n) for n in NAMES]
# One is slow, one has twice the weight, one is far, one fails now and then.
UNEVEN = [traces.Server(NAMES[0], slowness=3), traces.Server(NAMES[1], weight=2),
          traces.Server(NAMES[2], remote=True), traces.Server(NAMES[3], fails=50)]
WRONG = 504  # the request that a mistake is made with: a long one
ALL = {"nginx": front_ends.Nginx, "agent": front_ends.Agent, "simulator": front_ends.simulator}


def decisions(kind, trace, servers=UNEVEN, policy="adaptive", lua=None, kinds=()):
    with ALL[kind](policy, lua, servers) as front_end:
        return traces.play(front_end, servers, trace, kinds)


def first_difference(a, b):
    return next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), None)


class Case(unittest.TestCase):
    def same(self, trace, kinds=("simulator", "agent", "nginx"), endings=(), **options):
        trace = list(trace)
        by_kind = {kind: decisions(kind, trace, kinds=endings, **options) for kind in kinds}
        reference = by_kind[kinds[0]]
        self.assertEqual(len(reference), len(trace))
        for kind in kinds[1:]:
            alike = sum(a == b for a, b in zip(reference, by_kind[kind]))
            self.assertIsNone(first_difference(reference, by_kind[kind]),
                              f"the first request that {kind} and {kinds[0]} differ in; {alike} of {len(trace)} alike")
        shares = [reference.count(i) for i in range(len(NAMES))]
        for share in shares:
            self.assertGreater(share, 0, "nobody learns of who gets nothing")
        what = pathlib.Path(options["lua"]).stem if options.get("lua") else options.get("policy", "adaptive")
        print(f"{what}: {len(trace)} requests, the same decisions in {', '.join(kinds)}; by server {shares}", flush=True)


class Scripts(Case):
    def test_examples(self):
        for name in ("least_conn", "cheapest_zone", "canary", "tenants", "ab", "free_memory"):
            with self.subTest(name):
                self.same(traces.requests(REQUESTS), lua=self.script(name))

    def test_by_header(self):
        """The simulator has no headers."""
        def headers(draw):
            return {"X-Canary": draw.choice(("always", "never"))} if draw.random() < 0.3 else {}
        self.same(traces.requests(REQUESTS, headers=headers), ("agent", "nginx"), lua=self.script("canary"))

    def test_by_load_reports(self):
        """In the simulator servers say nothing of their memory."""
        servers = [s._replace(report=f"TEXT mem_utilization={used}") for s, used in zip(UNEVEN, (0.9, 0.5, 0.2, 0.7))]
        self.same(traces.requests(REQUESTS), ("agent", "nginx"), servers=servers, lua=self.script("free_memory"))

    def script(self, name):
        """That example, with the last server for its canary."""
        text = (front_ends.ROOT / "examples" / "lua" / f"{name}.lua").read_text()
        file = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / f"{name}.lua"
        file.write_text(text.replace("127.0.0.1:8089", NAMES[-1]))
        return str(file)


class Policies(Case):
    def test_policies(self):
        """All that draw nothing at random and hash nothing: each front end has its own seed and its own hash."""
        for policy in ("adaptive", "least_conn", "round_robin", "weighted", "least_time"):
            with self.subTest(policy):
                self.same(traces.requests(REQUESTS), policy=policy)

    def test_endings(self):
        """Of all kinds that nginx and HAProxy tell apart."""
        endings = ("missing", "moved", "empty", "nothing", "cut", "left", "reset")
        for policy in ("adaptive", "least_time"):
            with self.subTest(policy):
                self.same(traces.requests(REQUESTS), ("agent", "nginx"), policy=policy, endings=endings)


class Altered:
    """A front end that gets one thing wrong, once."""

    def __init__(self, front_end, how):
        self.front_end, self.how = front_end, how
        self.tick = front_end.tick

    def pick(self, now, r):
        return self.front_end.pick(now, self.how.get("pick", lambda r: r)(r) if r.id == WRONG else r)

    def done(self, now, r, took, ending, report):
        if r.id == WRONG and "done" in self.how:
            took, ending = self.how["done"](took, ending)
            if took is None:
                return
        self.front_end.done(now, r, took, ending, report)


class Sensitivity(Case):
    def differs(self, how, kind="agent", **options):
        trace = list(traces.requests(min(REQUESTS, 3000)))
        with ALL[kind](options.get("policy", "adaptive"), options.get("lua"), UNEVEN) as front_end:
            altered = traces.play(Altered(front_end, how), UNEVEN, trace)
        at = first_difference(decisions("simulator", trace, **options), altered)
        self.assertIsNotNone(at, how)
        self.assertGreaterEqual(at, WRONG)

    def test_one_mistake_shows(self):
        example = front_ends.ROOT / "examples" / "lua"
        self.differs({"done": lambda took, ending: (None, None)}, policy="least_conn")
        self.differs({"done": lambda took, ending: (1, ending)})
        self.differs({"done": lambda took, ending: (took, "error")})
        self.differs({"pick": lambda r: r._replace(client="10.9.9.9", headers={})}, lua=str(example / "tenants.lua"))
        self.differs({"pick": lambda r: r._replace(path="/page")}, kind="nginx")
        self.differs({"done": lambda took, ending: (took, "error")}, kind="nginx")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
