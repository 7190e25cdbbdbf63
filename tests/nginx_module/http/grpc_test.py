"""gRPC says how a call went in a header or a trailer, under HTTP 200."""

import unittest

import grpc_backend
import harness

PORT = 20200
A, B, C = 20201, 20202, 20203
SERVERS = f"server 127.0.0.1:{A}; server 127.0.0.1:{B}; server 127.0.0.1:{C};"
CONFIG = f"""
    upstream app {{ leastwise; leastwise_report on; leastwise_failure grpc_7; {SERVERS} }}
    server {{
        listen 127.0.0.1:{PORT};
        location / {{ grpc_pass grpc://app; grpc_next_upstream off; }}
        location = /leastwise {{ leastwise_status; }}
    }}
"""


class Grpc(unittest.TestCase):
    def setUp(self):
        self.servers = self.enterContext(grpc_backend.GrpcBackends(A, B, C))
        self.nginx = self.enterContext(harness.Nginx(PORT, CONFIG))

    def behave(self, port, **how):
        self.servers.behaviour[port] = grpc_backend.Behaviour(**how)

    def results(self, port):
        return self.nginx.peers()[port]["leastwise"]["results"]

    def call_each(self, times=1, **how):
        """Lets all servers behave alike, and calls each so often."""
        for port in (A, B, C):
            self.behave(port, **how)
        for _ in range(3 * times):
            self.nginx.get("/service/call")

    def count(self, result):
        return sum(self.results(port)[result] for port in (A, B, C))

    def test_failures_count_in_trailer_and_header(self):
        codes = (1, 2, 4, 8, 13, 14, 99)
        for done, how in enumerate(("trailers", "empty", "trailers_only"), 1):
            for status in codes:
                self.call_each(how=how, status=status)
            self.assertEqual(self.count("server_error"), done * 3 * len(codes), how)
        self.assertEqual(self.count("ok"), 0)

    def test_answers_are_none(self):
        codes = (0, 3, 5, 6, 9, 11, 12, 16)
        for how in ("trailers", "empty", "trailers_only"):
            for status in codes:
                self.call_each(how=how, status=status)
        self.assertEqual(self.count("server_error"), 0)
        self.assertEqual(self.count("ok"), 3 * 3 * len(codes))

    def test_what_the_user_declares_is_one(self):
        for how in ("trailers", "trailers_only"):
            self.call_each(how=how, status=7)
        self.assertEqual((self.count("server_error"), self.count("ok")), (6, 0))

    def test_they_do_not_take_a_server_out_by_max_fails(self):
        self.call_each(4, how="trailers", status=14)
        self.assertEqual({p["state"] for p in self.nginx.peers().values()}, {"up"})

    def test_reports_are_read_in_header_and_trailer(self):
        said = ("endpoint-load-metrics", "TEXT cpu_utilization=0.5")
        for how in ("trailers", "trailers_only"):
            self.call_each(how=how, extra=(said,))
        for peer in self.nginx.peers().values():
            report = peer["leastwise"]["report"]
            self.assertEqual((report["accepted"], report["refused"]), (2, 0))
            self.assertAlmostEqual(report["utilisation"], 0.5, places=2)
        self.call_each(how="trailers", extra=(("endpoint-load-metrics-bin", "CQAAAAAAAOA/"),))
        self.assertEqual(self.nginx.peers()[A]["leastwise"]["report"]["accepted"], 3)

    def failing_share(self, **how):
        """Of one that fails in 1 ms beside two that answer in 20, from the first request on."""
        for port in (A, B):
            self.behave(port, delay=0.02)
        self.behave(C, delay=0.001, **how)
        with harness.Load(PORT, clients=8, path="/service/call"):
            harness.wait_for(lambda: sum(self.servers.calls.values()) > 2000, "calls", 60)
        share = self.servers.calls[C] / sum(self.servers.calls.values())
        print(f"{self.id().split('.')[-1]}: {share:.4f}", flush=True)
        return share

    def test_one_that_fails_fast_in_trailers_is_avoided(self):
        self.assertLessEqual(self.failing_share(how="trailers", status=14), 0.02)

    def test_one_that_fails_fast_without_a_message_is_avoided(self):
        self.assertLessEqual(self.failing_share(how="empty", status=14), 0.02)

    def test_one_that_fails_fast_in_trailers_only_is_avoided(self):
        self.assertLessEqual(self.failing_share(how="trailers_only", status=14), 0.02)

    def test_one_that_fails_fast_with_http_502_is_avoided(self):
        self.assertLessEqual(self.failing_share(how="http", status=502), 0.02)


if __name__ == "__main__":
    unittest.main()
