"""What the status shows: names as hostile as nginx lets them be, and never one series more for what
clients send."""

import http.client
import json
import re
import shutil
import subprocess
import unittest

import backend
import harness

PORT = 21960
A, B = 21961, 21962
ODD = ["quo\"te", "back\\\\slash", "line\nfeed", "<script>alert(1)<x>", "&amp;'", "caf\u00e9", "{},=#"]
REQUESTS = 5000 if harness.FULL else 1500


def quoted(name):
    return '"' + name.replace('"', '\\"') + '"'


def server(name):
    return f"location = /metrics{name} {{ leastwise_status prometheus; }}"


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        blocks = "".join(f"upstream {quoted(name)} {{ leastwise; server 127.0.0.1:{A}; }}\n" for name in ODD)
        cls.nginx = harness.Nginx(PORT)
        text = (blocks + f"upstream app {{ leastwise; server 127.0.0.1:{A}; }}"
                f" server {{ listen 127.0.0.1:{PORT}; location = /leastwise {{ leastwise_status; }}"
                " location = /metrics { leastwise_status prometheus; } location = /live { leastwise_status html; } }")
        cls.nginx.configure("")
        with open(cls.nginx.path("nginx.conf"), "r+", encoding="utf-8") as f:
            whole = f.read()
            f.seek(0)
            f.write(whole.rstrip().removesuffix("}") + text + "}\n")
        cls.enterClassContext(cls.nginx)

    # As nginx reads them.
    NAMES = {name.replace("\\\\", "\\") for name in ODD} | {"app"}

    def body(self, path):
        answer = self.nginx.get(path)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertNotIn("Access-Control-Allow-Origin", answer.headers)
        return answer.body.encode("latin-1").decode("utf-8")

    def test_json_says_each_name_as_it_is_and_can_stand_in_a_page(self):
        text = self.body("/leastwise")
        self.assertEqual(set(json.loads(text)["upstreams"]), self.NAMES)
        self.assertNotIn("<script", text)

    def test_prometheus_reads_each_name(self):
        text = self.body("/metrics")
        found = {re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), name) for name in
                 re.findall(r'leastwise_peer_up\{[^\n]*?upstream="((?:[^"\\\n]|\\.)*)"', text)}
        self.assertEqual(found, self.NAMES)
        if shutil.which("promtool"):
            done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, check=False,
                                  capture_output=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_live_page_has_no_name_in_it(self):
        text = self.body("/live")
        for name in self.NAMES - {"app"}:
            self.assertNotIn(name, text)

    def test_methods_that_change_are_none_and_paths_below_are_no_page(self):
        for path in ("/leastwise", "/metrics", "/live"):
            for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
                self.assertEqual(self.nginx.get(path, method).status, 405, (path, method))


class Series(unittest.TestCase):
    def test_what_clients_send_adds_no_series(self):
        text = (f"upstream app {{ leastwise; leastwise_report on;"
                f" server 127.0.0.1:{A}; server 127.0.0.1:{B}; }}"
                f" server {{ listen 127.0.0.1:{PORT}; location / {{ proxy_pass http://app; }}"
                " location = /leastwise { leastwise_status; }"
                " location = /metrics { leastwise_status prometheus; } }")
        self.enterContext(backend.Backends(A, B))
        nginx = self.enterContext(harness.Nginx(PORT, text))

        def series():
            return {line.rsplit(" ", 1)[0] for line in nginx.get("/metrics").body.splitlines()
                    if line and not line.startswith("#")}
        for status in (200, 301, 404, 503):
            nginx.get(f"/status/{status}")
        # A score is a series once there is one.
        harness.wait_for(lambda: nginx.get("/ok") and nginx.status()["model"]["learned"], "it to have learned")
        harness.wait_for(lambda: [s for s in series() if s.startswith("leastwise_peer_score")][1:], "the scores")
        before = series()
        client = http.client.HTTPConnection("127.0.0.1", PORT)
        self.addCleanup(client.close)
        for i in range(REQUESTS):
            client.request(("GET", "HEAD", "OPTIONS", "FOO")[i % 4], f"/ok/{i:x}x/{i % 700}?k={i}", headers={
                "Host": f"h{i}.example", "User-Agent": f"u{i}", "X-Forwarded-For": f"10.0.{i // 250}.{i % 250}",
                "endpoint-load-metrics": f"TEXT named_metrics.m{i}=1"})
            client.getresponse().read()
        after = series()
        status = nginx.status()
        print(f"{REQUESTS} requests of different paths, hosts and headers: {len(before)} series before,"
              f" {len(after)} after; {len(status['routes'])} routes in the status")
        self.assertEqual(after - before, set())
        self.assertLessEqual(len(status["routes"]), 257)
        # And a client can not report for a server.
        self.assertEqual({p["leastwise"]["report"]["accepted"] for p in status["peers"]}, {0})


if __name__ == "__main__":
    unittest.main()
