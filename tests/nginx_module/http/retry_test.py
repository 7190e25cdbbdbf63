"""Failures of servers: tried elsewhere, remembered for all workers, forgiven in time."""

import contextlib
import http.client
import threading
import time
import unittest

import backend
import harness

PORT = 20010
A, B, C = 20011, 20012, 20013
NOBODY = 20019


def server(port, parameters=""):
    return f"server 127.0.0.1:{port} {parameters}; "


def config(upstream, location=""):
    if "keepalive" not in upstream:
        upstream += harness.UNKEPT
    return (f"upstream app {{ {upstream} }} server {{ listen 127.0.0.1:{PORT};"
            f" location / {{ proxy_pass http://app; proxy_read_timeout 500ms; {location} }}"
            " location = /leastwise { leastwise_status; } }")


class Slow:
    """Requests that stay in flight while the block runs."""

    def __init__(self, nginx, n, path="/sleep/30"):
        self.connections = [http.client.HTTPConnection("127.0.0.1", PORT) for _ in range(n)]
        self.nginx, self.n, self.path = nginx, n, path

    def __enter__(self):
        before = self.nginx.in_flight()
        for c in self.connections:
            c.request("GET", self.path)
        harness.wait_for(lambda: self.nginx.in_flight() >= before + self.n, "requests in flight")
        return self

    def __exit__(self, *_):
        for c in self.connections:
            c.close()


