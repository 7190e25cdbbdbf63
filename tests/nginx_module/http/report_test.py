"""Servers report their load with their answers: it is read, shown, and taken off the answer."""

import unittest

import backend
import harness

PORT = 20100
A, B, C = 20101, 20102, 20103

SERVERS = f"server 127.0.0.1:{A}; server 127.0.0.1:{B}; server 127.0.0.1:{C};"
CONFIG = f"""
    upstream app {{ leastwise least_conn; leastwise_report on; {SERVERS} }}
    upstream deaf {{ leastwise least_conn; {SERVERS} }}
    server {{
        listen 127.0.0.1:{PORT};
        location / {{ proxy_pass http://app; }}
        location /deaf/ {{ proxy_pass http://deaf/; }}
        location = /leastwise {{ leastwise_status; }}
        location = /metrics {{ leastwise_status prometheus; }}
    }}
"""


class Report(unittest.TestCase):
    def setUp(self):
        self.backends = self.enterContext(backend.Backends(A, B, C))
        self.nginx = self.enterContext(harness.Nginx(PORT, CONFIG))

    def reports(self):
        return {port: p["leastwise"]["report"] for port, p in self.nginx.peers().items()}

    def ask(self, path, times=12, **options):
        return [self.nginx.get(path, **options) for _ in range(times)]

    def test_is_read_shown_and_hidden(self):
        for answer in self.ask("/report/TEXT~cpu_utilization=0.5,mem_utilization=0.25"):
            self.assertEqual(answer.status, 200)
            self.assertNotIn("endpoint-load-metrics", {k.lower() for k in answer.headers})
        for said in self.reports().values():
            self.assertAlmostEqual(said["utilisation"], 0.5, places=2)
            self.assertAlmostEqual(said["memory"], 0.25, places=2)
            self.assertEqual((said["accepted"], said["refused"]), (4, 0))
        self.assertRegex(self.nginx.get("/metrics").body,
                         rf'leastwise_peer_reported_utilisation{{.*{A}"}} 0.5')

    def test_a_full_server_is_dearer(self):
        # Only A says that it is full; the others answer /ok, without a report.
        self.ask("/report/TEXT~cpu_utilization=0.2", 30)
        self.ask(f"/report/TEXT~cpu_utilization=0.95/{A}", 60)
        harness.wait_for(lambda: self.reports()[A]["factor"] == 2, "the tick")
        self.assertEqual(self.reports()[B]["factor"], 1)

    def test_bad_ones_are_counted_and_harm_nothing(self):
        for bad in ("TEXT~cpu_utilization=nan", "JSON~{", "BIN~!!!", "TEXT~", "x" * 3000):
            for answer in self.ask(f"/report/{bad}", 3):
                self.assertEqual(answer.status, 200)
        for said in self.reports().values():
            self.assertEqual((said["accepted"], said["refused"]), (0, 5))
            self.assertIsNone(said["utilisation"])
        self.assertRegex(self.nginx.get("/metrics").body,
                         rf'leastwise_reports_total{{.*{A}",result="refused"}} 5')

    def test_json_and_bin_are_read(self):
        self.ask('/report/JSON~{"cpu_utilization":0.75}', 3)
        self.assertAlmostEqual(self.reports()[A]["cpu"], 0.75, places=2)
        self.ask("/report/BIN~CQAAAAAAAOA+", 3)  # a tiny figure
        self.assertEqual(self.reports()[A]["accepted"], 2)

    def test_a_client_can_not_report(self):
        self.ask("/ok", headers={"endpoint-load-metrics": "TEXT cpu_utilization=1"})
        for said in self.reports().values():
            self.assertEqual((said["accepted"], said["refused"]), (0, 0))

    def test_without_the_directive_it_passes(self):
        answer = self.nginx.get("/deaf/report/TEXT~cpu_utilization=0.5")
        self.assertEqual(answer.headers["endpoint-load-metrics"], "TEXT cpu_utilization=0.5")
        peers = self.nginx.peers("deaf").values()
        self.assertEqual(sum(p["leastwise"]["report"]["accepted"] for p in peers), 0)


if __name__ == "__main__":
    unittest.main()
