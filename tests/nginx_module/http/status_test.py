"""leastwise_status: JSON and Prometheus text, and no more than reading it."""

import http.client
import json
import re
import shutil
import subprocess
import unittest

import backend
import harness

PORT = 20080
A, B = 20081, 20082

CONFIG = f"""
    upstream app {{ leastwise; server 127.0.0.1:{A}; server 127.0.0.1:{B} backup; }}
    upstream "quote\\"d" {{ leastwise round_robin; server unix:/tmp/no"where; }}
    upstream own {{ server 127.0.0.1:{A}; }}
    server {{
        listen 127.0.0.1:{PORT};
        location / {{ proxy_pass http://app; }}
        location = /leastwise {{ leastwise_status; }}
        location = /json {{ leastwise_status json; }}
        location = /page {{ leastwise_status html; }}
        location = /metrics {{ leastwise_status prometheus; }}
    }}
"""

LABELS = r'(\{(?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*\})?'
SAMPLE = re.compile(r"^(leastwise_\w+)" + LABELS + r" (-?[\d.e+-]+|\+Inf)$")


class Status(unittest.TestCase):
    def setUp(self):
        self.enterContext(backend.Backends(A, B))
        self.nginx = self.enterContext(harness.Nginx(PORT, CONFIG))
        for _ in range(3):
            self.nginx.get()

    def test_json(self):
        for path in ("/leastwise", "/json"):
            answer = self.nginx.get(path)
            self.assertEqual(answer.headers["Content-Type"], "application/json")
            page = json.loads(answer.body)
            self.assertEqual(page["proxy"], "nginx")
            self.assertEqual(page["upstreams"].keys(), {"app", 'quote"d'})
            self.assertEqual(page["upstreams"]["app"]["policy"], "adaptive")
            self.assertEqual(page["upstreams"]['quote"d']["policy"], "round_robin")
            peers = {p["server"]: p for p in page["upstreams"]["app"]["peers"]}
            self.assertEqual(peers[f"127.0.0.1:{A}"]["requests"], 3)
            self.assertEqual(peers[f"127.0.0.1:{A}"]["responses"]["2xx"], 3)
            self.assertEqual([p["backup"] for p in peers.values()].count(True), 1)
            self.assertTrue(peers[f"127.0.0.1:{B}"]["backup"])

    def test_the_live_page_asks_its_own_place_for_json(self):
        page = self.nginx.get("/page")
        self.assertEqual(page.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertEqual(int(page.headers["Content-Length"]), len(page.body.encode("latin-1")))
        self.assertIn("<title>Leastwise</title>", page.body)
        self.assertNotIn("unsafe", page.headers["Content-Security-Policy"])
        self.assertEqual(self.nginx.get("/page", "HEAD").body, "")
        self.assertEqual(self.nginx.get("/page?x").body, page.body)
        data = self.nginx.get("/page?json")
        self.assertEqual(data.headers["Content-Type"], "application/json")
        self.assertEqual(json.loads(data.body)["upstreams"].keys(), {"app", 'quote"d'})

    def test_peers_have_their_place_in_the_configuration(self):
        peers = [(p["server"], p["leastwise"]["order"])
                 for p in json.loads(self.nginx.get("/json").body)["upstreams"]["app"]["peers"]]
        self.assertEqual(peers, [(f"127.0.0.1:{A}", 0), (f"127.0.0.1:{B}", 1)])

    def test_prometheus(self):
        answer = self.nginx.get("/metrics")
        self.assertTrue(answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        self.assertTrue(answer.body.endswith("\n"))
        types, values = {}, {}
        for line in answer.body.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                self.assertNotIn(name, types, "a family is declared once")
                types[name] = kind
            elif not line.startswith("# HELP "):
                match = SAMPLE.match(line)
                self.assertIsNotNone(match, line)
                name = match.group(1)
                family = re.sub("_(bucket|sum|count)$", "", name)
                self.assertTrue(name in types or types.get(family) in ("histogram", "summary"),
                                line)
                self.assertNotIn(line.rsplit(" ", 1)[0], values, "a series appears once")
                values[line.rsplit(" ", 1)[0]] = float(match.group(3))
        ok = [v for k, v in values.items()
              if k.startswith("leastwise_peer_requests_total") and 'result="ok"' in k]
        self.assertEqual(sorted(ok), [0, 0, 3])

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_prometheus_itself_accepts_it(self):
        done = subprocess.run(["promtool", "check", "metrics"], text=True, check=False,
                              input=self.nginx.get("/metrics").body, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_headers(self):
        for path in ("/leastwise", "/metrics"):
            headers = self.nginx.get(path).headers
            self.assertEqual(headers["Cache-Control"], "no-store")
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertNotIn("Access-Control-Allow-Origin", headers)

    def test_head_has_no_body(self):
        answer = self.nginx.get("/leastwise", "HEAD")
        self.assertEqual((answer.status, answer.body), (200, ""))
        self.assertGreater(int(answer.headers["Content-Length"]), 100)

    def test_only_get_and_head(self):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            self.assertEqual(self.nginx.get("/leastwise", method).status, 405)

    def test_body_of_the_request_is_discarded(self):
        client = http.client.HTTPConnection("127.0.0.1", PORT)
        self.addCleanup(client.close)
        for _ in range(2):  # the second would fail if the first body were still there
            client.request("GET", "/leastwise", body=b"x" * 100_000)
            answer = client.getresponse()
            self.assertEqual(answer.status, 200)
            json.loads(answer.read())

    def test_a_page_of_many_servers(self):
        servers = "".join(f"server 127.0.{i // 250}.{i % 250 + 1}:80; " for i in range(2000))
        text = (f"upstream app {{ leastwise; {servers} }} server {{ listen 127.0.0.1:{PORT + 5};"
                " location /leastwise { leastwise_status; }"
                " location /metrics { leastwise_status prometheus; } }")
        with harness.Nginx(PORT + 5, text) as nginx:
            self.assertEqual(len(nginx.status()["peers"]), 2000)
            self.assertEqual(nginx.get("/metrics").status, 200)


if __name__ == "__main__":
    unittest.main()
