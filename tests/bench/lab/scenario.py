"""What a scenario is, and an aim. The catalogue is in scenarios.py."""
from dataclasses import dataclass, field

MEAN_MS = 10
SLOTS = 4
EACH = "each"  # the window of an aim that holds in every one of `each_window`


@dataclass(frozen=True)
class Aim:
    """A limit for Leastwise: a ratio to the proxy's own least connections, or a value of its own."""
    metric: str             # see results.METRICS
    limit: float
    window: str = "all"
    absolute: bool = False
    at_least: bool = False
    server: str = ""        # of metric "share"
    path: str = ""          # only requests of this one; in window "all"
    mode: str = "pick"      # of Leastwise: what steers HAProxy's weights has aims of its own


def within(least, most, window="all", server=""):
    """The share of one server, or of the least and the most used, as a multiple of fair."""
    low, high = ("share", "share") if server else ("share_least", "share_most")
    return (Aim(low, least, window, absolute=True, at_least=True, server=server),
            Aim(high, most, window, absolute=True, server=server))


@dataclass(frozen=True)
class Scenario:
    name: str
    about: str
    slow: tuple             # of each server: how many times as slow
    load: float             # share of all slots that is asked for
    aims: tuple
    mean_ms: float = MEAN_MS
    paths: dict = field(default_factory=lambda: {"/": MEAN_MS})
    mix: str = ""
    defaults: dict = field(default_factory=dict)  # of leastwise-backends, for all servers
    special: dict = field(default_factory=dict)   # by server: the same for one
    events: tuple = ()      # of leastwise-backends
    weights: tuple = ()     # of each server, for the proxy; empty: all alike
    nginx_server: str = ""  # parameters of each nginx server
    nginx: str = ""         # lines of nginx's location
    haproxy: str = ""       # a line of HAProxy's backend
    haproxy_server: str = ""  # parameters of each HAProxy server
    weights_method: str = "balance random(2)"  # below `mode weights`
    phases: tuple = ()      # (from, times the rate)
    windows: dict = field(default_factory=dict)   # name: (from, to)
    each: tuple = ()        # (from, to, seconds): windows one after the other, see EACH
    shares: bool = False    # whether the report shows how requests were shared out
    seconds: float = 16
    warm_up: float = 4
    timeout: float = 10
    requests_per_second: float = 0  # instead of a share of all slots
    background: tuple = ()  # options of a second leastwise-load that runs beside
    websockets: str = ""    # path on which 200 of them stay open meanwhile
    one_at_a_time: int = 0  # instead of arrivals: as many requests, each after the other's answer
    clients: int = 0        # instead of arrivals: each asks again at once, for `seconds`

    @property
    def rate(self):
        """Requests per second."""
        if self.requests_per_second:
            return self.requests_per_second
        slots = sum(self.defaults.get("slots", SLOTS) / slow for slow in self.slow)
        return self.load * slots * 1000 / self.mean_ms

    @property
    def traffic(self):
        if self.one_at_a_time:
            return f"{self.one_at_a_time} requests, one at a time"
        if self.clients:
            return f"{self.clients} clients"
        return f"{self.rate:.0f} requests/s"

    @property
    def all_windows(self):
        if not self.each:
            return self.windows
        begin, end, length = self.each
        count = int((end - begin) / length)
        return {**self.windows, **{f"{EACH}{i}": (begin + i * length, begin + (i + 1) * length)
                                   for i in range(count)}}

    @property
    def is_judged_alone(self):
        """No aim is a ratio: the proxy's own method need not be measured."""
        return bool(self.aims) and all(aim.absolute for aim in self.aims)


EQUAL = (1,) * 8
