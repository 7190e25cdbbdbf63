"""Who refuses at once where others make a page gets no more for it, and who keeps clients waiting
until they leave gets less."""

import collections
import contextlib
import http.client
import threading
import time
import unittest

import backend
import harness

PORT = 20210
A, B, C = 20211, 20212, 20213
SERVERS = "".join(f"server 127.0.0.1:{p};" for p in (A, B, C))
CONFIG = f"""
    upstream app {{ leastwise; {SERVERS} }}
    upstream strict {{ leastwise; leastwise_failure http_401 http_404; {SERVERS} }}
    server {{
        listen 127.0.0.1:{PORT};
        location / {{ proxy_pass http://app; }}
        location /strict/ {{ proxy_pass http://strict/; }}
        location = /leastwise {{ leastwise_status; }}
    }}
"""


class Brevity(unittest.TestCase):
    def setUp(self):
        self.backends = self.enterContext(backend.Backends(A, B, C))
        self.nginx = self.enterContext(harness.Nginx(PORT, CONFIG))

    def shares(self):
        """As a multiple of fair, by port."""
        ports = collections.Counter(port for port, _ in self.backends.requests)
        return {p: 3 * ports[p] / len(self.backends.requests) for p in (A, B, C)}

    def share_under_load(self, path, clients=8, requests=3000):
        """Of the last server."""
        seen = self.backends.requests
        with harness.Load(PORT, clients=clients, path=path):
            # Until the pool has learned, least_conn chooses.
            harness.wait_for(lambda: len(seen) > 300, "the first requests", 60)
            seen.clear()
            harness.wait_for(lambda: len(seen) > requests, "requests", 60)
        share = self.shares()[C]
        print(f"{path}, {clients} clients: {share:.2f} of fair", flush=True)
        return share

    def test_who_says_404_at_once_gets_no_more(self):
        self.assertLessEqual(self.share_under_load("/brief/404"), 1.2)

    def test_nor_who_says_401(self):
        self.assertLessEqual(self.share_under_load("/brief/401"), 1.2)

    def test_nor_who_says_302(self):
        self.assertLessEqual(self.share_under_load("/brief/302"), 1.2)

    def test_nor_who_sends_nothing(self):
        self.assertLessEqual(self.share_under_load("/brief/200"), 1.2)

    def test_nor_who_says_404_at_a_light_load(self):
        self.assertLessEqual(self.share_under_load("/brief/404", clients=1, requests=600), 1.2)

    def test_what_the_user_declares_a_failure_is_avoided(self):
        self.assertLessEqual(self.share_under_load("/strict/brief/404", requests=2000), 0.05)
        results = self.nginx.peers("strict")[C]["leastwise"]["results"]
        self.assertEqual(results["ok"], 0)
        self.assertGreater(results["server_error"], 0)
        self.assertEqual(self.nginx.peers("strict")[C]["state"], "up")

    def test_where_all_refuse_nobody_is_held_down(self):
        self.share_under_load("/status/404", requests=1500)
        self.assertGreaterEqual(min(self.shares().values()), 0.2)

    def impatient(self, stop):
        """Asks, and leaves when the answer takes a second."""
        while not stop.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=1)
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection.request("GET", f"/hang/0/{C}")
                connection.getresponse().read()
            connection.close()
            time.sleep(0.02)

    def stalled(self):
        return sum(1 for port, _ in list(self.backends.requests) if port == C)

    def test_who_keeps_clients_waiting_until_they_leave_gets_less(self):
        for _ in range(120):
            self.nginx.get("/sleep/0.02")
        stop = threading.Event()
        clients = [threading.Thread(target=self.impatient, args=(stop,)) for _ in range(6)]
        for t in clients:
            t.start()
        time.sleep(20)  # by then it has learned
        before = self.stalled()
        time.sleep(20)
        stalled = self.stalled() - before
        stop.set()
        for t in clients:
            t.join()
        print(f"{stalled} stalled in 20 s", flush=True)
        self.assertGreater(self.nginx.peers()[C]["leastwise"]["results"]["client_gone"], 0)
        self.assertLessEqual(stalled, 18)  # 33 to 37 when leaving said nothing


if __name__ == "__main__":
    unittest.main()
