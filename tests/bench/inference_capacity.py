#!/usr/bin/env python3
"""What eight emulated model servers carry behind nginx or HAProxy, by method: sessions a second of which
the p90 of the time to the first token is 1 s at most.

    inference_capacity.py BUILD METHOD [--proxy haproxy] --row chat [--seed 1] [--rate 1] [--most 100]

Rows and methods: inference_lab.py. The rate goes up or down by a quarter from `--rate` (times the row's own)
until it is bracketed, then the bracket is halved to 5 %: the answer is the most that was carried in a run.
It goes no higher than `--most`, so that the machine need not carry what the servers could.
Each run has its own servers and proxy; the same seed has the same sessions at each rate. A run in which the
machine was late (Result.was_late) is none: the search ends with 1.
"""
import argparse
import math
import pathlib

from inference_lab import METHODS, RATES, ROWS, Requests, measure

MOST_MS, STEP, CLOSE = 1000, 1.25, 1.05


class TooLate(Exception):
    pass


def search(carries, rate, most):
    """The most and the least rate of those tried that are carried, and not; None if `most` is carried."""
    low, high = (rate, None) if carries(rate) else (None, rate)
    while not low:
        rate = high / STEP
        low, high = (rate, high) if carries(rate) else (None, rate)
    while not high:
        if low >= most:
            return low, None
        rate = min(low * STEP, most)
        low, high = (rate, None) if carries(rate) else (low, rate)
    while high / low > CLOSE:
        rate = math.sqrt(low * high)
        low, high = (rate, high) if carries(rate) else (low, rate)
    return low, high


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("method")
    parser.add_argument("--proxy", choices=METHODS, default="nginx")
    parser.add_argument("--row", choices=ROWS, required=True)
    parser.add_argument("--rate", type=float, default=1, help="to begin with, times the row's own")
    parser.add_argument("--most", type=float, default=100, help="times the row's own")
    parser.add_argument("--warm-up", type=float, default=15, help="seconds")
    parser.add_argument("--seconds", type=float, default=30, help="that count, after it")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    build = options.build.resolve()
    name = f"{options.proxy} {options.row:8} seed {options.seed} {options.method:19}"
    own = RATES[options.row]

    def carries(rate):
        requests = Requests(options.row, options.seed, rate / own, options.warm_up + options.seconds)
        result = measure(options.proxy, build, options.row, requests, options.method, options.warm_up)
        print(f"{name} {rate:6.2f} a second: {result.line()}", flush=True)
        if result.was_late():
            raise TooLate
        return result.p90 <= MOST_MS

    try:
        low, high = search(carries, own * options.rate, own * options.most)
    except TooLate:
        print(f"{name} the machine was too slow to say", flush=True)
        return 1
    print(f"{name} carries {low:.2f} a second" + (f", not {high:.2f}" if high else " at least"), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
