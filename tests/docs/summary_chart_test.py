#!/usr/bin/env python3
"""docs/charts/summary.svg shows what docs/live.md says: p99 on uneven servers, and errors before a server
that fails. Written anew with LEASTWISE_UPDATE_DOCS=1.

    summary_chart_test.py ROOT
"""
import os
import pathlib
import sys

BARS = [("round_robin", "round robin"), ("least_conn", "least_conn"), ("leastwise", "Leastwise")]
OURS, OTHERS, INK = "#c8441b", "#8795a8", "#1d2330"
WIDTH, LEFT, ROW, LONGEST = 760, 170, 24, 440


def figures(live):
    """{(scenario, balancer): cells} of the table of all figures."""
    rows = [[c.strip() for c in line.strip("|\n ").split("|")] for line in live.splitlines()
            if line.startswith("| ") and line.count("|") == 11]
    titles = rows[0]
    return {(r[0], r[1]): dict(zip(titles, r)) for r in rows[1:]}


def panel(found, scenario, column, scale, unit, title, top):
    text = f'<text x="12" y="{top}" font-weight="bold">{title}</text>\n'
    bars = [(f"{proxy} {label}", float(found[scenario, f"{proxy}:{name}"][column]) * scale, name)
            for proxy in ("nginx", "haproxy") for name, label in BARS
            if (scenario, f"{proxy}:{name}") in found]
    most = max(value for _, value, _ in bars)
    for i, (label, value, name) in enumerate(bars):
        y = top + 12 + i * ROW
        width = max(2, LONGEST * value / most)
        shown = f"{value:.2f}" if 0 < value < 1 else f"{value:.0f}"
        text += (f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{label.replace("haproxy least_conn", "HAProxy leastconn").replace("haproxy", "HAProxy")}</text>'
                 f'<rect x="{LEFT}" y="{y}" width="{width:.0f}" height="17" rx="2" '
                 f'fill="{OURS if name == "leastwise" else OTHERS}"/>'
                 f'<text x="{LEFT + width + 6:.0f}" y="{y + 13}">{shown} {unit}</text>\n')
    return text, top + 12 + len(bars) * ROW


def chart(live):
    found = figures(live)
    first, end = panel(found, "uneven-low", "p99", 1, "ms", "16 servers, speeds 4 times apart, a third of "
                       "capacity: p99", 24)
    second, end = panel(found, "sinkhole", "errors", 100, "%", "One of eight servers answers 500 at once: "
                        "requests that fail", end + 30)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{end + 8}" '
            f'font-family="sans-serif" font-size="13" fill="{INK}">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n{first}{second}</svg>\n')


def main():
    root = pathlib.Path(sys.argv[1])
    wanted = chart((root / "docs/live.md").read_text())
    file = root / "docs/charts/summary.svg"
    if os.environ.get("LEASTWISE_UPDATE_DOCS"):
        file.write_text(wanted)
    if not file.exists() or file.read_text() != wanted:
        sys.exit("FAILED: docs/charts/summary.svg is not what docs/live.md says: LEASTWISE_UPDATE_DOCS=1 writes it")
    live = (root / "docs/live.md").read_text()
    ours = figures(live)["uneven-low", "nginx:leastwise"]["p99"]
    assert chart(live.replace(f" {ours} |", " 99.9 |")) != wanted, "a change of the figures is not seen"
    print("the chart is what was measured")


if __name__ == "__main__":
    main()
