#!/usr/bin/env python3
"""What policy `inference` brings to eight emulated model servers behind nginx or HAProxy, beside other
methods: time to the first token, and the share of the prompts' tokens that was cached.

    inference_gain.py BUILD [--proxy haproxy] [--row chat]… [--seconds 25] [--seeds 1] [--rate 1] [METHOD…]

    chat       one of eight instructions in common with others and five turns; prompts grow to 20 KB
    hot        one of forty prompts of 16 KB, the first of them far more often, and a question
    rag        three of eighty documents of 5 KB in any order, and a question
    unshared   nothing in common, 1 to 40 KB
    uneven     chat, with two servers that take 2.5 times as long

The servers are those of `leastwise-models` with caches of 40,000 tokens: continuous batching, chunked
prefill at 10,000 tokens a second, all by timers. What is asked in the first `--warm-up` seconds fills
them and is not counted: a prompt that nobody has seen is read in full wherever it goes. Methods are measured one after the other with the same
requests; ratios are of the first. A METHOD is a line of nginx' upstream{}, for HAProxy a `balance`, or
`leastwise POLICY` for either. BUILD is the folder of a build.
"""
import argparse
import contextlib
import os
import pathlib
import random
import statistics
import subprocess
import sys
import threading
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "nginx_module"), str(TESTS / "integration" / "agent")]
PORT, SERVERS = 20330, range(20331, 20339)
CACHE_TOKENS, ANSWER_TOKENS = 40_000, 30
SLOW_SERVERS, SLOW = 2, 2.5
METHODS = {"nginx": ["least_conn", "leastwise inference"], "haproxy": ["leastconn", "leastwise inference"]}


def nginx_config(method):
    servers = " ".join(f"server 127.0.0.1:{p};" for p in SERVERS)
    # Or each worker of nginx's own methods counts for itself.
    zone = "" if method.startswith("leastwise") else "zone app 8m;"
    return (f"upstream app {{ {zone} {method}; {servers} keepalive 64; }} leastwise_body openai;"
            f"server {{ listen 127.0.0.1:{PORT}; location / {{ proxy_pass http://app;"
            ' proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; } }'
            # Or bodies above 16 KB wait for 40 ms in nginx, whoever balances: docs/inference.md.
            " client_body_buffer_size 1m;")


@contextlib.contextmanager
def proxy(kind, build, method):
    """Yields the port where it listens."""
    if kind == "nginx":
        os.environ["LEASTWISE_NGINX_MODULE"] = str(build / "nginx_module/ngx_http_leastwise_module.so")
        import harness
        with harness.Nginx(PORT, nginx_config(method), workers=2):
            yield PORT
        return
    import models_stack
    import stack
    stack.AGENT = str(build / "spoe_agent/leastwise-spoa")
    policy = method.removeprefix("leastwise ") if method.startswith("leastwise ") else None
    with models_stack.ModelsStack(SERVERS, policy, "leastconn" if policy else method):
        yield stack.WEB


class Models:
    """The emulated servers; `cpu` is the part of a core that they took."""

    def __init__(self, build, row):
        command = [build / "tests/bench/leastwise-models", "--port", str(SERVERS[0]), "--servers",
                   str(len(SERVERS)), "--cache-tokens", str(CACHE_TOKENS), "--die-with-parent"]
        if row == "uneven":
            command += ["--slow-servers", str(SLOW_SERVERS), "--slow", str(SLOW)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        self.cpu, self.begin = 0.0, time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks = int(stat[11]) + int(stat[12])
        self.cpu = ticks / os.sysconf("SC_CLK_TCK") / (time.monotonic() - self.begin)
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def words(rng, length):
    text = ""
    while len(text) < length:
        text += "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) + " "
    return text[:length]


class Traffic:
    """Sessions a second, and what is said in each: what comes first, and the questions."""

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
            return [rng.choice(self.common)] + [words(rng, 3000) for _ in range(5)]
        return first + [words(rng, 400)]


class Requests:
    def __init__(self, row, seed, rate, seconds):
        rng = random.Random(seed)
        traffic = Traffic(row, rng)
        self.begins, at = [], 0.0
        while (at := at + rng.expovariate(traffic.rate * rate)) < seconds:
            self.begins.append((at, traffic.session()))

    def run(self, port, skip):
        """The answers to what begins after `skip` seconds."""
        import model_client
        answers, failures, begin = [], [], time.monotonic()

        def talk(first, *questions):
            said = [first]
            for question in questions:
                said.append(question)
                at = time.monotonic() - begin
                answer = model_client.stream(port, model_client.chat(*said, max_tokens=ANSWER_TOKENS))
                if answer.status != 200 or not answer.usage:
                    return failures.append(answer.headers)
                said.append("".join(e["choices"][0]["delta"]["content"] for e in answer.events[:-1]))
                if at >= skip:
                    answers.append(answer)
                time.sleep(0.3)

        threads = []
        for at, session in self.begins:
            time.sleep(max(0, begin + at - time.monotonic()))
            threads.append(threading.Thread(target=talk, args=session))
            threads[-1].start()
        for thread in threads:
            thread.join()
        assert not failures, failures
        return answers


class Result:
    def __init__(self, answers, cpu):
        times = sorted(1000 * a.ttft for a in answers)
        self.count, self.cpu = len(times), cpu
        self.times = (statistics.mean(times), *(times[int(len(times) * p)] for p in (.5, .9, .99)))
        self.cached = sum(a.cached for a in answers) / sum(a.usage["prompt_tokens"] for a in answers)

    def line(self, first):
        mean, p50, p90, p99 = self.times
        parts = [own / other for own, other in zip(self.times, first.times)]
        return (f"TTFT ms mean {mean:6.1f} p50 {p50:6.1f} p90 {p90:6.1f} p99 {p99:6.1f} cached"
                f" {self.cached:.3f} of {self.count}; mean {parts[0]:.2f} p90 {parts[2]:.2f} p99"
                f" {parts[3]:.2f} of the first's; servers' CPU {100 * self.cpu:.0f} %")


def measure(kind, build, row, requests, method, skip):
    with Models(build, row) as models, proxy(kind, build, method) as port:
        answers = requests.run(port, skip)
    return Result(answers, models.cpu)


def main():
    rows = ("chat", "hot", "rag", "unshared", "uneven")
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("methods", nargs="*")
    parser.add_argument("--proxy", choices=METHODS, default="nginx")
    parser.add_argument("--row", choices=rows, action="append")
    parser.add_argument("--rate", type=float, default=1, help="times the row's own")
    parser.add_argument("--warm-up", type=float, default=20, help="seconds")
    parser.add_argument("--seconds", type=float, default=25, help="that count, after it")
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--first-seed", type=int, default=1)
    options = parser.parse_args()
    build = options.build.resolve()
    for row in options.row or rows:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            requests = Requests(row, seed, options.rate, options.warm_up + options.seconds)
            first = None
            for method in options.methods or METHODS[options.proxy]:
                own = measure(options.proxy, build, row, requests, method, options.warm_up)
                first = first or own
                print(f"{options.proxy} {row:8} seed {seed} {method:19} {own.line(first)}", flush=True)


if __name__ == "__main__":
    main()
