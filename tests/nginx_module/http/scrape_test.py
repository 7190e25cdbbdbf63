"""Load that is scraped from what servers expose: read, shown, used, and of no harm when it is
anything else; from a real node_exporter, too."""

import contextlib
import http.server
import os
import shutil
import subprocess
import threading
import time
import unittest

import harness
import probed

PORT = 20900
PORTS = tuple(range(20901, 20912))
EXPORTER = 20912

HEAD = "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n"


def config(*servers, scrape="/metrics interval=100ms load=a cpu=c memory=m", extra="", more="",
           policy="least_conn"):
    text = "".join(f"server 127.0.0.1:{port}; " for port in servers)
    asked = f"leastwise_report scrape {scrape};" if scrape else ""
    return (f"upstream app {{ leastwise {policy}; {harness.UNKEPT} {asked} {extra} {text} }}"
            f" server {{ listen 127.0.0.1:{PORT}; location / {{ proxy_pass http://app; }}"
            " location = /leastwise { leastwise_status; }"
            f" location = /metrics {{ leastwise_status prometheus; }} }} {more}")


class Exposes:
    """A server that answers what it is told to, to who scrapes and to who does not."""

    def __init__(self, port, text="a 0.5\nc 0.25\nm 0.125\n"):
        self.port, self.text = port, text
        self.scrapes = []  # when, and the path
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = b"ok"
                if self.headers["User-Agent"] == "leastwise-probe":
                    outer.scrapes.append((time.monotonic(), self.path, self.headers["Host"]))
                    body = outer.text.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("endpoint-load-metrics", "TEXT cpu_utilization=0.9")
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Scrape(unittest.TestCase):
    def start(self, *servers, workers=2, **options):
        self.nginx = self.enterContext(
            harness.Nginx(PORT, config(*servers, **options), workers=workers))

    def report(self, port):
        return self.nginx.peers()[port]["leastwise"]["report"]

    def wait(self, port, check, what, seconds=10):
        harness.wait_for(lambda: check(self.report(port)), what, seconds)

    def result(self, port):
        scrape = self.report(port)["scrape"]
        return scrape and scrape["last"]

    def test_is_read_shown_and_used_without_a_request(self):
        servers = [self.enterContext(Exposes(port)) for port in PORTS[:3]]
        servers[2].text = "a 0.95\nc 0.25\nm 0.125\n"
        self.start(*PORTS[:3])
        self.wait(PORTS[2], lambda r: r["factor"] == 2, "the full server to be dear")
        said = self.report(PORTS[0])
        self.assertAlmostEqual(said["utilisation"], 0.5, places=2)
        self.assertAlmostEqual(said["cpu"], 0.25, places=2)
        self.assertAlmostEqual(said["memory"], 0.125, places=2)
        self.assertEqual(said["scrape"]["last"], "passed")
        self.assertLess(said["scrape"]["age_s"], 1)
        self.assertEqual((said["factor"], said["refused"]), (1, 0))
        self.assertEqual(servers[0].scrapes[0][1:], ("/metrics", "app"))
        # The header of answers is not listened to, and so not taken off.
        answer = self.nginx.get("/x")
        self.assertEqual(answer.headers["endpoint-load-metrics"], "TEXT cpu_utilization=0.9")
        metrics = self.nginx.get("/metrics").body
        for line in (rf'leastwise_peer_reported_utilisation{{.*:{PORTS[2]}"}} 0.95',
                     rf'leastwise_peer_scrape_result{{.*:{PORTS[0]}",result="passed"}} 1',
                     rf'leastwise_peer_scrape_age_seconds{{.*:{PORTS[0]}"}} 0'):
            self.assertRegex(metrics, line)
        # What it says next is gone by within the smoothing of half a second, and a tick.
        servers[2].text = "a 0.5\n"
        start = time.monotonic()
        self.wait(PORTS[2], lambda r: r["factor"] < 1.1, "the server to be as the others")
        print(f"a change is seen after {time.monotonic() - start:.2f} s; interval 0.1 s")
        time.sleep(1)
        times = [t for t, *_ in servers[0].scrapes]
        gaps = [b - a for a, b in zip(times, times[1:])]
        self.assertLess(sum(gaps) / len(gaps), 0.2, "one of two workers asks")
        self.assertGreater(sum(gaps) / len(gaps), 0.07)

    def test_json_of_servers_on_another_port_and_what_waits_and_runs(self):
        self.enterContext(Exposes(PORTS[1], '{"load":{"busy":75},"queue":[4,2]}'))
        self.start(PORTS[0], scrape=f"/load port={PORTS[1]} interval=100ms load.busy/100 "
                                    "waiting=queue.0 running=queue.1")
        self.wait(PORTS[0], lambda r: r["running"] == 2, "the figures")
        said = self.report(PORTS[0])
        self.assertAlmostEqual(said["utilisation"], 0.75, places=2)
        self.assertEqual((said["waiting"], said["cpu"]), (4, None))
        self.assertRegex(self.nginx.get("/metrics").body,
                         rf'leastwise_peer_reported_requests{{.*:{PORTS[0]}",state="waiting"}} 4')

    def test_model_servers_by_their_preset(self):
        self.enterContext(Exposes(PORTS[0], 'vllm:num_requests_running{engine="0"} 7.0\n'
                                            'vllm:num_requests_waiting{engine="0"} 3.0\n'
                                            'vllm:kv_cache_usage_perc{engine="0"} 0.4375\n'))
        self.start(PORTS[0], scrape="/metrics preset=vllm interval=100ms")
        self.wait(PORTS[0], lambda r: r["waiting"] == 3, "the figures")
        said = self.report(PORTS[0])
        self.assertAlmostEqual(said["memory"], 0.4375, places=2)
        self.assertAlmostEqual(said["utilisation"], 0.6, places=2)
        self.assertEqual(said["running"], 7)

    def test_whatever_a_server_answers_it_is_told_once_and_costs_nobody_else(self):
        words = {"hang": "timeout after 100ms", "503": "status 503, accepted 200",
                 "flood": "more than 64 KiB without an end",
                 "endless": "more than 64 KiB without an end",
                 "garbage": "an answer that is no HTTP/1",
                 "close": "connection closed before an answer"}
        for port, mode in zip(PORTS, words):
            self.enterContext(probed.Server(port, mode))
        texts = {"all is well\n": "none of the figures that are asked for",
                 "a -1\n": "a figure that is negative, infinite or no share",
                 '{"a":': "neither Prometheus' text nor JSON"}
        good = PORTS[len(words) + len(texts)]
        servers = {port: self.enterContext(Exposes(port, text))
                   for port, text in zip(PORTS[len(words):], texts)}
        self.enterContext(Exposes(good))
        expected = dict(zip(PORTS, [*words.values(), *texts.values()]))
        expected[EXPORTER] = "connection refused"
        self.start(*PORTS[:len(words) + len(texts) + 1], EXPORTER,
                   scrape="/metrics interval=100ms timeout=100ms a", policy="round_robin")
        for port, text in expected.items():
            self.wait(port, lambda r: r["scrape"] and r["scrape"]["in_a_row"] >= 4, "four scrapes")
            self.assertEqual(self.result(port), text)
            said = self.report(port)
            self.assertEqual((said["factor"], said["utilisation"], said["accepted"]), (1, None, 0))
            self.assertEqual(self.nginx.peers()[port]["state"], "up")
        self.assertEqual(self.result(good), "passed")
        slowest = max(self.timed_get() for _ in range(30))
        print(f"slowest of 30 answers of nginx meanwhile: {slowest * 1000:.1f} ms")
        self.assertLess(slowest, 0.1)
        log = self.nginx.log()
        for port in expected:
            self.assertEqual(log.count(f"the load of server 127.0.0.1:{port} of upstream"), 1, port)
        self.assertIn(f'the load of server 127.0.0.1:{EXPORTER} of upstream "app" is not known: 3 '
                      'scrapes in a row failed, the last with "connection refused"; see whether it '
                      'runs and listens there. Until one passes its load is not looked at', log)
        # And once when it is known again.
        for server in servers.values():
            server.text = "a 0.5\n"
        for port in servers:
            self.wait(port, lambda r: r["accepted"] > 0, "the load to be known")
            self.assertEqual(self.nginx.log().count(
                f"the load of server 127.0.0.1:{port} of upstream \"app\" is known again"), 1)

    def timed_get(self):
        start = time.monotonic()
        self.nginx.get("/leastwise", timeout=5)
        return time.monotonic() - start

    def test_a_reload_goes_on_and_a_report_that_ends_counts_for_nothing(self):
        server = self.enterContext(Exposes(PORTS[0]))
        self.start(PORTS[0])
        self.wait(PORTS[0], lambda r: r["accepted"] > 3, "reports")
        self.nginx.reload()
        before = self.report(PORTS[0])["accepted"]
        self.wait(PORTS[0], lambda r: r["accepted"] > before + 3, "reports after the reload")
        server.text = "b 1\n"
        start = time.monotonic()
        self.wait(PORTS[0], lambda r: r["utilisation"] is None, "the report to be too old")
        self.assertLess(time.monotonic() - start, 4)
        self.nginx.configure(config(PORTS[0], scrape=None))
        self.nginx.reload()
        harness.wait_for(lambda: self.report(PORTS[0])["scrape"] is None, "the directive to be gone")
        n = len(server.scrapes)
        time.sleep(0.5)
        self.assertLessEqual(len(server.scrapes), n + 1)

    @unittest.skipUnless(shutil.which("prometheus-node-exporter"),
                         "no prometheus-node-exporter: .ci/install tests")
    def test_a_real_node_exporter_says_how_busy_the_machine_is(self):
        exporter = subprocess.Popen(
            ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{EXPORTER}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(exporter.wait)
        self.addCleanup(exporter.kill)
        harness.wait_for(lambda: harness.listens(EXPORTER), "node_exporter to listen")
        self.enterContext(Exposes(PORTS[0]))
        self.start(PORTS[0], scrape=f"/metrics preset=node_exporter port={EXPORTER} interval=250ms")
        self.wait(PORTS[0], lambda r: r["accepted"] >= 4, "four reports")
        said = self.report(PORTS[0])
        print(f"node_exporter: {said}")
        self.assertTrue(0 <= said["cpu"] <= 1.05, said)
        self.assertAlmostEqual(said["utilisation"], said["cpu"], delta=0.01)
        with open("/proc/meminfo", encoding="ascii") as file:
            sizes = {line.split(":")[0]: int(line.split()[1]) for line in file}
        used = 1 - sizes["MemAvailable"] / sizes["MemTotal"]
        self.assertAlmostEqual(said["memory"], used, delta=0.1)
        loops = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(os.cpu_count())]
        try:
            self.wait(PORTS[0], lambda r: r["cpu"] is not None and r["cpu"] > 0.9, "a busy machine")
        finally:
            for loop in loops:
                loop.kill()
                loop.wait()
        self.assertEqual(self.report(PORTS[0])["refused"], 0)


if __name__ == "__main__":
    unittest.main()
