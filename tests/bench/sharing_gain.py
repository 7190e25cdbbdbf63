#!/usr/bin/env python3
"""What `share_count` brings and costs: eight nginx of one worker and two HAProxy over twenty uneven servers, and one
Redis. The simulator's scenario multiLB10-het, of servers of one slot and with requests --scale
times as long; --scenario prints it for the simulator.

    sharing_gain.py BUILD [--seeds 1,2,3] [--seconds 60] [--warm-up 20] [--load 0.8] [--scale 2]
                          [--variants alone,share,share_count]
    sharing_gain.py BUILD --scenario > s.json; leastwise-sim file s.json --policies adaptive,adaptive+share

For each seed the same load once a variant: without `share`, with it, and with `share_count on`. An nginx before them all
deals it out at random. Prints mean and p99 that clients saw, in ms, one line of JSON for each run, and last lines with
the ratios of the sums to those without.
"""
import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / p) for p in ("nginx_module", "integration/agent", "integration/companion")]

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/release").resolve()
os.environ.setdefault("LEASTWISE_NGINX_MODULE", str(BUILD / "nginx_module/ngx_http_leastwise_module.so"))
os.environ.setdefault("LEASTWISE_COMPANION", str(BUILD / "spoe_agent/leastwise-companion"))

import companion  # noqa: E402
import harness  # noqa: E402
import redis_server  # noqa: E402
import stack  # noqa: E402  the agent's: its folder comes first

NGINX, HAPROXY, SERVERS = 8, 2, 20
FRONT, FIRST_NGINX, FIRST_SERVER, CONTROL, FIRST_HAPROXY = 22500, 22510, 22520, 22501, 22550
ROUTES = (("/a", 40, 1), ("/b", 30, 5), ("/c", 20, 20), ("/d", 8, 60), ("/e", 2, 200))  # share in %, mean ms at speed 1
SPREAD = 4
KEPT = "proxy_http_version 1.1; proxy_set_header Connection ''; keepalive_requests 1000000;"
CONFIG = """
    {kept}
    upstream app {{ leastwise; {servers} keepalive 32; keepalive_requests 1000000; }}
    server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://app; }} }}
    server {{ listen unix:{folder}/control.sock; location / {{ leastwise_control; }} }}
"""
VARIANTS = {"alone": "", "share": "share {url};\n", "share_count": "share {url};\nshare_count on;\n"}


def lines(ports):
    return " ".join(f"server 127.0.0.1:{p};" for p in ports)


def speeds():
    """As the simulator spreads them."""
    return [SPREAD ** (i / (SERVERS - 1)) for i in range(SERVERS)]


class Haproxy(stack.Stack):
    """The nth, with its agent; the servers are there already."""

    def __init__(self, n, settings):
        stack.WEB, stack.FEEDBACK, stack.STATUS = (FIRST_HAPROXY + 3 * n + i for i in range(3))
        stack.FIRST_SERVER, stack.AGENT = FIRST_SERVER, str(BUILD / "spoe_agent/leastwise-spoa")
        self.settings = settings
        super().__init__(servers=SERVERS)

    def start_backends(self):
        """They are there."""
        path = self.folder / "leastwise.conf"
        path.write_text(path.read_text() + self.settings)


@contextlib.contextmanager
def balancers(settings):
    """The ports of all."""
    with contextlib.ExitStack() as stacked:
        ports = []
        for n in range(HAPROXY):
            stacked.enter_context(Haproxy(n, settings))
            ports.append(stack.WEB)
        for n in range(NGINX):
            nginx = harness.Nginx(FIRST_NGINX + n)
            nginx.configure(CONFIG.format(port=nginx.port, folder=nginx.folder, kept=KEPT,
                                          servers=lines(range(FIRST_SERVER, FIRST_SERVER + SERVERS))))
            stacked.enter_context(nginx)
            ports.append(nginx.port)
            if settings:
                folder = stacked.enter_context(tempfile.TemporaryDirectory())
                text = f"nginx_socket {nginx.path('control.sock')};\n{settings}"
                stacked.enter_context(companion.Companion(folder, text))
        yield ports


def farm(scale, seed):
    return {"control": CONTROL, "seed": seed, "defaults": {"slots": 1, "distribution": "lognormal", "sigma": 0.5},
            "paths": {path: scale * mean for path, _, mean in ROUTES},
            "servers": [{"port": FIRST_SERVER + i, "slow": 1 / speed} for i, speed in enumerate(speeds())]}


def scenario(args):
    return {"servers": SERVERS, "balancers": NGINX + HAPROXY, "cores": [1], "speeds": speeds(), "load": args.load,
            "duration_ms": 1000 * args.seconds, "warmup_ms": 1000 * args.warm_up,
            "routes": [{"share": share / 100, "mean_ms": args.scale * mean, "size": "lognormal", "shape": 0.5}
                       for _, share, mean in ROUTES]}


def run(args, variant, seed):
    """What clients saw."""
    programs = BUILD / "tests/bench"
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stacked:
        def start(*command):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            stacked.callback(lambda: (process.kill(), process.wait()))
        (pathlib.Path(folder) / "farm.json").write_text(json.dumps(farm(args.scale, seed)), encoding="ascii")
        start(programs / "leastwise-backends", f"{folder}/farm.json")
        start(*redis_server.command(folder))
        for port in (CONTROL, redis_server.PORT):
            harness.wait_for(lambda at=port: harness.listens(at), f"port {port}")
        settings = VARIANTS[variant].format(url=f"redis://127.0.0.1:{redis_server.PORT}")
        ports = stacked.enter_context(balancers(settings))
        stacked.enter_context(harness.Nginx(FRONT, f"""
            {KEPT} proxy_next_upstream off;
            upstream all {{ random; {lines(ports)} keepalive 256; keepalive_requests 1000000; }}
            server {{ listen 127.0.0.1:{FRONT} backlog=4096; location / {{ proxy_pass http://all; }} }}"""))
        mean = args.scale * sum(share * mean for _, share, mean in ROUTES) / 100
        rate = args.load * sum(speeds()) * 1000 / mean
        mix = ",".join(f"{path}:{share}" for path, share, _ in ROUTES)
        done = subprocess.run([programs / "leastwise-load", "--port", str(FRONT), "--json", "--seed", str(seed),
                               "--rate", f"{rate:.1f}", "--seconds", str(args.seconds), "--warm-up",
                               str(args.warm_up), "--mix", mix, "--timeout", "30", "--max-lag", "1000"],
                              capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"leastwise-load: {done.stderr}")
    return json.loads(done.stdout)["all"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--warm-up", type=float, default=20)
    parser.add_argument("--load", type=float, default=0.8)
    parser.add_argument("--scale", type=float, default=2)
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--scenario", action="store_true")
    args = parser.parse_args()
    if args.scenario:
        return print(json.dumps(scenario(args)))
    sums = {}
    for seed in map(int, args.seeds.split(",")):
        for variant in args.variants.split(","):
            result = run(args, variant, seed)
            figures = {name: result[f"{name}_ms"] for name in ("mean", "p99")}
            print(json.dumps({"seed": seed, "variant": variant, "requests": result["requests"],
                              "failed": result["failed"]} | figures), flush=True)
            for name, value in figures.items():
                sums[variant, name] = sums.get((variant, name), 0) + value
    for variant in VARIANTS:
        if ("alone", "mean") in sums and (variant, "mean") in sums:
            print(variant + ": " + ", ".join(f"{name} {sums[variant, name] / sums['alone', name]:.3f}"
                                             for name in ("mean", "p99")))
    return None


if __name__ == "__main__":
    main()
