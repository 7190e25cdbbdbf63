"""Cloud machines in two zones, four in each. Requests to the other zone take 3 ms more, and their traffic costs
money. In the middle comes more than twice the usual load, which the near zone can hardly bear alone."""

import stage

NEAR, FAR = ["a1", "a2", "a3", "a4"], ["b1", "b2", "b3", "b4"]
CONTROL, FIRST = stage.PORT + 9, stage.PORT + 10
KILOBYTES, DOLLARS_PER_GIGABYTE = 20, 0.02  # of an answer; of traffic between zones, both sides
METHODS = {  # the method, and whether the far servers are only backups
    "nginx least_conn": ("least_conn;", False),
    "near first, far as backup": ("least_conn;", True),
    "leastwise, price 0": ("leastwise; leastwise_locality 127.0.1.0/24; leastwise_locality_price 0;", False),
    "leastwise, price 5": ("leastwise; leastwise_locality 127.0.1.0/24;", False),
}


def address(zone, i):
    return f"127.0.{zone}.{i + 1}"


def servers():
    both = [(n, address(z, i), i, 3 * (z - 1)) for z, names in ((1, NEAR), (2, FAR)) for i, n in enumerate(names)]
    return {"control": CONTROL, "defaults": {"slots": 4, "body_bytes": KILOBYTES * 1000}, "paths": {"/": 20},
            "servers": [{"name": n, "address": a, "port": FIRST + i, "distance_ms": d} for n, a, i, d in both]}


def configuration():
    text = ""
    for i, (method, is_backup) in enumerate(METHODS.values()):
        lines = "".join(f"server {address(z, k)}:{FIRST + k}{' backup' if is_backup and z == 2 else ''}; "
                        for z in (1, 2) for k in range(4))
        text += f"""
    upstream app{i} {{ {method} {lines} keepalive 64; }}
    server {{ listen 127.0.0.1:{stage.PORT + 2 + i}; location / {{ proxy_pass http://app{i}; }} }}"""
    return text


def leaving(summary):
    """Share of requests that leave the zone."""
    return sum(stage.shares(summary, FAR))


def play(scene, seconds):
    seconds = seconds or 15
    third = seconds / 3
    scene.backends(servers())
    page = scene.http(stage.PORT + 2, configuration())
    rows = []
    for i, name in enumerate(METHODS):
        report = scene.load(name, stage.PORT + 2 + i, seconds, "--phases",
                            f"0:300,{third}:780,{2 * third}:300", "--window", f"calm:{third / 5}:{third}", "--window",
                            f"busy:{third * 1.2}:{2 * third}")
        calm, busy = report["windows"]["calm"], report["windows"]["busy"]
        dollars = leaving(report["all"]) / 100 * KILOBYTES * DOLLARS_PER_GIGABYTE
        rows.append([name, report["all"]["failed"], f"{calm['p99_ms']:.0f}", f"{busy['p99_ms']:.0f}",
                     f"{busy['mean_ms']:.1f}", f"{leaving(calm):.1f}", f"{leaving(busy):.1f}", f"{dollars:.2f}"])
    print(f"\nTwo zones; nginx is in zone a. At usual and at high load: p99 and mean in ms, and the share of requests\n"
          f"that leave the zone in %. Dollars per million requests at {DOLLARS_PER_GIGABYTE} a gigabyte, {KILOBYTES} KB each.\n")
    stage.table(["", "errors", "p99", "p99 busy", "mean busy", "leave", "leave busy", "$"], rows)
    return page, lambda: scene.run("traffic", stage.program("LOAD"), "--port",
                                   stage.PORT + 1 + len(METHODS), "--rate", "100", "--seconds", "3600")