class Retry(unittest.TestCase):
    def setUp(self):
        self.backends = self.enterContext(backend.Backends(A, B, C))

    def nginx(self, upstream, location="", **options):
        return self.enterContext(harness.Nginx(PORT, config(upstream, location), **options))

    def result(self, nginx, port, name):
        return nginx.peers()[port]["leastwise"]["results"][name]

    def test_refused_connection(self):
        nginx = self.nginx("leastwise; " + server(NOBODY) + server(A))
        self.assertEqual(nginx.get().body, str(A))
        self.assertEqual(self.result(nginx, NOBODY, "refused"), 1)

    def test_reset_connection(self):
        nginx = self.nginx("leastwise; " + server(A) + server(B))
        self.assertEqual(nginx.get(f"/reset/x/{A}").body, str(B))
        self.assertEqual(self.result(nginx, A, "reset"), 1)

    def test_502_when_named_in_proxy_next_upstream(self):
        nginx = self.nginx("leastwise; " + server(A) + server(B),
                           "proxy_next_upstream error http_502;")
        self.assertEqual(nginx.get(f"/status/502/{A}").body, str(B))
        self.assertEqual(self.result(nginx, A, "server_error"), 1)

    def test_502_is_passed_on_when_not_named_and_takes_nobody_out(self):
        nginx = self.nginx("leastwise; " + server(A, "max_fails=1") + server(B))
        answers = {nginx.get(f"/status/502/{A}").status for _ in range(6)}
        self.assertEqual(answers, {200, 502})
        self.assertEqual(nginx.peers()[A]["state"], "up")

    def test_404_when_named_tries_another_without_blame(self):
        nginx = self.nginx("leastwise; " + server(A, "max_fails=1") + server(B),
                           "proxy_next_upstream http_404;")
        for _ in range(3):
            self.assertEqual(nginx.get(f"/status/404/{A}").body, str(B))
        self.assertEqual(nginx.peers()[A]["state"], "up")
        self.assertGreater(self.result(nginx, A, "ok"), 1)

    def test_timeout(self):
        nginx = self.nginx("leastwise; " + server(A) + server(B))
        self.assertEqual(nginx.get(f"/hang/x/{A}").body, str(B))
        self.assertEqual(self.result(nginx, A, "timeout"), 1)

    def test_every_server_is_tried_once(self):
        nginx = self.nginx("leastwise; " + server(A) + server(B) + server(C),
                           "proxy_next_upstream error http_503;")
        self.assertEqual(nginx.get("/status/503").status, 503)
        self.assertEqual(sorted(p for p, _ in self.backends.requests), [A, B, C])

    def test_limit_of_tries(self):
        nginx = self.nginx("leastwise; " + server(A) + server(B) + server(C),
                           "proxy_next_upstream error http_503; proxy_next_upstream_tries 2;")
        self.assertEqual(nginx.get("/status/503").status, 503)
        self.assertEqual(len(self.backends.requests), 2)

    def test_backup_only_when_the_others_fail(self):
        nginx = self.nginx("leastwise; " + server(A) + server(B, "backup"))
        self.assertEqual({nginx.get().body for _ in range(4)}, {str(A)})
        self.backends.stop(A)
        self.assertEqual({nginx.get().body for _ in range(4)}, {str(B)})

    def test_down_server_is_never_asked(self):
        nginx = self.nginx("leastwise; " + server(A, "down") + server(B))
        self.assertEqual({nginx.get().body for _ in range(6)}, {str(B)})
        self.assertEqual(nginx.peers()[A]["state"], "down")

    def test_max_fails_holds_in_all_workers(self):
        # nginx without a zone counts in each worker: it would take two failures.
        nginx = self.nginx("leastwise; " + server(NOBODY, "fail_timeout=60s") + server(A),
                           workers=2)
        for _ in range(20):
            self.assertEqual(nginx.get().body, str(A))
        self.assertEqual(self.result(nginx, NOBODY, "refused"), 1)
        self.assertEqual(nginx.peers()[NOBODY]["state"], "unavail")

    def test_failed_server_comes_back_after_fail_timeout(self):
        self.backends.stop(A)
        # The adaptive policy may do without a server that failed for longer than that,
        # while the others have time to spare.
        nginx = self.nginx("leastwise round_robin; " + server(A, "fail_timeout=1s") + server(B))
        for _ in range(4):
            self.assertEqual(nginx.get().body, str(B))
        self.backends.start(A)
        harness.wait_for(lambda: nginx.get().body == str(A), "the server to come back", 5)
        harness.wait_for(lambda: nginx.peers()[A]["state"] == "up", "its state to say so", 5)

    def test_max_fails_0_never_takes_out(self):
        nginx = self.nginx("leastwise; " + server(NOBODY, "max_fails=0") + server(A))
        for _ in range(6):
            self.assertEqual(nginx.get().body, str(A))
        self.assertGreater(self.result(nginx, NOBODY, "refused"), 1)

    def test_all_servers_failed(self):
        nginx = self.nginx("leastwise; " + server(NOBODY, "fail_timeout=1s")
                           + server(NOBODY - 1, "fail_timeout=1s"))
        self.assertEqual(nginx.get().status, 502)
        self.assertEqual(nginx.get().status, 502)
        self.assertIn("no live upstreams", nginx.log())
        self.assertEqual(self.result(nginx, NOBODY, "refused"), 1)

    def test_all_servers_down(self):
        nginx = self.nginx("leastwise; " + server(A, "down") + server(B, "down"))
        self.assertEqual(nginx.get().status, 502)
        self.assertEqual(self.backends.requests, [])

    def test_only_server_is_never_taken_out_nor_retried(self):
        nginx = self.nginx("leastwise; " + server(A), "proxy_next_upstream error http_503;")
        for _ in range(3):
            self.assertEqual(nginx.get("/status/503").status, 503)
        self.assertEqual(nginx.get("/reset").status, 502)
        self.assertEqual(len(self.backends.requests), 4)
        self.assertEqual(nginx.get().status, 200)

    def test_max_conns_by_our_own_count(self):
        nginx = self.nginx("leastwise; " + server(A, "max_conns=2") + server(B, "max_conns=3"),
                           workers=2)
        with Slow(nginx, 5, "/sleep/0.4"):
            in_flight = {p: v["active"] for p, v in nginx.peers().items()}
            self.assertEqual(in_flight, {A: 2, B: 3})
            self.assertEqual(nginx.get().status, 502)  # no place anywhere
        harness.wait_for(lambda: nginx.in_flight() == 0, "the places to be free")
        self.assertEqual(nginx.get().status, 200)

    def test_stale_kept_connection_is_no_failure(self):
        nginx = self.nginx("leastwise; " + server(A, "max_fails=1") + "keepalive 4;",
                           "proxy_http_version 1.1; proxy_set_header Connection '';")
        # Many answers and then a close race with the next request; both sides of the
        # race must end well.
        for _ in range(200):
            self.assertEqual(nginx.get("/once").status, 200)
        results = nginx.peers()[A]["leastwise"]["results"]
        self.assertEqual(results["ok"], 200)
        self.assertEqual(results["reset"] + results["refused"], 0)

    def test_stale_kept_connections_of_all_servers(self):
        nginx = self.nginx("leastwise; " + server(A) + server(B) + "keepalive 8;",
                           "proxy_http_version 1.1; proxy_set_header Connection '';")
        stop = time.monotonic() + 2
        failures = []

        def ask():
            while time.monotonic() < stop:
                if (status := nginx.get("/once").status) != 200:
                    failures.append(status)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(failures, [])
        self.assertEqual(nginx.in_flight(), 0)
        for peer in nginx.peers().values():
            self.assertEqual(peer["state"], "up")

    def test_client_that_leaves_while_servers_are_tried(self):
        nginx = self.nginx("leastwise; " + server(A) + server(B))
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", PORT)) as client:
            client.request("GET", f"/hang/x/{A}")
            harness.wait_for(lambda: nginx.in_flight() == 1, "a request in flight")
        harness.wait_for(lambda: nginx.in_flight() == 0, "it to end")
        self.assertEqual(self.result(nginx, A, "client_gone"), 1)


if __name__ == "__main__":
    unittest.main()
