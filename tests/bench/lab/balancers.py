"""The catalogue of balancers: a name, the proxy, and what its configuration says."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Balancer:
    name: str
    proxy: str      # nginx or haproxy
    method: str     # nginx: a line of upstream{}; haproxy: of the backend
    policy: str = ""  # of Leastwise, empty: not used
    mode: str = "pick"  # of Leastwise in HAProxy: pick or weights
    binary: str = ""  # another nginx than the packaged one

    @property
    def reference(self):
        """What ratios are to: the proxy's own least connections."""
        return f"{self.proxy}:least_conn"


def nginx(name, method):
    return Balancer(f"nginx:{name}", "nginx", method)


def nginx_leastwise(policy):
    suffix = "" if policy == "adaptive" else f"-{policy}"
    return Balancer(f"nginx:leastwise{suffix}", "nginx", f"leastwise {policy};", policy)


def haproxy(name, method):
    return Balancer(f"haproxy:{name}", "haproxy", method)


BALANCERS = (
    nginx("round_robin", ""),
    nginx("least_conn", "least_conn;"),
    nginx("random_two", "random two least_conn;"),
    nginx("hash", "hash $http_x_u consistent;"),
    nginx_leastwise("adaptive"),
    nginx_leastwise("least_conn"),
    nginx_leastwise("least_time"),
    nginx_leastwise("peak_ewma"),
    nginx_leastwise("two_choices"),
    haproxy("round_robin", "balance roundrobin"),
    haproxy("least_conn", "balance leastconn"),
    haproxy("random_two", "balance random(2)"),
    Balancer("haproxy:leastwise", "haproxy", "balance leastconn", "adaptive"),
    Balancer("haproxy:weights", "haproxy", "balance random(2)", "adaptive", mode="weights"),
)

# What the aims are about.
JUDGED = ("nginx:least_conn", "nginx:leastwise", "haproxy:least_conn", "haproxy:leastwise")


def with_newer_nginx(binary):
    """least_time of nginx 1.31 and later, whose path the user gives."""
    return Balancer("nginx:least_time", "nginx", "least_time last_byte;", binary=binary)


def balancer_named(name, balancers=BALANCERS):
    for balancer in balancers:
        if balancer.name == name:
            return balancer
    raise SystemExit(f"no balancer {name}; there are: {', '.join(b.name for b in balancers)}")
