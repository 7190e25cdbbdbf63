"""Four llama-servers behind nginx with `leastwise inference`: run.sh starts this, and says what it needs.

LEASTWISE_LLAMA_ROOT has the servers and their model.
"""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "nginx_module"))
import harness  # noqa: E402
import model_client  # noqa: E402

PORT, SERVERS = 20380, (20381, 20382, 20383, 20384)
ROOT = os.environ["LEASTWISE_LLAMA_ROOT"]
CHATS, TURNS, AT_ONCE = 12, 5, 3


def config(method, more=""):
    servers = " ".join(f"server 127.0.0.1:{p};" for p in SERVERS)
    return (
        'log_format p "$status $leastwise_ttft $leastwise_cached_part $leastwise_predicted_ttft";'
        f"upstream app {{ {method} {more} {servers} keepalive 16; keepalive_timeout 4s; }} leastwise_body openai;"
        f"server {{ listen 127.0.0.1:{PORT}; access_log prompts.log p;"
        " location /v1/ { proxy_pass http://app; proxy_http_version 1.1; proxy_buffering off;"
        ' proxy_set_header Connection ""; proxy_read_timeout 300s; }'
        " location = /leastwise { leastwise_status; access_log off; } }")


class LlamaServers:
    """One process for each port, with empty caches; a context manager."""

    def __enter__(self):
        self.output = tempfile.NamedTemporaryFile("w+", prefix="leastwise_llama_")
        self.processes = [subprocess.Popen(
            ["chroot", ROOT, "llama-server", "-m", "/root/model.gguf", "--host", "127.0.0.1",
             "--port", str(port), "--threads", "1", "--threads-http", "4", "--parallel", "2",
             "--ctx-size", "32768", "--metrics", "--offline"],
            stdout=self.output, stderr=subprocess.STDOUT) for port in SERVERS]
        try:
            for port in SERVERS:
                harness.wait_for(lambda p=port: self.is_ready(p), f"llama-server to load\n{self.said()}", 120)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.output.close()

    def said(self):
        with open(self.output.name, encoding="utf-8", errors="replace") as f:
            return f.read()[-2000:]

    def is_ready(self, port):
        assert all(p.poll() is None for p in self.processes), self.said()
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                return answer.status == 200
        return False


def text(name, length):
    """Like no other's from its first byte on."""
    return (f"{name}: " + " ".join(f"{name}{i}" for i in range(length)))[:length]


def ask(turns, **more):
    return model_client.stream(PORT, model_client.chat(*turns, max_tokens=16, **more), timeout=300)


def talk(chat):
    """Of each turn's answer: what the client saw."""
    turns, answers = [text(f"instructions {chat} ", 1500)], []
    for turn in range(TURNS):
        turns.append(text(f"question {turn} of {chat} ", 600))
        answers.append(ask(turns))
        turns.append("".join(c["delta"].get("content") or "" for e in answers[-1].events
                             for c in e["choices"]))
    return answers


