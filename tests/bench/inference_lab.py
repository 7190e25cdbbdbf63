"""Eight emulated model servers behind nginx or HAProxy, what is asked of them, and whether the machine
kept up: what inference_gain.py and inference_capacity.py have in common.

    chat       one of eight instructions in common with others and five turns; prompts grow to 20 KB
    hot        one of forty prompts of 16 KB, the first of them far more often, and a question
    rag        three of eighty documents of 5 KB in any order, and a question
    unshared   nothing in common, 1 to 40 KB
    uneven     chat, with two servers that take 2.5 times as long

The servers are those of `leastwise-models` with caches of 40,000 tokens: continuous batching, chunked
prefill at 10,000 tokens a second, all by timers. A METHOD is a line of nginx' upstream{}, for HAProxy a
`balance`, `leastwise POLICY` for either, or one of OTHERS.
"""
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

import model_client  # noqa: E402

ROWS = ("chat", "hot", "rag", "unshared", "uneven")
PORT, SERVERS = 20330, range(20331, 20339)
CACHE_TOKENS, ANSWER_TOKENS = 40_000, 30
SLOW_SERVERS, SLOW = 2, 2.5
METHODS = {"nginx": ["least_conn", "leastwise inference"], "haproxy": ["leastconn", "leastwise inference"]}
# By the first 512 bytes of the body, of which 400 are of the prompt; by who asks. `chwbl` is consistent
# hashing with bounded loads.
OTHERS = {
    "nginx": {"prefix_hash": "hash $prompt_head consistent", "session_hash": "hash $http_x_session consistent"},
    "haproxy": {
        "chwbl": "hash req.body,bytes(0,512)\n    hash-type consistent\n    hash-balance-factor 125\n"
                 "    option http-buffer-request",
        "prefix_hash": "hash req.body,bytes(0,512)\n    hash-type consistent\n    option http-buffer-request",
        "session_hash": "hdr(x-session)\n    hash-type consistent"}}


def nginx_config(method):
    servers = " ".join(f"server 127.0.0.1:{p};" for p in SERVERS)
    # Or each worker of nginx's own methods counts for itself.
    zone = "" if method.startswith("leastwise") else "zone app 8m;"
    return (r'map $request_body $prompt_head { "~^(?<head>.{1,512})" $head; }'
            f"upstream app {{ {zone} {method}; {servers} keepalive 64; }} leastwise_body openai;"
            f"server {{ listen 127.0.0.1:{PORT} backlog=4096; location / {{ proxy_pass http://app;"
            ' proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; } }'
            # Or bodies above 16 KB wait for 40 ms in nginx, whoever balances: docs/inference.md.
            " client_body_buffer_size 1m;")


