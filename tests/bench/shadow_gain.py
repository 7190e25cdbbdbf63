#!/usr/bin/env python3
"""Whether shadow mode says what switching to Leastwise brings, with a real nginx and leastwise-backends.

    shadow_gain.py BUILD [--method "least_conn;"] [--slow 1,1,1,1,1,1,4,4] [--load 0.333] [--seconds 40]
                         [--seeds 1,2,3]

For each seed the same load three times: nginx's method alone, the same watched (`leastwise_observe on`),
and `leastwise`. Prints the p99 and the mean that clients saw of each, and what the status of the second
expected; of the slow servers, the share that each gave them, and would have. One line of JSON for each
seed, and last lines with the sums.
"""
import argparse
import http.client
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lab"))
from stack import await_port  # noqa: E402

WEB, CONTROL, FIRST = 22400, 22401, 22410
SLOTS, MEAN_MS = 4, 10


def nginx_conf(folder, module, method, servers):
    lines = " ".join(f"server 127.0.0.1:{FIRST + i};" for i in range(servers))
    places = " ".join(f"{part}_temp_path {folder}/{part};"
                      for part in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""load_module {module};
daemon off; user root; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off; {places} proxy_http_version 1.1; proxy_set_header Connection ''; keepalive_requests 1000000;
    upstream app {{ zone app 1m; {method} {lines} keepalive 64; keepalive_requests 1000000; }}
    server {{
        listen 127.0.0.1:{WEB};
        location / {{ proxy_pass http://app; }}
        location = /leastwise {{ leastwise_status; }}
    }}
}}
"""


def status():
    connection = http.client.HTTPConnection("127.0.0.1", WEB, timeout=10)
    connection.request("GET", "/leastwise")
    return json.loads(connection.getresponse().read())["upstreams"].get("app")


def run(args, method, slow, seed):
    """What clients saw, and what the status says at the end."""
    build = pathlib.Path(args.build).resolve()
    programs = pathlib.Path(args.programs or build / "tests/bench")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="leastwise-shadow-"))
    processes = []
    try:
        farm = {"control": CONTROL, "seed": seed, "paths": {"/": MEAN_MS}, "defaults": {"slots": SLOTS},
                "servers": [{"port": FIRST + i, "slow": s} for i, s in enumerate(slow)]}
        (folder / "farm.json").write_text(json.dumps(farm), encoding="ascii")
        module = build / "nginx_module/ngx_http_leastwise_module.so"
        (folder / "nginx.conf").write_text(nginx_conf(folder, module, method, len(slow)), encoding="ascii")
        processes.append(subprocess.Popen([programs / "leastwise-backends", folder / "farm.json"],
                                          stdout=subprocess.DEVNULL))
        await_port(CONTROL)
        processes.append(subprocess.Popen([args.nginx, "-p", folder, "-c", folder / "nginx.conf"]))
        await_port(WEB)
        rate = args.load * sum(SLOTS / s for s in slow) * 1000 / MEAN_MS
        done = subprocess.run([programs / "leastwise-load", "--port", str(WEB), "--json", "--seed", str(seed),
                               "--rate", f"{rate:.1f}", "--seconds", str(args.seconds), "--warm-up", "5",
                               "--timeout", "30", "--max-lag", "1000"],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"leastwise-load: {done.stderr}")
        return json.loads(done.stdout)["all"], status()
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def slow_share(state, slow, of):
    """Of all picks, those of servers that are not among the fastest."""
    picks = {int(p["server"].rsplit(":", 1)[1]) - FIRST: p["leastwise"][of] for p in state["peers"]}
    return sum(n for i, n in picks.items() if slow[i] > min(slow)) / sum(picks.values())


def compare(args, seed):
    slow = [float(s) for s in args.slow.split(",")]
    plain, _ = run(args, args.method, slow, seed)
    watched, state = run(args, f"{args.method} leastwise_observe on;", slow, seed)
    ours, switched = run(args, "leastwise;", slow, seed)
    shadow = state["shadow"]
    line = {"seed": seed, "requests": plain["requests"], "failed": ours["failed"] + watched["failed"]}
    for name in ("mean", "p99"):
        key = f"{name}_ms"
        line[name] = {"plain": plain[key], "watched": watched[key], "leastwise": ours[key],
                      "shadow_current": shadow["current"][key], "shadow_leastwise": shadow["leastwise"][key],
                      "real_gain": plain[key] - ours[key],
                      "expected_gain": shadow["current"][key] - shadow["leastwise"][key]}
    line["differ"] = shadow["differ"] / shadow["decisions"]
    line["covered"] = shadow["covered"]
    line["slow_share"] = {"watched": slow_share(state, slow, "picks"),
                          "shadow": slow_share(state, slow, "shadow_picks"),
                          "leastwise": slow_share(switched, slow, "picks")}
    return line


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--programs", help="folder of leastwise-backends and -load, if not the build's")
    parser.add_argument("--nginx", default="/usr/sbin/nginx")
    parser.add_argument("--method", default="least_conn;")
    parser.add_argument("--slow", default="1,1,1,1,1,1,4,4")
    parser.add_argument("--load", type=float, default=1 / 3)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--seeds", default="1,2,3")
    args = parser.parse_args()
    lines = [compare(args, int(seed)) for seed in args.seeds.split(",")]
    for line in lines:
        print(json.dumps(line))
    for name in ("mean", "p99"):
        real = sum(line[name]["real_gain"] for line in lines)
        expected = sum(line[name]["expected_gain"] for line in lines)
        print(f"{name}: real gain {real / len(lines):.2f} ms, expected {expected / len(lines):.2f} ms, "
              f"ratio {expected / real:.3f}")
    shares = ", ".join(f"{sum(line['slow_share'][of] for line in lines) / len(lines):.2%} {of}"
                       for of in ("watched", "shadow", "leastwise"))
    print(f"share of the slow servers: {shares}")


if __name__ == "__main__":
    main()
