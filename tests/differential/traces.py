"""Traces of requests, and the clock by which each is played: the same for every front end.

How long an answer takes is up to the request and the server that it got, so a front end that decides otherwise
soon has another order of events, and other counts in flight.
"""
import collections
import heapq
import random

START_MS = 3 * 3600 * 1000
TICK_MS = 100

Server = collections.namedtuple("Server", "address weight remote slowness fails report", defaults=(1, False, 1, 0, ""))
Request = collections.namedtuple("Request", "at id path client headers size")
# Of one time, in this order. Ticks have times of their own: nginx looks at its timers after each event.
DONE, PICK, TICK = range(3)


def requests(count, seed=1, gap_ms=(1, 9), headers=lambda draw: {}):
    """`count` of three routes and 40 clients. Some are answered 500, whoever is asked."""
    draw = random.Random(seed)
    now = START_MS + 1
    for i in range(count):
        now += draw.randint(*gap_ms) if i > 60 else 1  # all servers are met before the first tick
        path, sizes = draw.choice((("/page", (2, 8)), ("/page", (2, 8)), ("/list", (5, 20)), ("/report", (30, 60))))
        client = f"10.0.0.{draw.randint(1, 40)}"
        now += is_tick(now)
        yield Request(now, i, path, client, {"X-Tenant": client, **headers(draw)}, draw.randint(*sizes))


def is_tick(now):
    return (now - START_MS) % TICK_MS == 0


def took(server, request, busy):
    """Whole milliseconds, which is what HAProxy's log has. `busy`: requests that the server has, with this one."""
    return request.size * server.slowness * (1 + busy) // 2


def ending(server, request, kinds):
    """How an answer ends. Some servers fail now and then; `kinds`: one of these for each 20th request besides."""
    if server.fails and request.id % server.fails == 0:
        return "error"
    return kinds[request.id // 20 % len(kinds)] if kinds and request.id % 20 == 7 else "ok"


def play(front_end, servers, trace, kinds=()):
    """The servers that it picks, by request."""
    decisions = []
    busy = [0] * len(servers)
    events = [(r.at, PICK, r.id, r, None, 0) for r in trace]
    left = len(events)
    events.append((START_MS + TICK_MS, TICK, 0, None, None, 0))
    heapq.heapify(events)
    while left:
        now, kind, number, request, server, time = heapq.heappop(events)
        if kind == TICK:
            front_end.tick(now)
            heapq.heappush(events, (now + TICK_MS, TICK, 0, None, None, 0))
        elif kind == PICK:
            server = front_end.pick(now, request)
            decisions.append(server)
            busy[server] += 1
            time = took(servers[server], request, busy[server])
            time += is_tick(now + time)
            heapq.heappush(events, (now + time, DONE, number, request, server, time))
        else:
            busy[server] -= 1
            front_end.done(now, request, time, ending(servers[server], request, kinds), servers[server].report)
            left -= 1
    return decisions
