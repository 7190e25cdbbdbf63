"""A server that fails far more than the others is left out, is shown so, and comes back."""

import unittest

import backend
import harness

PORT = 20090
A, B, C = 20091, 20092, 20093

CONFIG = f"""
    upstream app {{
        leastwise round_robin; leastwise_outlier on; leastwise_outlier_time 1s;
        server 127.0.0.1:{A} max_fails=0;
        server 127.0.0.1:{B} max_fails=0;
        server 127.0.0.1:{C} max_fails=0;
    }}
    server {{
        listen 127.0.0.1:{PORT};
        proxy_next_upstream off;
        location / {{ proxy_pass http://app; }}
        location = /leastwise {{ leastwise_status; }}
        location = /metrics {{ leastwise_status prometheus; }}
    }}
"""


class Outlier(unittest.TestCase):
    def setUp(self):
        self.backends = self.enterContext(backend.Backends(A, B, C))
        self.nginx = self.enterContext(harness.Nginx(PORT, CONFIG, workers=2))

    def state(self):
        return self.nginx.peers()[A]["state"]

    def failures(self, requests):
        return sum(self.nginx.get(f"/status/500/{A}").status == 500 for _ in range(requests))

    def test_is_left_out_and_comes_back(self):
        self.assertGreaterEqual(self.failures(30), 5)  # two workers, each with its own turn
        harness.wait_for(lambda: self.state() == "unhealthy", "the server to be left out")
        self.assertEqual(self.failures(30), 0)
        own = self.nginx.peers()[A]["leastwise"]
        self.assertEqual(own["ejected"], "consecutive")
        self.assertGreater(own["ejected_for_s"], 0)
        self.assertRegex(self.nginx.get("/metrics").body,
                         rf'leastwise_ejections_total{{.*:{A}",reason="consecutive"}} 1')

        harness.wait_for(lambda: self.state() == "up", "the server to come back")
        before = self.nginx.peers()[A]["leastwise"]["picks"]
        for _ in range(12):
            self.nginx.get("/ok")
        self.assertGreater(self.nginx.peers()[A]["leastwise"]["picks"], before)


if __name__ == "__main__":
    unittest.main()
