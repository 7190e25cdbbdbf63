"""Requests to model servers: prompts are found as bodies stream by, whatever the body is; events
reach the client as they come, and the first of them is timed as the client times it."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import socket
import statistics
import time
import unittest

import harness
import model_client
import model_server

PORT = 20280
SERVERS = (20281, 20282, 20283)
BIG = 100 << 20


def config(method="leastwise;", body="leastwise_body openai;", more=""):
    servers = " ".join(f"server 127.0.0.1:{p};" for p in SERVERS)
    return (
        'log_format p "$uri $status $leastwise_ttft $leastwise_first_byte_time $leastwise_endpoint'
        ' $leastwise_cached_part $leastwise_predicted_ttft";'
        f"upstream app {{ {method} {servers} }} client_max_body_size 0; {body}"
        f"server {{ listen 127.0.0.1:{PORT}; access_log prompts.log p;"
        " location / { proxy_pass http://app; proxy_http_version 1.1; proxy_buffering off;"
        f' proxy_set_header Connection ""; {more} }}'
        " location = /leastwise { leastwise_status; } }")


def hostile():
    """Names and bodies; a body that is a function yields its pieces."""
    a = b"a" * 5000
    whole = b'{"model":"m","messages":[{"role":"user","content":"' + a + b'"}]}'

    def big(begin, piece, end):
        return lambda: (begin, *([piece] * (BIG // len(piece))), end)
    million = 1 << 20
    yield from {
        "empty": b"", "a space": b" ", "one byte": b"{", "null": b"null", "a number": b"1",
        "zeroes": bytes(5000), "ones": b"\xff" * 5000, "random": os.urandom(50_000),
        "a form": b"prompt=a&model=b", "xml": b"<prompt>" + a + b"</prompt>",
        "gzip": b"\x1f\x8b\x08\x00" + os.urandom(1000), "utf-16": whole.decode().encode("utf-16"),
        "a byte order mark": b"\xef\xbb\xbf" + whole, "cut short": whole[:2000],
        "cut in an escape": b'{"prompt":"\\u00', "two documents": whole + whole,
        "rubbish behind it": whole + b"}}}", "a comment": b"/* */" + whole,
        "single quotes": whole.replace(b'"', b"'"), "a comma too many": whole[:-1] + b",}",
        "invalid utf-8": whole.replace(b"aaa", b"\xc3\x28\xf0"), "a zero in a string":
        whole.replace(b"aa", b"\0a", 5), "a surrogate": whole.replace(b"aaaaaa", b"\\ud800"),
        "escapes": whole.replace(b"a", b"\\u0061"), "nested 10,000 deep":
        b'{"messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        "objects 10,000 deep": b'{"messages":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001,
        "a million brackets": b"[" * million, "a million braces": b"{" * million,
        "duplicate keys": b'{"model":"a","model":"b","messages":[],"messages":[{"content":"x"}],'
                          b'"prompt":"y","prompt":["z"]}',
        "100,000 keys": b"{" + b",".join(b'"%d":%d' % (i, i) for i in range(100_000)) + b"}",
        "100,000 models": b"{" + b",".join([b'"model":"m"'] * 100_000) + b"}",
        "100,000 messages": b'{"messages":[' + b",".join([b"{}"] * 100_000) + b"]}",
        "a long key": b'{"' + b"k" * million + b'":1}', "a long model":
        b'{"model":"' + b"m" * million + b'"}', "a long number": b'{"max_tokens":' + b"9" * million + b"}",
        "a huge exponent": b'{"max_tokens":1e999999999,"prompt":"a"}', "a negative one":
        b'{"max_tokens":-9223372036854775809,"prompt":"a"}',
        "100 MB in a string": big(b'{"prompt":"', b"x" * million, b'"}'),
        "100 MB of brackets": big(b'{"prompt":', b"[" * million, b""),
        "100 MB of spaces": big(b'{"prompt":', b" " * million, b'"a"}'),
    }.items()


class Prompt(unittest.TestCase):
    def setUp(self):
        self.models = self.enterContext(model_server.ModelServers(*SERVERS))

    def nginx(self, *args, **more):
        return self.enterContext(harness.Nginx(PORT, config(*args, **more)))

    def post(self, body, path="/digest", chunked=False):
        """(status, answer, seconds)"""
        begun = time.monotonic()
        pieces = body() if callable(body) else (body,)
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)) as c:
            headers = {"Content-Type": "application/json"}
            if not chunked:
                headers["Content-Length"] = str(sum(map(len, pieces)))
            c.request("POST", path, body=iter([p for p in pieces if p]), headers=headers,
                      encode_chunked=chunked)
            answer = c.getresponse()
            return answer.status, answer.read().decode(), time.monotonic() - begun

    @staticmethod
    def memory(nginx):
        """The most that the worker had, in MB."""
        with open(f"/proc/{nginx.children()[0]}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024

    def logged(self, nginx, uri):
        """Fields of each line of the log about that address."""
        with open(nginx.path("prompts.log"), encoding="ascii") as f:
            return [line.split() for line in f if line.startswith(uri + " ")]

    def test_events_reach_the_client_one_by_one(self):
        self.nginx()
        best = 0
        for _ in range(3):  # a machine that is busy may let two of them wait
            request = model_client.chat("s", "u", max_tokens=100, pace=0.015)
            answer = model_client.stream(PORT, request)
            print(f"{len(answer.events)} events, {answer.alone} alone")
            self.assertEqual((answer.status, len(answer.events)), (200, 101))
            best = max(best, answer.alone)
            if best >= 95:
                break
        self.assertGreaterEqual(best, 95)

    def test_the_first_token_is_timed_as_the_client_times_it(self):
        """Also where the header comes long before, as llama.cpp's does."""
        nginx = self.nginx()
        for path in ("/v1/chat/completions", "/v1/early"):
            seen = [model_client.stream(PORT, model_client.chat(path + "x" * 1000 * n, max_tokens=3), path).ttft
                    for n in range(1, 21)]
            harness.wait_for(lambda p=path: len(self.logged(nginx, p)) == 20, "the log")
            lines = self.logged(nginx, path)
            apart = [abs(float(line[2]) - s) for line, s in zip(lines, seen)]
            print(f"{path}: {1000 * min(seen):.1f} to {1000 * max(seen):.1f} ms; apart by "
                  f"{1000 * statistics.median(apart):.2f} ms, at most {1000 * max(apart):.2f}")
            self.assertLess(statistics.median(apart), 0.005)
            header_first = [float(line[2]) - float(line[3]) for line in lines]
            self.assertGreater(max(header_first), 0.02 if path == "/v1/early" else -1)

    def test_a_stream_is_measured_to_its_first_token(self):
        nginx = self.nginx()
        for i in range(30):
            model_client.stream(PORT, model_client.chat(f"{i} " + "x" * 2000), "/v1/early")
        times = [p["response_time"] for p in nginx.peers().values()]
        print(f"response_time {times} ms")
        # 500 tokens at 20,000 a second: 25 ms, and the header after none of them.
        self.assertGreater(min(t for t in times if t), 15)

    def test_hostile_bodies_go_as_with_least_conn(self):
        bodies = list(hostile())
        self.assertEqual(len(bodies), 40)
        said, took, peak = {}, {}, {}
        for method, body in (("least_conn;", ""), ("leastwise;", "leastwise_body openai;")):
            with harness.Nginx(PORT, config(method, body)) as nginx:
                self.post(b"{}")
                said[method] = []
                begun = time.monotonic()
                for name, text in bodies:
                    status, answer, _ = self.post(text)
                    said[method].append((name, status, answer))
                took[method] = time.monotonic() - begun
                peak[method] = self.memory(nginx)
        print(f"{took} s, {peak} MB")
        self.assertEqual(said["least_conn;"], said["leastwise;"])
        self.assertEqual({status for _, status, _ in said["leastwise;"]}, {200})
        if not harness.SANITIZED:
            self.assertLess(peak["leastwise;"] - peak["least_conn;"], 4)
            self.assertLess(took["leastwise;"], 2 * took["least_conn;"] + 2)

    def test_a_body_is_passed_on_unchanged_in_any_way(self):
        body = json.dumps(model_client.chat("é" * 30_000, "x" * 300_000)).encode()
        for more in ("", "proxy_request_buffering off;", "client_body_buffer_size 1k;",
                     "client_body_in_file_only clean;"):
            with harness.Nginx(PORT, config(more=more)):
                for chunked in (False, True):
                    with self.subTest(more=more, chunked=chunked):
                        status, answer, _ = self.post(body, chunked=chunked)
                        self.assertEqual((status, answer.split()[0]), (200, str(len(body))))

    def test_a_slow_client_s_body_is_read_as_it_comes(self):
        self.nginx(more="proxy_request_buffering off;")
        body = json.dumps(model_client.chat("s" * 3000, max_tokens=2, stream=True)).encode()
        with contextlib.closing(socket.create_connection(("127.0.0.1", PORT), timeout=20)) as s:
            s.sendall(model_client.request_of(b"", "/v1/chat/completions").replace(
                b"Content-Length: 0", f"Content-Length: {len(body)}".encode()))
            for at in range(0, len(body), 500):
                s.sendall(body[at:at + 500])
                time.sleep(0.01)
            answer = b""
            while part := s.recv(65536):
                answer += part
        self.assertIn(b"200 OK", answer)
        self.assertIn(b"[DONE]", answer)

    def cached_share(self, method):
        """Of the prompts of eight chats of six turns, asked side by side; and what was expected."""
        with harness.Nginx(PORT, config(method)) as nginx:
            def talk(chat):
                turns = [f"{chat} " + "You are a helpful assistant. " * 40]
                usage = []
                for turn in range(6):
                    turns += [f"question {turn} of {chat}: " + "why? " * 60]
                    usage.append(model_client.stream(
                        PORT, model_client.chat(*turns, max_tokens=2)).usage)
                    turns += ["because. " * 30]
                return usage
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                usage = [u for chat in pool.map(talk, [f"{method} {i}" for i in range(8)]) for u in chat]
            harness.wait_for(lambda: len(self.logged(nginx, "/v1/chat/completions")) == len(usage), "the log")
            lines = self.logged(nginx, "/v1/chat/completions")
            picks = [p["leastwise"]["picks"] for p in nginx.peers().values()] if "leastwise" in method else []
        asked = sum(u["prompt_tokens"] for u in usage)
        cached = sum(u["prompt_tokens_details"]["cached_tokens"] for u in usage)
        return cached / asked, [line[5:] for line in lines], picks

    def test_a_chat_goes_where_its_beginning_is_cached(self):
        usual, _, _ = self.cached_share("least_conn;")
        share, lines, picks = self.cached_share("leastwise inference;")
        expected = statistics.mean(float(line[0]) for line in lines)
        print(f"cached: {share:.3f}, with least_conn {usual:.3f}; expected {expected:.3f}; {picks}")
        self.assertGreater(share, 0.6)  # without the first turns all would be .8
        self.assertGreater(share, 1.4 * usual)
        self.assertLess(abs(expected - share), 0.15)
        self.assertGreater(min(picks), 0)
        predicted = [line[1] for line in lines if line[1] != "-"]
        self.assertGreater(len(predicted), len(lines) // 2)

    def test_the_memory_for_prompts_changes_with_a_reload(self):
        """With a zone of its own at once; a named one of the same size stays as it was made, and says so."""
        def sized(size, zone=""):
            return config(f"leastwise inference; leastwise_prompt_memory {size}; {zone}")

        def told():
            return nginx.log().count("which stays so until nginx is restarted")

        def shared():
            with open(f"/proc/{nginx.children()[0]}/maps", encoding="ascii") as f:
                spans = [line.split()[0].split("-") for line in f if "/dev/zero" in line]
            return max(int(end, 16) - int(begin, 16) for begin, end in spans)
        nginx = self.enterContext(harness.Nginx(PORT, sized("1m")))
        wrong = []
        with contextlib.ExitStack() as stack, concurrent.futures.ThreadPoolExecutor(4) as pool:
            stop = []
            stack.callback(stop.append, True)

            def ask(i):
                while not stop:
                    answer = model_client.stream(PORT, model_client.chat(f"s{i}"))
                    if answer.status != 200:
                        wrong.append(answer.status)
            clients = [pool.submit(ask, i) for i in range(4)]
            for text, mib, notes in ((sized("1m"), 1, 0), (sized("32m"), 32, 0), (sized("2m"), 2, 0),
                                     (sized("4m", "leastwise_zone app 64m;"), 64, 0),
                                     (sized("8m", "leastwise_zone app 64m;"), 64, 1),
                                     (sized("8m", "leastwise_zone app 65m;"), 65, 1)):
                nginx.configure(text)
                nginx.reload()
                self.assertEqual(told(), notes, text)
                self.assertGreaterEqual(shared(), mib << 20)
                self.assertLess(shared(), (mib + 3) << 20)
            stop.append(True)
            for client in clients:
                client.result()
        self.assertEqual(wrong, [])

    def test_without_it_nothing_is_timed(self):
        nginx = self.nginx(body="")
        model_client.stream(PORT, model_client.chat("s"), "/v1/early")
        harness.wait_for(lambda: self.logged(nginx, "/v1/early"), "the log")
        self.assertEqual(self.logged(nginx, "/v1/early")[0][2], "-")

    def test_inner_settings_go_before_outer_ones(self):
        for inner, timed in (("leastwise_body off;", False), ("leastwise_body raw;", True), ("", True)):
            with harness.Nginx(PORT, config(more=inner)) as nginx:
                model_client.stream(PORT, model_client.chat("s"), "/v1/early")
                harness.wait_for(lambda n=nginx: self.logged(n, "/v1/early"), "the log")
                self.assertEqual(self.logged(nginx, "/v1/early")[0][2] != "-", timed, inner)

    def test_what_is_no_value_is_refused(self):
        for text, why in (("leastwise_body json;", 'invalid value "json": expected openai, raw or off'),
                          ("leastwise_body raw; leastwise_body raw;", "is duplicate"),
                          ("leastwise_body;", "invalid number of arguments")):
            code, said = harness.Nginx(PORT, config(body=text)).check()
            self.assertNotEqual(code, 0)
            self.assertIn(why, said)


if __name__ == "__main__":
    unittest.main()
