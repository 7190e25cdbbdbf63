"""leastwise-models over sockets: streams, whole answers, metrics, refusals, and its times.

Usage: models_test.py MODELS [unittest arguments]

Each prompt takes 8 ms and 0.1 ms for each token; the bounds leave room for a busy machine.
"""
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "nginx_module"))
import model_client  # noqa: E402

MODELS = sys.argv[1]
PORT = 20340
CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"


def models(*options):
    process = subprocess.Popen([MODELS, "--port", str(PORT), "--die-with-parent", *options],
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


class Models(unittest.TestCase):
    def setUp(self):
        self.process = models("--servers", "2")

    def tearDown(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def post(self, path, request, port=PORT):
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        status, text = model_client.post(port, body, path)
        return status, json.loads(text)

    def test_a_stream_has_an_event_for_each_token_and_its_usage(self):
        answer = model_client.stream(PORT, model_client.chat("s" * 4000, "u", max_tokens=20))
        self.assertEqual((answer.status, len(answer.events)), (200, 21))
        self.assertIn("text/event-stream", answer.headers)
        self.assertEqual(answer.usage["completion_tokens"], 20)
        self.assertEqual(answer.cached, 0)
        text = "".join(e["choices"][0]["delta"]["content"] for e in answer.events[:-1])
        self.assertEqual(len(text), 80)

    def test_the_next_turn_is_cached_at_its_server_alone_and_sooner(self):
        first = model_client.stream(PORT, model_client.chat("s" * 16_000, "u", max_tokens=20))
        text = "".join(e["choices"][0]["delta"]["content"] for e in first.events[:-1])
        turn = model_client.chat("s" * 16_000, "u", text, "v", max_tokens=2)
        second = model_client.stream(PORT, turn)
        other = model_client.stream(PORT + 1, turn)
        # All blocks of 16 tokens of the first turn and its answer.
        self.assertGreaterEqual(second.cached, (first.usage["total_tokens"] - 16) // 16 * 16)
        self.assertEqual(other.cached, 0)
        self.assertGreater(first.ttft, .408)
        self.assertLess(second.ttft, .5 * other.ttft)

    def test_an_answer_as_a_whole_and_one_to_a_prompt(self):
        status, chat = self.post(CHAT, model_client.chat("s", "u", max_tokens=3))
        self.assertEqual((status, chat["object"]), (200, "chat.completion"))
        self.assertEqual(len(chat["choices"][0]["message"]["content"]), 12)
        status, answer = self.post(COMPLETIONS, {"prompt": "p" * 400, "max_tokens": 5})
        self.assertEqual((status, answer["object"]), (200, "text_completion"))
        self.assertEqual((len(answer["choices"][0]["text"]), answer["usage"]["prompt_tokens"]), (20, 100))

    def test_metrics_say_who_runs(self):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = pool.submit(model_client.stream, PORT, model_client.chat("s" * 20_000, max_tokens=2))
            time.sleep(.2)
            running = model_client.post(PORT, b"", "/metrics")[1]
            asked.result()
        self.assertIn('vllm:num_requests_running{model_name="m"} 1\n', running)
        idle = model_client.post(PORT, b"", "/metrics")[1]
        self.assertIn('vllm:num_requests_running{model_name="m"} 0\n', idle)
        self.assertIn('vllm:num_requests_running{model_name="m"} 0\n',
                      model_client.post(PORT + 1, b"", "/metrics")[1])

    def test_what_is_wrong_is_refused_with_the_reason(self):
        for body in (b"", b"{", b"[" * 1_000_000, b'{"messages":' + b"[" * 10_000, b"\xff" * 100,
                     json.dumps({"messages": [{"role": "user", "content": "x" * 700_000}]}).encode()):
            status, answer = self.post(CHAT, body)
            self.assertEqual((status, answer["error"]["code"]), (400, 400))
        self.assertEqual(self.post("/v2", b"")[0], 404)
        self.assertEqual(self.post(CHAT, model_client.chat("s", max_tokens=1))[0], 200)

    def test_options_are_refused_with_what_is_accepted(self):
        done = subprocess.run([MODELS, "--port", "0"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--port", done.stderr)
        taken = subprocess.run([MODELS, "--port", str(PORT)], capture_output=True, text=True, check=False)
        self.assertEqual(taken.returncode, 2)
        self.assertIn(str(PORT), taken.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
