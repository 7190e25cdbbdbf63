"""What the lab prints, and the page that it writes."""
import html

from results import fair_shares, geometric_mean, judge

COLOURS = ("#888888", "#1b6ca8", "#c44e52", "#55a868", "#8172b2", "#ccb974", "#64b5cd", "#4c4c4c")


def cells(results, scenario, balancer):
    """One row: mean over seeds, and ratios to the proxy's own least connections."""
    def mean(metric):
        values = results.values(scenario.name, balancer.name, metric)
        return sum(values) / len(values)

    def ratio(metric):
        ratios = results.ratios(scenario.name, balancer.name, balancer.reference, metric)
        return f"{geometric_mean(ratios):.2f}" if ratios else "-"

    return [scenario.name, balancer.name, f"{mean('mean'):.1f}", f"{mean('p50'):.1f}",
            f"{mean('p99'):.1f}", f"{mean('errors'):.4f}", f"{mean('cpu'):.0f}",
            ratio("mean"), ratio("p99"), ratio("cpu")]


HEADINGS = ["scenario", "balancer", "mean ms", "p50", "p99", "errors", "CPU µs", "mean ratio",
            "p99 ratio", "CPU ratio"]


def rows(results, scenarios, balancers):
    return [cells(results, s, b) for s in scenarios for b in balancers
            if results.has(s.name, b.name)]


def verdicts(results, scenarios, balancers):
    for scenario in scenarios:
        for balancer in balancers:
            if not balancer.policy == "adaptive" or not results.has(scenario.name, balancer.name):
                continue
            if scenario.is_judged_alone or results.has(scenario.name, balancer.reference):
                yield from judge(results, scenario, balancer)


def verdict_cells(verdict):
    aim = verdict.aim
    of = " ".join(word for word in (aim.metric.replace("_", " "), aim.server, aim.path,
                                    aim.window if aim.window != "all" else "") if word)
    sign = "≥" if aim.at_least else "≤"
    seeds = ", ".join(f"{value:.3g}" for value in verdict.by_seed)
    return [verdict.scenario, verdict.balancer, of, f"{verdict.value:.3g}",
            f"{sign} {aim.limit:g}", seeds, "yes" if verdict.is_met else "**no**"]


VERDICT_HEADINGS = ["scenario", "balancer", "figure", "measured", "aim", "by seed", "met"]


SHARE_HEADINGS = ["scenario", "balancer", "seed", "least", "mean", "most", "mean", "of",
                  "shares"]


def share_cells(run):
    """Least and most used in the worst window and in the mean of windows, and the single shares."""
    windows = run.each_window() or ["all"]
    least = [run.value("share_least", window) for window in windows]
    most = [run.value("share_most", window) for window in windows]
    return [f"{value:.2f}" for value in (min(least), sum(least) / len(least),
                                         max(most), sum(most) / len(most))]


def share_rows(results, scenarios, balancers):
    """Shares as multiples of what the weight says: of each server in all that was measured, or,
    where one server is the subject, of it by window."""
    for scenario in scenarios:
        subject = next((aim.server for aim in scenario.aims if aim.server), "")
        for balancer in balancers if scenario.shares else ():
            for seed in results.seeds(scenario.name, balancer.name):
                run = results.runs[scenario.name, balancer.name, seed]
                if subject:
                    windows = [*run.report["windows"]] or ["all"]
                    shares = [run.value("share", window, subject) for window in windows]
                else:
                    shares = fair_shares(run.report["all"]["servers"], run.weights()).values()
                yield [scenario.name, balancer.name, str(seed), *share_cells(run),
                       subject or "each server", " ".join(f"{share:.2f}" for share in shares)]


def text_table(headings, lines):
    widths = [max(len(row[i]) for row in [headings, *lines]) for i in range(len(headings))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                     for row in [headings, *lines])


def markdown_table(headings, lines):
    return "\n".join("| " + " | ".join(row) + " |"
                     for row in [headings, ["---"] * len(headings), *lines])


def bar_chart(title, bars):
    """`bars`: (label, value). An SVG with a bar each, as long as its value."""
    most = max(value for _, value in bars) or 1
    height = 30 + 22 * len(bars)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="{height}" '
             'font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="white"/>',
             f'<text x="8" y="18" font-weight="bold">{html.escape(title)}</text>']
    for i, (label, value) in enumerate(bars):
        y = 28 + 22 * i
        colour = COLOURS[2] if "leastwise" in label else COLOURS[1]
        parts.append(f'<text x="200" y="{y + 13}" text-anchor="end">{html.escape(label)}</text>'
                     f'<rect x="208" y="{y}" width="{360 * value / most:.1f}" height="16" '
                     f'fill="{colour}"/>'
                     f'<text x="{214 + 360 * value / most:.1f}" y="{y + 13}">{value:.1f}</text>')
    return "\n".join([*parts, "</svg>", ""])


def charts(results, scenarios, balancers):
    """File name and SVG of each scenario: p99 by balancer."""
    for scenario in scenarios:
        bars = []
        for balancer in balancers:
            if results.has(scenario.name, balancer.name):
                values = results.values(scenario.name, balancer.name, "p99")
                bars.append((balancer.name, sum(values) / len(values)))
        if bars:
            yield f"{scenario.name}.svg", bar_chart(f"{scenario.name}: p99 in ms", bars)


def page(results, scenarios, balancers, command):
    measured = [s for s in scenarios if any(results.has(s.name, b.name) for b in balancers)]
    about = "\n".join(f"- `{s.name}`: {s.about}; {s.traffic}" for s in measured)
    pictures = "\n".join(f"![{s.name}](charts/{s.name}.svg)" for s in measured)
    judged = [verdict_cells(v) for v in verdicts(results, scenarios, balancers)]
    return f"""# Measured on real traffic

Written by `{command}`: the real nginx and HAProxy of Debian 12, emulated servers of four slots
each, open-loop load over loopback. Ratios are to the proxy's own least connections, taken for each
seed and averaged geometrically; latency counts from the intended start of a request. CPU is the
proxy's and the agent's, for each request.

## Aims
{markdown_table(VERDICT_HEADINGS, judged)}

For `failed` the two numbers by seed are the sums of Leastwise and of the reference.

## Shares
Multiples of what a server's weight says: in the worst window, and in the mean of all windows.
{markdown_table(SHARE_HEADINGS, share_rows(results, scenarios, balancers))}

## All figures
{markdown_table(HEADINGS, rows(results, scenarios, balancers))}

## Scenarios
{about}

## p99
{pictures}
"""
