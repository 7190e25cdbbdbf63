"""Who waits without working, who works without being seen, and failures that hide.

Quick requests take 20 ms; what else there is must not harm them.
"""
from scenario import EQUAL, Aim, Scenario, within

QUICK_MS = 20
SLOTS = {"slots": 8, "distribution": "const"}
UNHARMED = (Aim("mean", 1.05), Aim("p99", 1.05))


def beside(name, about, slots, rate, **what):
    """Quick requests on three servers, half of whose slots they take, and something else."""
    return Scenario(name, about, (1,) * 3, 0, UNHARMED, QUICK_MS, {"/": 0, "/quick": QUICK_MS},
                    "/quick:1", {"slots": slots, "distribution": "lognormal", "sigma": 0.15},
                    requests_per_second=rate, **what)


def polls(count):
    """What polls teach is known once some were answered; they come back one by one, since those
    that all came back at once would be placed before the first of them had taught anything."""
    waits = ",".join(f"/poll?do=wait:{ms}:1" for ms in (14000, 14500, 15500, 16000))
    return beside(f"polls-{count}", f"{count} long polls of 15 s, which cost the servers nothing, "
                  "beside quick requests", 2, 150, timeout=30,
                  background=("--connections", str(count), "--mix", waits), seconds=40, warm_up=10)


def poison(percent):
    return Scenario(f"poison-{percent}", f"{percent} % of requests get 503 from every server, and "
                    "503 is tried on the next", (1,) * 4, 0.4,
                    (Aim("errors", 0.01, absolute=True, path="/quick"),), QUICK_MS,
                    {"/": QUICK_MS}, f"/quick:{100 - percent},/poison?do=status:503:{percent}",
                    SLOTS, nginx="proxy_next_upstream error timeout http_503;",
                    haproxy="retry-on conn-failure empty-response response-timeout 503", seconds=20)


def hollow(name, about, **what):
    """One of three gives another answer in 1 ms, from its first request on."""
    return Scenario(f"quick-{name}", f"one of three servers answers {about} in 1 ms, the others "
                    "200 in 20", (1,) * 3, 0.4,
                    (Aim("share", 1.2, absolute=True, server="s0"),), QUICK_MS, {"/": QUICK_MS},
                    defaults={**SLOTS, "body_bytes": 4000}, special={0: what}, shares=True)


def limited(name, about, slow, limit, **what):
    """HAProxy holds `maxconn`: nobody may wait longer for that than behind its own leastconn, which
    lets nobody wait beside a free place. Of `random(2)` that can not be said: who is drawn for a
    full server waits."""
    aims = tuple(aim for mode in ("pick", "weights") for aim in
                 (Aim("p99", 1.0, mode=mode), Aim("beside_free", 0.02, absolute=True, mode=mode)))
    return Scenario(f"maxconn-{name}", about, slow, 0, aims, haproxy_server=f"maxconn {limit}",
                    weights_method="balance leastconn", **what)


LONG = ",".join(f"/?do=sleep:{ms}:1" for ms in range(4000, 20001, 1000))
WAITING = (
    limited("long", "`maxconn 10` on three servers, requests of 4 to 20 s, 95 % of all places",
            (1,) * 3, 10, haproxy="timeout queue 60s", defaults={"slots": 0}, mix=LONG, requests_per_second=0.95 * 30 / 12,
            timeout=60, seconds=90, warm_up=10),
    limited("slow", "`maxconn 4` on four servers, one of them five times as slow", (1, 1, 1, 5), 4,
            mean_ms=QUICK_MS, paths={"/": QUICK_MS}, clients=24, seconds=34,
            defaults={"distribution": "lognormal", "sigma": 0.3}),
    polls(7), polls(40),
    Scenario("streams", "event streams: the first token after 20 ms, then tokens for 1 to 5 s, "
             "which keep one of 8 slots", EQUAL, 0.6, (Aim("first_mean", 1.05), Aim("first_p99", 1.05)),
             QUICK_MS + 3000, {"/": QUICK_MS}, "/?do=stream:1000:5000:1", SLOTS,
             nginx="proxy_buffering off;", haproxy="option http-no-delay", seconds=40, warm_up=8),
    beside("websockets", "200 open websockets beside 300 quick requests/s", 4, 300,
           websockets="/ws?do=websocket:2000", seconds=20),
    # All of the service time that is not noise looks like distance where no cheap answer is seen.
    Scenario("cheap-health", "three equal servers, and each second a /health request, which costs "
             "one of them a thousandth", (1,) * 3, 0.7, (*UNHARMED, Aim("p90", 1.05)), 28,
             {"/": 28}, defaults={"slots": 4, "distribution": "lognormal", "sigma": 0.1},
             special={0: {"paths": {"/health": 0.028}}},
             background=("--rate", "1", "--constant", "--path", "/health"), seconds=30, warm_up=10),
    poison(3), poison(15),
    hollow("404", "404", do="status:404+sleep:1", body_bytes=150),
    hollow("401", "401", do="status:401+sleep:1", body_bytes=150),
    hollow("302", "302", do="status:302+sleep:1", body_bytes=0),
    hollow("empty", "200 with an empty body", do="sleep:1", body_bytes=0),
)
