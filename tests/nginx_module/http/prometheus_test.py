"""A real Prometheus scrapes nginx with our example's configuration and rules: every rule can be
evaluated, and every panel of the dashboard draws something."""

import contextlib
import json
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

import backend
import harness

PORT, PROMETHEUS = 20860, 20861
A, B = 20862, 20863
EXAMPLES = pathlib.Path(__file__).resolve().parents[3] / "examples"

CONFIG = f"""
    upstream app {{ leastwise; leastwise_outlier on; leastwise_report on;
                    server 127.0.0.1:{A}; server 127.0.0.1:{B}; }}
    server {{
        listen 127.0.0.1:{PORT};
        location / {{ proxy_pass http://app; }}
        location = /metrics {{ leastwise_status prometheus; }}
    }}
"""
REPORT = "/report/TEXT~cpu_utilization=0.5"


def expressions():
    """Title and query of each target of the dashboard, with its variables filled in."""
    dashboard = json.loads((EXAMPLES / "grafana/leastwise.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"].replace("$__rate_interval", "1m")
            yield panel["title"], re.sub(r"\$(proxy|upstream)", ".*", query)


@unittest.skipUnless(shutil.which("prometheus"), "SKIPPED: needs prometheus")
@unittest.skipIf(harness.SANITIZED, "the text is no different with sanitizers")
class Prometheus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(backend.Backends(A, B))
        nginx = cls.enterClassContext(harness.Nginx(PORT, CONFIG))
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        text = (EXAMPLES / "prometheus/prometheus.yml").read_text()
        text = text.replace("127.0.0.1:8080", f"127.0.0.1:{PORT}").replace("10s", "1s")
        (folder / "prometheus.yml").write_text(text)
        shutil.copy(EXAMPLES / "prometheus/leastwise.rules.yml", folder)
        process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml",
             f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{PROMETHEUS}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
        cls.addClassCleanup(cls.stop, process)
        harness.wait_for(cls.is_ready, "Prometheus to be ready", 20)
        # A rate needs answers before and after a scrape, and the model thirty of them.
        for _ in range(3):
            for i in range(20):
                nginx.get("/status/500/%d" % A if i == 9 else REPORT)
            seen = cls.scrapes()
            harness.wait_for(lambda before=seen: cls.scrapes() > before, "a scrape", 20)

    @staticmethod
    def stop(process):
        process.send_signal(signal.SIGTERM)
        process.wait(20)

    @staticmethod
    def is_ready():
        """It listens before it answers questions."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PROMETHEUS}/-/ready", timeout=10):
                return True
        except urllib.error.URLError:
            return False

    @staticmethod
    def ask(path, **parameters):
        url = f"http://127.0.0.1:{PROMETHEUS}/api/v1/{path}?" + urllib.parse.urlencode(parameters)
        with contextlib.closing(urllib.request.urlopen(url, timeout=10)) as answer:
            return json.load(answer)["data"]

    @classmethod
    def scrapes(cls):
        found = cls.ask("query", query="count_over_time(leastwise_build_info[1m])")["result"]
        return int(found[0]["value"][1]) if found else 0

    def test_it_scrapes_without_a_fault(self):
        targets = {t["labels"]["job"]: t for t in self.ask("targets")["activeTargets"]}
        self.assertEqual((targets["leastwise_nginx"]["health"], targets["leastwise_nginx"]["lastError"]),
                         ("up", ""))

    def test_every_panel_of_the_dashboard_draws_something(self):
        drawn = 0
        for title, query in expressions():
            with self.subTest(title):
                result = self.ask("query", query=query)["result"]
                if "leastwise_agent_" in query:
                    continue  # of HAProxy's agent, which is not here: the query itself is right
                self.assertTrue(result, query)
                drawn += 1
        self.assertGreater(drawn, 15)

    def test_every_rule_can_be_evaluated(self):
        def health():
            return [r["health"] for g in self.ask("rules")["groups"] for r in g["rules"]]
        harness.wait_for(lambda: "unknown" not in health(), "the rules to be evaluated", 20)
        self.assertEqual(set(health()), {"ok"})
        found = self.ask("query", query="upstream:leastwise_response_time_seconds:p99")["result"]
        self.assertEqual(found[0]["metric"]["upstream"], "app")

    def test_labels_join_by_address(self):
        found = self.ask("query", query="leastwise_peer_up")["result"]
        self.assertEqual({s["metric"]["peer"] for s in found}, {f"127.0.0.1:{A}", f"127.0.0.1:{B}"})

    def test_buckets_are_fine_enough_for_objectives(self):
        query = f'leastwise_peer_response_time_seconds_bucket{{peer="127.0.0.1:{A}"}}'
        bounds = sorted(float(s["metric"]["le"]) for s in self.ask("query", query=query)["result"])
        within = [b for b in bounds if 0.0007 < b < 70]
        self.assertLessEqual(within[0], 0.001)
        self.assertGreaterEqual(within[-1], 60)
        self.assertLessEqual(max(b / a for a, b in zip(within, within[1:])), 1.6)

    def test_promtool_accepts_rules_their_tests_and_the_configuration(self):
        for arguments in (("check", "rules", "leastwise.rules.yml"),
                          ("check", "config", "prometheus.yml"),
                          ("test", "rules", "leastwise.rules.test.yml")):
            done = subprocess.run(["promtool", *arguments], cwd=EXAMPLES / "prometheus", text=True,
                                  capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
