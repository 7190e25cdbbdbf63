"""The catalogue of scenarios: servers, traffic, what goes wrong and when, and what is aimed at.

Times are in seconds from the start of the load unless a name says otherwise. A run begins with
`warm_up` seconds that count only where an aim names a window of its own.
"""
from scenario import EQUAL, Aim, Scenario
from scenarios_fairness import FAIRNESS
from scenarios_waiting import WAITING

ROUTES = {"/a": 1, "/b": 5, "/c": 20, "/d": 60, "/e": 200}
ROUTE_MIX = "/a:40,/b:30,/c:20,/d:8,/e:2"
ROUTE_MEAN_MS = 0.40 * 1 + 0.30 * 5 + 0.20 * 20 + 0.08 * 60 + 0.02 * 200
UNEVEN = (1,) * 4 + (1.5,) * 4 + (2.5,) * 4 + (4,) * 4


def uneven(name, load, limit, by_weights=None):
    return Scenario(f"uneven-{name}", f"16 servers, slowness 1, 1.5, 2.5, 4; {load:.0%} of capacity",
                    UNEVEN, load, ((Aim("p99", limit),) if limit else ()) +
                    ((Aim("p99", by_weights, mode="weights"),) if by_weights else ()))


def sinkhole(name, share, limit):
    return Scenario(name, f"one of eight servers answers {share:.0%} of its requests with 500 in "
                    "0.2 ms, from second 4 on", EQUAL, 0.5,
                    (Aim("errors", limit, absolute=True, window="whole"),),
                    events=({"at": 4, "server": "0", "error_share": share},),
                    windows={"whole": (0, 16)})


def equal(load):
    return Scenario(f"equal-{load:g}", f"eight equal servers, {load:.0%} of capacity",
                    EQUAL, load, (Aim("p50", 1.03), Aim("p99", 1.03), Aim("cpu", 1.03)))


def cost(servers):
    """What a request costs the proxy, by the number of servers; few are busy at a time."""
    return Scenario(f"cost-{servers}", f"{servers} equal servers that answer in 1 ms: what does a "
                    "request cost the proxy?", (1,) * servers, 0, (), mean_ms=1, paths={"/": 1},
                    seconds=9, warm_up=2, requests_per_second=1500)


COST = tuple(cost(servers) for servers in (2, 16, 128, 1024, 4096))
SCENARIOS = (
    equal(0.50), equal(0.80),
    uneven("low", 0.345, 0.52, 0.75), uneven("middle", 0.65, 0.66, 0.85), uneven("high", 0.85, None),
    Scenario("brown-out", "one of eight servers is 20 times slower from second 6 to 12",
             EQUAL, 0.6,
             (Aim("p99", 0.85, "during"),
              *(Aim("share", 0.7, window, absolute=True, at_least=True, server="s0")
                for window in ("at-once", "soon", "back"))),
             events=({"at": 6, "server": "0", "slow": 20}, {"at": 12, "server": "0", "slow": 1}),
             windows={"during": (6, 12), "at-once": (12, 15), "soon": (12.5, 15),
                      "back": (17, 20)}, seconds=20),
    Scenario("rolling", "one server after the other is 10 times slower for 3 s",
             EQUAL, 0.55, (Aim("p99", 1.0),),
             events=tuple(e for i in range(4) for e in
                          ({"at": 4 + 3 * i, "server": str(i), "slow": 10},
                           {"at": 7 + 3 * i, "server": str(i), "slow": 1}))),
    Scenario("surge", "a brown-out from second 4 to 8, and 1.5 times the traffic from 8.5 to 12.5",
             EQUAL, 0.55, (Aim("p99", 1.02, "surge"),),
             events=({"at": 4, "server": "0", "slow": 20}, {"at": 8, "server": "0", "slow": 1}),
             phases=((0, 1), (8.5, 1.5), (12.5, 1)), windows={"surge": (8.5, 12.5)}, seconds=14),
    sinkhole("sinkhole", 1.0, 0.01), sinkhole("sinkhole-half", 0.5, 0.015),
    Scenario("routes-equal", "eight equal servers, five routes of 1 to 200 ms",
             EQUAL, 0.7, (Aim("mean", 1.0),), ROUTE_MEAN_MS, ROUTES, ROUTE_MIX,
             {"distribution": "lognormal", "sigma": 0.5}),
    Scenario("routes-uneven", "the same on servers of slowness 1, 1.5, 2.5, 4",
             (1, 1, 1.5, 1.5, 2.5, 2.5, 4, 4), 0.7, (Aim("mean", 0.92),), ROUTE_MEAN_MS, ROUTES,
             ROUTE_MIX, {"distribution": "lognormal", "sigma": 0.5}),
    Scenario("restart", "two of eight servers are down for a second, then ten times as slow, "
             "warming up within 8 s", EQUAL, 0.6, (Aim("p99", 0.85, "cold"),),
             events=tuple(e for server in "01" for e in
                          ({"at": 5, "server": server, "down": True},
                           {"at": 6, "server": server, "down": False, "warm_up": "10:8"})),
             # nginx's own 10 s would keep them out until they are warm.
             nginx_server="fail_timeout=1s", windows={"cold": (6, 14)}),
    Scenario("hang", "one of eight servers answers nothing from second 5 to 11; the proxy waits 2 s",
             EQUAL, 0.6, (Aim("failed", 1.0, "whole"), Aim("p999", 1.0, "whole")),
             events=({"at": 5, "server": "0", "hang": True}, {"at": 11, "server": "0", "hang": False}),
             windows={"whole": (0, 16)}, timeout=2),
    Scenario("zones", "eight equal servers, four of them 15 ms away", EQUAL, 0.4,
             (Aim("mean", 0.95), Aim("p99", 1.0)),
             special={i: {"distance_ms": 15} for i in range(4, 8)}),
    *FAIRNESS,
    *WAITING,
    *COST,
)


def scenario_named(name):
    for scenario in SCENARIOS:
        if scenario.name == name:
            return scenario
    raise SystemExit(f"no scenario {name}; there are: {', '.join(s.name for s in SCENARIOS)}")
