"""examples/load_balancer as its reader runs it: two fast servers, one eight times slower, one that is not there.

Argument: the program."""
import http.server
import re
import socket
import subprocess
import sys
import threading
import time
import unittest

REQUESTS = 400


def serve(delay):
    """Works at two requests at once, as a server with two cores would."""
    cores = threading.Semaphore(2)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            with cores:
                time.sleep(delay)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_address[1]}"


def nobody():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{s.getsockname()[1]}"


class LoadBalancer(unittest.TestCase):
    def test_all_are_answered_and_the_slow_server_gets_little(self):
        fast, other, slow, dead = serve(0.01), serve(0.01), serve(0.08), nobody()
        run = subprocess.run([PROGRAM, str(REQUESTS), fast, other, slow, dead], capture_output=True,
                             text=True, timeout=60, check=False)
        self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)
        lines = dict(line.split(":", 1) for line in run.stdout.splitlines())
        for policy in ("least_time", "adaptive"):
            answers = {server: int(n) for server, n in re.findall(r"(\S+:\d+) (\d+)", lines[policy])}
            self.assertEqual(sum(answers.values()), REQUESTS, run.stdout)
            self.assertIn("failed 0", lines[policy])
            self.assertNotIn(dead, answers)
            self.assertLess(answers.get(slow, 0), REQUESTS / 6, run.stdout)
            self.assertGreater(min(answers[fast], answers[other]), REQUESTS / 5, run.stdout)
        weights = [float(w) for w in lines["w_i = d_i / sum of d"].split()]
        self.assertEqual(len(weights), 4)
        self.assertAlmostEqual(sum(weights), 1, delta=0.01)
        self.assertLess(weights[2], 0.8 * min(weights[0], weights[1]), "eight times slower")

    def test_what_can_not_be_meant_is_said(self):
        for arguments, said in ((["10"], "usage"), (["x", "a:1"], "usage")):
            run = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=10, check=False)
            self.assertEqual(run.returncode, 2)
            self.assertIn(said, run.stderr)

    def test_no_server_there_is_a_failure_not_a_hang(self):
        run = subprocess.run([PROGRAM, "8", nobody()], capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("failed 8", run.stdout)


PROGRAM = sys.argv.pop(1)
unittest.main()