@contextlib.contextmanager
def proxy(kind, build, method):
    """Yields the port where it listens."""
    method = OTHERS[kind].get(method, method)
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
    """The emulated servers. After them, `cpu` is the part of a core that they took, and `late` the ms that
    they waited for one, on average of the times that they were awake: what a token came late by."""

    def __init__(self, build, row):
        command = [build / "tests/bench/leastwise-models", "--port", str(SERVERS[0]), "--servers",
                   str(len(SERVERS)), "--cache-tokens", str(CACHE_TOKENS), "--die-with-parent"]
        if row == "uneven":
            command += ["--slow-servers", str(SLOW_SERVERS), "--slow", str(SLOW)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        self.cpu, self.late, self.begin = 0.0, 0.0, time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        ran, waited, times = map(int, pathlib.Path(f"/proc/{self.process.pid}/schedstat").read_text().split())
        self.cpu = ran / 1e9 / (time.monotonic() - self.begin)
        self.late = waited / 1e6 / times
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Lateness:
    """How late a thread of this process is awake that sleeps for 5 ms each time: what the times that a
    client sees are wrong by. In ms, p99 and the most."""

    def __enter__(self):
        self.lags, self.over = [], threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        lags = sorted(self.lags)
        self.p99, self.most = lags[int(len(lags) * .99)], lags[-1]

    def watch(self):
        while not self.over.is_set():
            begin = time.monotonic()
            time.sleep(.005)
            self.lags.append(1000 * (time.monotonic() - begin) - 5)


@contextlib.contextmanager
def first_in_line():
    """Before all else on the machine, where that is allowed: this process and those it starts."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
    except PermissionError:
        pass
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def words(rng, length):
    text = ""
    while len(text) < length:
        text += "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) + " "
    return text[:length]


# Sessions a second. Documents: .84 of what least_conn carries with a p90 of 1 s (inference_capacity.py: 15.8, the
# mean of both proxies and three seeds), as in the simulation that the aim is of: 10 of 11.9.
RATES = {"chat": 5, "uneven": 4, "hot": 14, "rag": 13.2, "unshared": 18}


class Traffic:
    """What is said in each session: what comes first, and the questions."""

    def __init__(self, row, rng):
        self.rng, self.row = rng, row
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
    """`rate` is times the row's own; the same seed has the same sessions at each. Without `usage` no answer
    says what was cached."""

    def __init__(self, row, seed, rate, seconds, usage=True):
        self.usage = usage
        rng = random.Random(seed)
        traffic = Traffic(row, rng)
        rate *= RATES[row]
        self.begins, at = [], 0.0
        while (at := at + rng.expovariate(rate)) < seconds:
            self.begins.append((at, traffic.session()))

    def run(self, port, skip):
        """The answers to what begins after `skip` seconds."""
        answers, failures, begin = [], [], time.monotonic()

        def ask(session, said):
            try:
                answer = model_client.stream(
                    port, model_client.chat(*said, max_tokens=ANSWER_TOKENS,
                                            stream_options={"include_usage": self.usage}),
                    headers=[f"X-Session: {session}"])
            except OSError as error:
                return failures.append(error)
            if answer.status == 200 and bool(answer.usage) == self.usage:
                return answer
            return failures.append(answer.headers)

        def talk(session, first, *questions):
            said = [first]
            for question in questions:
                said.append(question)
                at = time.monotonic() - begin
                if not (answer := ask(session, said)):
                    return
                said.append("".join(e["choices"][0]["delta"]["content"] for e in answer.events if e["choices"]))
                if at >= skip:
                    answers.append(answer)
                time.sleep(0.3)

        threads = []
        for number, (at, session) in enumerate(self.begins):
            time.sleep(max(0, begin + at - time.monotonic()))
            threads.append(threading.Thread(target=talk, args=(number, *session)))
            threads[-1].start()
        for thread in threads:
            thread.join()
        assert not failures, failures
        return answers


class Result:
    # Ms that times may be wrong by, at the client (p99) and at the servers (mean).
    MOST_LATE, MOST_LATE_SERVERS = 10, 1

    def __init__(self, answers, models, lateness):
        times = sorted(1000 * a.ttft for a in answers)
        self.count, self.models, self.lateness = len(times), models, lateness
        self.mean, self.p50, self.p90, self.p99 = (
            statistics.mean(times), *(times[int(len(times) * p)] for p in (.5, .9, .99)))
        tokens = sum(a.usage["prompt_tokens"] for a in answers if a.usage)
        self.cached = f"{sum(a.cached for a in answers) / tokens:.3f}" if tokens else "unknown"

    def was_late(self):
        """Whether the machine and not the servers made clients wait."""
        return self.lateness.p99 > self.MOST_LATE or self.models.late > self.MOST_LATE_SERVERS

    def line(self):
        return (f"TTFT ms mean {self.mean:6.1f} p50 {self.p50:6.1f} p90 {self.p90:6.1f} p99 {self.p99:6.1f}"
                f" cached {self.cached} of {self.count}; client late by {self.lateness.p99:.1f} ms (p99),"
                f" {self.lateness.most:.1f} at most; servers by {self.models.late:.2f} ms (mean),"
                f" their CPU {100 * self.models.cpu:.0f} %")


def measure(kind, build, row, requests, method, skip):
    with first_in_line(), Models(build, row) as models, proxy(kind, build, method) as port:
        with Lateness() as lateness:
            answers = requests.run(port, skip)
    return Result(answers, models, lateness)
