#!/usr/bin/env python3
"""What `leastwise inference` brings to eight emulated model servers behind nginx, beside other methods: time to
the first token, and the share of the prompts' tokens that was cached.

    inference_gain.py MODULE [--row chat]… [--seconds 30] [--seeds 1] [--first-seed 1] [--rate 1] [METHOD…]

    chat       one of eight instructions in common with others and five turns; prompts grow to 20 KB
    hot        one of forty prompts of 16 KB, the first of them far more often, and a question
    rag        three of eighty documents of 5 KB in any order, and a question
    unshared   nothing in common, 1 to 40 KB
    uneven     chat, with two servers that take 2.5 times as long

The servers compute 10,000 tokens a second, one prompt at a time, and remember 40,000 tokens each
(tests/nginx_module/model_server.py): all by timers, so that a busy machine disturbs little. Methods are
measured one after the other with the same requests; ratios are of the first.
"""
import argparse
import os
import pathlib
import random
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "nginx_module"))
PORT, SERVERS = 20330, range(20331, 20339)
SLOW = 2.5


def config(method):
    servers = " ".join(f"server 127.0.0.1:{p};" for p in SERVERS)
    return (f"upstream app {{ {method}; {servers} keepalive 64; }} leastwise_body openai;"
            f"server {{ listen 127.0.0.1:{PORT}; location / {{ proxy_pass http://app;"
            ' proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; } }')


def words(rng, length):
    text = ""
    while len(text) < length:
        text += "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) + " "
    return text[:length]


class Traffic:
    """Sessions a second, and what is said in each: contents in turn, of the first question two."""

    def __init__(self, row, rng):
        self.rng, self.row = rng, row
        self.rate = {"chat": 5, "uneven": 4, "hot": 14, "rag": 11, "unshared": 18}[row]
        count, length = {"hot": (40, 16_000), "rag": (80, 5000), "unshared": (0, 0)}.get(row, (8, 4000))
        self.common = [words(rng, length) for _ in range(count)]

    def session(self):
        rng = self.rng
        if self.row == "hot":
            first = rng.choices(self.common, [1 / (i + 1) for i in range(len(self.common))])
        elif self.row == "rag":
            first = ["".join(rng.sample(self.common, 3))]
        elif self.row == "unshared":
            return [words(rng, 200), words(rng, min(40_000, int(1000 + rng.expovariate(1 / 7000))))]
        else:
            first = [rng.choice(self.common)]
            return first + [words(rng, 2000 - 1000 * (n % 2)) for n in range(9)]
        return first + [words(rng, 400)]


class Requests:
    def __init__(self, row, seed, rate, seconds):
        rng = random.Random(seed)
        traffic = Traffic(row, rng)
        self.begins, at = [], 0.0
        while (at := at + rng.expovariate(traffic.rate * rate)) < seconds:
            self.begins.append((at, traffic.session()))

    def run(self, client, skip):
        """The answers to what begins after `skip` seconds."""
        answers, begin = [], time.monotonic()

        def talk(contents):
            for n in range(2, len(contents) + 1, 2):
                at = time.monotonic() - begin
                answer = client.stream(PORT, client.chat(*contents[:n], max_tokens=10))
                if at >= skip:
                    answers.append(answer)
                time.sleep(0.3)

        threads = []
        for at, contents in self.begins:
            time.sleep(max(0, begin + at - time.monotonic()))
            threads.append(threading.Thread(target=talk, args=(contents,)))
            threads[-1].start()
        for thread in threads:
            thread.join()
        return answers


def measure(row, requests, method, skip):
    """Mean, p50, p90, p99 of the first tokens in ms, the share of tokens that was cached, and of how many."""
    import harness
    import model_client
    import model_server
    with model_server.ModelServers(*SERVERS, prefill=10_000, blocks=2500) as models, \
            harness.Nginx(PORT, config(method), workers=2):
        for port in SERVERS[:2] if row == "uneven" else ():
            models.servers[port].prefill /= SLOW
            models.servers[port].pace *= SLOW
        answers = requests.run(model_client, skip)
    times = sorted(1000 * a.ttft for a in answers)
    asked = sum(a.usage["prompt_tokens"] for a in answers)
    return (statistics.mean(times), *(times[int(len(times) * p)] for p in (.5, .9, .99)),
            sum(a.cached for a in answers) / asked, len(times))


def main():
    rows = ("chat", "hot", "rag", "unshared", "uneven")
    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("methods", nargs="*")
    parser.add_argument("--row", choices=rows, action="append")
    parser.add_argument("--rate", type=float, default=1, help="times the row's own")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--first-seed", type=int, default=1)
    options = parser.parse_args()
    os.environ["LEASTWISE_NGINX_MODULE"] = os.path.abspath(options.module)
    methods = options.methods or ["least_conn", "leastwise inference"]
    for row in options.row or rows:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            requests = Requests(row, seed, options.rate, options.seconds)
            first = None
            for method in methods:
                own = measure(row, requests, method, options.seconds / 5)
                first = first or own
                mean, _, p90, p99 = (a / b for a, b in zip(own[:4], first))
                print(f"{row:8} seed {seed} {method:22} TTFT ms mean {own[0]:6.1f} p50 {own[1]:6.1f} p90"
                      f" {own[2]:6.1f} p99 {own[3]:6.1f} cached {own[4]:.3f} of {own[5]}; mean {mean:.2f}"
                      f" p90 {p90:.2f} p99 {p99:.2f} of {methods[0]}'s", flush=True)


if __name__ == "__main__":
    main()
