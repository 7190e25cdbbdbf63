"""Game servers over TCP and UDP. Four of them answer at the ticks of their clock, every 10 ms; the last one lags
and ticks every 80 ms. Players join over TCP and stay, and send inputs over UDP."""

import stage
import world

TICKS = {"g1": 0.01, "g2": 0.01, "g3": 0.01, "g4": 0.08}
FIRST = stage.PORT + 10
METHODS = {"nginx least_conn": ("least_conn;", stage.PORT + 2), "leastwise": ("leastwise;", stage.PORT + 4)}


def configuration():
    lines = " ".join(f"server 127.0.0.1:{FIRST + i};" for i in range(len(TICKS)))
    text = "stream {\n"
    for method, port in METHODS.values():
        # A player's inputs stay on one server while that answers well.
        stays = ("leastwise_affinity 5; leastwise_key $remote_addr:$remote_port;"
                 if "leastwise" in method else "")
        text += f"""
    upstream tcp{port} {{ {method} {lines} }}
    upstream udp{port} {{ {method} {stays} {lines} }}
    server {{ listen 127.0.0.1:{port}; proxy_pass tcp{port}; }}
    server {{ listen 127.0.0.1:{port} udp; proxy_pass udp{port}; proxy_responses 1; proxy_timeout 2s; }}"""
    return text + f"\n    server {{ listen 127.0.0.1:{stage.PORT + 1}; leastwise_status html; }}\n}}\n"


def play(scene, seconds):
    seconds = seconds or 10
    scene.enter_context(world.Servers({FIRST + i: (n, t) for i, (n, t) in enumerate(TICKS.items())}))
    scene.nginx(stage.PORT + 1, configuration(), [stage.STREAM, stage.program("STREAM_MODULE")])
    rows = []
    for name, (_, port) in METHODS.items():
        for kind, players in (("TCP, to join", world.join), ("UDP, an input", world.inputs)):
            print(f"  {name}, {kind}: {seconds} s", file=stage.sys.stderr)
            found = world.measure(players, port, seconds)
            total = sum(found.servers.values()) or 1
            rows.append([f"{kind}, {name}", len(found.times), found.lost, f"{found.percentile(50):.0f}",
                         f"{found.percentile(99):.0f}",
                         *(f"{100 * found.servers[n] / total:.1f}" for n in TICKS)])
    rows.sort(key=lambda row: row[0].split(",")[0])
    print("\nFour game servers; g4 lags. Time to an answer in ms, shares of servers in %.\n")
    stage.table(["", "answers", "lost", "p50", "p99", *TICKS], rows)

    def traffic():
        scene.enter_context(world.Background(METHODS["leastwise"][1]))

    return f"http://127.0.0.1:{stage.PORT + 1}/", traffic
