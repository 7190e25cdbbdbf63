"""Equals are treated as equals, weights mean shares, and who is well again has its share back."""
from scenario import EQUAL, Aim, Scenario, within

SLOTS = {"slots": 8}
NOT_IN_10_S = "fail_timeout=1s"  # nginx's own 10 s would keep a restarted server out


def equal(name, rate, least, most):
    return Scenario(f"equal-{name}", f"eight equal servers of 8 slots at {rate}/s: shares in 10 s",
                    EQUAL, 0, within(least, most, "each"), defaults=SLOTS,
                    requests_per_second=rate, each=(5, 35, 10), shares=True, seconds=35, warm_up=5)


def weights(name, by_weight, slow, limits):
    """One request at a time, and when the server with the most to do is half busy by its weight."""
    one, half = limits
    busiest = max(w * s for w, s in zip(by_weight, slow)) / sum(by_weight)
    about = f"weights {':'.join(map(str, by_weight))}, slowness {':'.join(f'{s:g}' for s in slow)}"
    common = {"defaults": SLOTS, "weights": by_weight, "shares": True, "warm_up": 0}
    return (Scenario(f"weights-{name}", f"{about}, one request at a time", slow, 0,
                     within(*one), one_at_a_time=2000, **common),
            Scenario(f"weights-{name}-half", f"{about}, the busiest server half busy", slow, 0,
                     within(*half), requests_per_second=0.5 * 8 / 0.010 / busiest, seconds=16,
                     **common))


def restart(rate):
    """Down from second 5 to 8."""
    return Scenario(f"restart-{rate}", f"one of three servers is down for 3 s, at {rate}/s: its "
                    "share in each 5 s, from 5 s after it is back", (1,) * 3, 0,
                    within(0.7, 1.4, "each", "s0"), defaults=SLOTS, requests_per_second=rate,
                    events=({"at": 5, "server": "0", "down": True},
                            {"at": 8, "server": "0", "down": False}),
                    nginx_server=NOT_IN_10_S, each=(13, 38, 5), shares=True, seconds=38, warm_up=0)


def cold(name, about, well, **what):
    """2,000/s; the server is well at that second."""
    return Scenario(name, about, EQUAL, 0,
                    tuple(Aim("share", 0.7, window, absolute=True, at_least=True, server="s0")
                          for window in ("at-once", "soon")),
                    defaults=SLOTS, requests_per_second=2000, nginx_server=NOT_IN_10_S,
                    windows={"cold": (well - 5, well), "at-once": (well, well + 3),
                             "soon": (well + 0.5, well + 3), "later": (well + 3, well + 9)},
                    shares=True, seconds=well + 9, **what)


FAIRNESS = (
    equal("idle", 60, 0.70, 1.35), equal("low", 500, 0.85, 1.15), equal("middle", 2500, 0.93, 1.07),
    *weights("1234", (1, 2, 3, 4), (1,) * 4, ((0.9, 1.1), (0.8, 1.2))),
    # Of the server with weight 1: 4 to 6 %; the other is then within a tenth by itself.
    *weights("19-1", (19, 1), (1, 1), ((0.8, 1.2), (0.8, 1.2))),
    *weights("19-1-slower", (19, 1), (1, 1.1), ((0.8, 1.2), (0.8, 1.2))),
    *weights("19-1-faster", (19, 1), (1, 0.9), ((0.8, 1.2), (0.8, 1.2))),
    restart(20), restart(150), restart(300),
    cold("cold-start", "one of eight servers is ten times as slow at first, warming up within 5 s; "
         "2,000/s", 5, special={0: {"warm_up": "10:5"}}),
    cold("cold-restart", "the same after it was down for a second", 11,
         events=({"at": 5, "server": "0", "down": True},
                 {"at": 6, "server": "0", "down": False, "warm_up": "10:5"})),
    Scenario("sparse", "2 requests/s over four equal servers: shares, without an aim", (1,) * 4, 0,
             (), defaults=SLOTS, requests_per_second=2, shares=True, seconds=40, warm_up=0),
)
