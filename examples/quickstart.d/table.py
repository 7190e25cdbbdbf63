"""Prints what quickstart.sh measured: one line for each proxy and method."""
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
rows = {}
for name in ("nginx-round_robin", "nginx-leastwise", "haproxy-round_robin", "haproxy-leastwise"):
    report = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    rows[name] = report["all"]
    if report["lag"]["is_too_late"]:
        print(f"{name}: this machine was too busy to send on time; see only ratios in it.")

print()
print("Eight servers; s7 and s8 are four times slower. Milliseconds; share of requests in %.")
print(f"{'':22}{'requests':>9}{'errors':>8}{'p50':>8}{'p99':>8}   " +
      "".join(f"{'s' + str(i):>5}" for i in range(1, 9)))
for name, total in rows.items():
    counted = sum(total["servers"].values()) or 1
    shares = [100 * total["servers"].get(f"s{i}", 0) / counted for i in range(1, 9)]
    print(f"{name.replace('-', ' '):22}{total['requests']:>9}{total['failed']:>8}"
          f"{total['p50_ms']:>8.1f}{total['p99_ms']:>8.1f}   " +
          "".join(f"{share:>5.1f}" for share in shares))

# Which a look tells.
WIDTH = 46
longest = max(total["p99_ms"] for total in rows.values()) or 1
print()
print("p99, and the share of the two slow servers")
for name, total in rows.items():
    bar = "█" * max(1, round(WIDTH * total["p99_ms"] / longest))
    counted = sum(total["servers"].values()) or 1
    slow = 100 * sum(total["servers"].get(s, 0) for s in ("s7", "s8")) / counted
    print(f"{name.replace('-', ' '):22}{bar} {total['p99_ms']:.0f} ms, {slow:.1f} %")
print()
for proxy in ("nginx", "haproxy"):
    before, after = rows[f"{proxy}-round_robin"], rows[f"{proxy}-leastwise"]
    ratio = after["p99_ms"] / before["p99_ms"]
    print(f"{proxy}: p99 with Leastwise is {ratio:.2f} of round robin's, p50 is "
          f"{after['p50_ms'] / before['p50_ms']:.2f}.")
