#!/usr/bin/env python3
"""What `leastwise inference` brings to chats with four emulated model servers behind nginx, beside
other methods: time to the first token, and the share of prompts that was cached.

    inference_gain.py MODULE [--sessions 2.5] [--seconds 30] [--seeds 1] [METHOD…]

Chats begin at random; each has one of four instructions in common with others and five turns, whose
prompts grow to 20 KB. The servers compute 10,000 tokens a second, one prompt at a time, and remember
40,000 tokens each (tests/nginx_module/model_server.py): all by timers, so that a busy machine disturbs
little. Methods are measured one after the other with the same chats.
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
PORT, SERVERS = 20330, (20331, 20332, 20333, 20334)
TURNS = 5
INSTRUCTIONS = 4


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


class Chats:
    def __init__(self, seed, rate, seconds):
        rng = random.Random(seed)
        common = [words(rng, 4000) for _ in range(INSTRUCTIONS)]
        self.begins, at = [], 0.0
        while (at := at + rng.expovariate(rate)) < seconds:
            turns = [rng.choice(common)]
            for _ in range(TURNS):
                turns += [words(rng, 2000), words(rng, 1000)]
            self.begins.append((at, turns))

    def run(self, client, skip):
        """Times to first tokens, and (cached, all) tokens; of what begins after `skip` seconds."""
        answers, begin = [], time.monotonic()

        def talk(turns):
            for n in range(TURNS):
                at = time.monotonic() - begin
                answer = client.stream(PORT, client.chat(*turns[:2 * n + 2], max_tokens=10))
                if at >= skip:
                    answers.append(answer)
                time.sleep(0.3)

        threads = []
        for at, turns in self.begins:
            time.sleep(max(0, begin + at - time.monotonic()))
            threads.append(threading.Thread(target=talk, args=(turns,)))
            threads[-1].start()
        for thread in threads:
            thread.join()
        return answers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("methods", nargs="*")
    parser.add_argument("--sessions", type=float, default=2.5, help="a second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    os.environ["LEASTWISE_NGINX_MODULE"] = os.path.abspath(options.module)
    import harness
    import model_client
    import model_server
    methods = options.methods or ["least_conn", "leastwise inference"]
    for seed in range(1, options.seeds + 1):
        chats = Chats(seed, options.sessions, options.seconds)
        for method in methods:
            with model_server.ModelServers(*SERVERS, prefill=10_000, blocks=2500), \
                    harness.Nginx(PORT, config(method), workers=2):
                answers = chats.run(model_client, options.seconds / 6)
            times = sorted(1000 * a.ttft for a in answers)
            asked = sum(a.usage["prompt_tokens"] for a in answers)
            print(f"seed {seed} {method:22} requests {len(times)}  TTFT ms mean"
                  f" {statistics.mean(times):6.1f}  p50 {times[len(times) // 2]:6.1f}  p90"
                  f" {times[len(times) * 9 // 10]:6.1f}  p99 {times[len(times) * 99 // 100]:6.1f}  cached"
                  f" {sum(a.cached for a in answers) / asked:.3f}", flush=True)


if __name__ == "__main__":
    main()
