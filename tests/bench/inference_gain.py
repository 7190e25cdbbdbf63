#!/usr/bin/env python3
"""What policy `inference` brings to eight emulated model servers behind nginx or HAProxy, beside other
methods: time to the first token, and the share of the prompts' tokens that was cached.

    inference_gain.py BUILD [--proxy haproxy] [--row chat]… [--seconds 25] [--seeds 1] [--rate 1] [METHOD…]

Rows and methods: inference_lab.py. What is asked in the first `--warm-up` seconds fills the caches and is
not counted: a prompt that nobody has seen is read in full wherever it goes. Methods are measured one after
the other with the same requests; ratios are of the first. BUILD is the folder of a build. Ends with 1 if
the machine was too slow in a run for its times to count.
"""
import argparse
import pathlib

from inference_lab import METHODS, ROWS, Requests, measure


def ratios(own, first):
    return (f"mean {own.mean / first.mean:.2f} p90 {own.p90 / first.p90:.2f} p99 {own.p99 / first.p99:.2f}"
            " of the first's")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("methods", nargs="*")
    parser.add_argument("--proxy", choices=METHODS, default="nginx")
    parser.add_argument("--row", choices=ROWS, action="append")
    parser.add_argument("--rate", type=float, default=1, help="times the row's own")
    parser.add_argument("--warm-up", type=float, default=20, help="seconds")
    parser.add_argument("--seconds", type=float, default=25, help="that count, after it")
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--no-usage", action="store_true", help="answers do not say what was cached")
    options = parser.parse_intermixed_args()
    build, was_late = options.build.resolve(), False
    for row in options.row or ROWS:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            requests = Requests(row, seed, options.rate, options.warm_up + options.seconds, not options.no_usage)
            first = None
            for method in options.methods or METHODS[options.proxy]:
                own = measure(options.proxy, build, row, requests, method, options.warm_up)
                first = first or own
                was_late |= own.was_late()
                late = " TOO LATE TO COUNT" if own.was_late() else ""
                print(f"{options.proxy} {row:8} seed {seed} {method:19} {own.line()}; {ratios(own, first)}{late}",
                      flush=True)
    return 1 if was_late else 0


if __name__ == "__main__":
    raise SystemExit(main())
