"""A web site: pages of 5, 40 and 200 ms on eight servers. Two of them are old and three times slower, one is
ten times slower for a while, one answers errors at once for a while."""

import stage

NAMES = [f"s{i}" for i in range(1, 9)]
CONTROL, FIRST = stage.PORT + 9, stage.PORT + 10
METHODS = {"nginx least_conn": ("least_conn;", stage.PORT + 2), "leastwise": ("leastwise;", stage.PORT + 3)}
LOAD = ("--mix", "/:80,/search:17,/report:3")


def servers(seconds):
    slow = {"s7": 3, "s8": 3}
    return {
        "control": CONTROL,
        "defaults": {"slots": 4},
        "servers": [{"name": n, "port": FIRST + i, "slow": slow.get(n, 1)} for i, n in enumerate(NAMES)],
        "paths": {"/": 5, "/search": 40, "/report": 200},
        "events": [{"at": seconds * 0.3, "server": "s3", "slow": 10},
                   {"at": seconds * 0.55, "server": "s3", "slow": 1},
                   {"at": seconds * 0.6, "server": "s5", "error_share": 1},
                   {"at": seconds * 0.8, "server": "s5", "error_share": 0}],
    }


def configuration():
    lines = " ".join(f"server 127.0.0.1:{FIRST + i};" for i in range(len(NAMES)))
    return "".join(f"""
    upstream app{port} {{ {method} {lines} keepalive 64; }}
    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://app{port}; }} }}"""
                   for method, port in METHODS.values())


def play(scene, seconds):
    seconds = seconds or 20
    scene.backends(servers(seconds))
    page = scene.http(stage.PORT + 2, configuration())
    rows = []
    for name, (_, port) in METHODS.items():
        stage.reset(CONTROL)
        report = scene.load(name, port, seconds, "--rate", "500", *LOAD)
        total, paths = report["all"], report["paths"]
        rows.append([name, total["requests"], f"{100 * total['failed'] / total['requests']:.2f}",
                     *(f"{paths[p]['p99_ms']:.0f}" for p in ("/", "/search", "/report")),
                     *(f"{s:.1f}" for s in stage.shares(total, NAMES))])
    print("\nA web site. s7 and s8 are 3 times slower; s3 is 10 times slower for a quarter of the time, s5 answers\n"
          "500 at once for a fifth. Errors and shares of servers in %, p99 of three pages in ms.\n")
    stage.table(["", "requests", "errors", "/", "/search", "/report", *NAMES], rows)
    return page, lambda: scene.run("traffic", stage.program("LOAD"), "--port", METHODS["leastwise"][1],
                                   "--rate", "100", "--seconds", "3600", *LOAD)