class Llama(unittest.TestCase):
    def nginx(self, method, more=""):
        self.servers = self.enterContext(LlamaServers())
        return self.enterContext(harness.Nginx(PORT, config(method, more)))

    def logged(self, nginx, count):
        def lines():
            with open(nginx.path("prompts.log"), encoding="ascii") as f:
                return [line.split() for line in f]
        harness.wait_for(lambda: len(lines()) == count, "the log")
        return lines()

    def chats(self, method):
        """(cached share of the prompts' tokens, answers, lines of the log)"""
        with contextlib.ExitStack() as stack:
            stack.enter_context(LlamaServers())
            nginx = stack.enter_context(harness.Nginx(PORT, config(method)))
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                answers = [a for chat in pool.map(talk, range(CHATS)) for a in chat]
            lines = self.logged(nginx, len(answers))
            self.assertEqual({a.status for a in answers}, {200}, nginx.log())
        asked = sum(a.usage["prompt_tokens"] for a in answers)
        share = sum(a.cached for a in answers) / asked
        ttft = sorted(1000 * a.ttft for a in answers)
        print(f"{method or 'round robin':22} {len(answers)} prompts of {asked // len(answers)} tokens, cached"
              f" {share:.3f}; TTFT ms mean {statistics.mean(ttft):.0f} p50 {ttft[len(ttft) // 2]:.0f}"
              f" p90 {ttft[len(ttft) * 9 // 10]:.0f}", flush=True)
        return share, answers, lines

    def test_chats_find_their_beginnings_cached(self):
        usual, _, _ = self.chats("")
        share, _, lines = self.chats("leastwise inference;")
        expected = statistics.mean(float(line[2]) for line in lines)
        print(f"{share / usual:.2f} of round robin's; expected was {expected:.3f}")
        self.assertGreaterEqual(share, 1.4 * usual)
        self.assertLess(abs(expected - share), 0.15)

    def test_the_first_token_is_timed_as_the_client_times_it(self):
        nginx = self.nginx("leastwise inference;")
        answers = [ask([text(f"s{i} ", 3000), "why?"]) for i in range(20)]
        lines = self.logged(nginx, len(answers))
        apart = [abs(float(line[1]) - a.ttft) for line, a in zip(lines, answers)]
        print(f"TTFT {1000 * statistics.median(a.ttft for a in answers):.1f} ms, apart by"
              f" {1000 * statistics.median(apart):.2f} ms, at most {1000 * max(apart):.2f}")
        self.assertLess(statistics.median(apart), 0.005)

    def test_an_answer_streams_through(self):
        """Its tokens, of about a millisecond, come for as long after the first as from the server itself."""
        self.nginx("leastwise inference;")
        request = model_client.chat("s", "u", max_tokens=300, ignore_eos=True)
        alone, writing = {}, {}
        for port in (SERVERS[0], PORT) * 5:
            begun = time.monotonic()
            answer = model_client.stream(port, request)
            self.assertEqual((answer.status, answer.usage["completion_tokens"]), (200, 300))
            writing.setdefault(port, []).append(time.monotonic() - begun - answer.ttft)
            alone.setdefault(port, []).append(answer.alone / len(answer.events))
        direct, own = (statistics.median(writing[p]) for p in (SERVERS[0], PORT))
        print(f"first to last event {1000 * own:.0f} ms, from the server itself {1000 * direct:.0f}; by"
              f" themselves came {max(alone[PORT]):.2f} of them, {max(alone[SERVERS[0]]):.2f}")
        self.assertGreater(own, 0.7 * direct)

    def test_each_api_finds_its_prompt(self):
        nginx = self.nginx("leastwise inference;")
        system = text("instructions ", 4000)
        asked = (("/v1/chat/completions", model_client.chat(system, "why?", max_tokens=4)),
                 ("/v1/completions", {"prompt": system, "max_tokens": 4}),
                 ("/v1/messages", {"model": "m", "system": system, "max_tokens": 4,
                                   "messages": [{"role": "user", "content": "why?"}]}))
        for path, request in asked:
            answers = [model_client.post(PORT, json.dumps(request).encode(), path, 300) for _ in range(2)]
            self.assertEqual([status for status, _ in answers], [200, 200], path + answers[0][1][:500])
            print(path, json.loads(answers[1][1])["usage"])
        parts = [float(line[2]) for line in self.logged(nginx, 2 * len(asked))]
        self.assertGreater(min(parts[1::2]), 0.9)

    def test_its_load_is_scraped(self):
        nginx = self.nginx("leastwise inference;", "leastwise_report scrape /metrics preset=llamacpp"
                           " llamacpp:requests_processing/2 interval=100ms;")
        reports = []

        def is_scraped():
            reports[:] = [p["leastwise"]["report"] for p in nginx.peers().values()]
            return min(r["accepted"] for r in reports) >= 3
        harness.wait_for(is_scraped, "three scrapes of each")
        print(reports[0])
        self.assertEqual({r["refused"] for r in reports}, {0})
        self.assertEqual({r["utilisation"] for r in reports}, {0})


if __name__ == "__main__":
    unittest.main()
