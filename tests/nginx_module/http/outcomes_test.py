"""How an attempt ended, as the status page counts it: each row of the table that
classify.h is made from, with the real nginx in between."""

import contextlib
import http.client
import socket
import time
import unittest

import backend
import harness

PORT = 20030
A, B = 20031, 20032
NOBODY = 20039

CONFIG = f"""
    proxy_cache_path {{folder}}/cache keys_zone=cache:1m;
    upstream app {{{{ leastwise; server 127.0.0.1:{A}; {{upstream}} }}}}
    server {{{{
        listen 127.0.0.1:{PORT};
        proxy_read_timeout 400ms;
        proxy_http_version 1.1;
        proxy_next_upstream off;
        location / {{{{ proxy_pass http://app; proxy_set_header Connection ""; }}}}
        location /buffered/ {{{{ proxy_pass http://app/; }}}}
        location /direct/ {{{{ proxy_pass http://app/; proxy_buffering off; }}}}
        location /errors/ {{{{
            proxy_pass http://app/; proxy_intercept_errors on; error_page 503 =200 /static;
        }}}}
        location /errorsdirect/ {{{{
            proxy_pass http://app/; proxy_intercept_errors on; error_page 503 =200 /static;
            proxy_buffering off;
        }}}}
        location = /static {{{{ return 200 static; }}}}
        location = /inner {{{{ internal; return 200 inner; }}}}
        location /cached/ {{{{
            proxy_pass http://app/; proxy_cache cache; proxy_cache_use_stale updating;
            proxy_cache_background_update on; proxy_cache_key $uri; proxy_ignore_client_abort off;
        }}}}
        location /tunnel/ {{{{
            proxy_pass http://app/; proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade; proxy_read_timeout 20s;
        }}}}
        location = /leastwise {{{{ leastwise_status; }}}}
    }}}}
"""


class Outcomes(unittest.TestCase):
    def start(self, upstream=harness.UNKEPT):
        self.backends = self.enterContext(backend.Backends(A, B))
        self.nginx = harness.Nginx(PORT)
        self.nginx.configure(CONFIG.format(folder=self.nginx.folder, upstream=upstream))
        self.enterContext(self.nginx)

    def results(self):
        """What changed since the last call, without what stayed zero."""
        harness.wait_for(lambda: all(p["active"] == p["leastwise"]["held"]
                                     for p in self.nginx.peers().values()), "the answers")
        now = self.nginx.peers()[A]["leastwise"]["results"]
        before = getattr(self, "seen", {})
        self.seen = now
        return {k: v - before.get(k, 0) for k, v in now.items() if v != before.get(k, 0)}

    def check(self, rows):
        for path, expected in rows:
            with self.subTest(path):
                with contextlib.suppress(http.client.HTTPException, ConnectionError):
                    self.nginx.get(path)
                self.assertEqual(self.results(), {expected: 1})

    def abandon(self, path, after, wait_for_header=False):
        """A client that leaves `after` seconds."""
        with contextlib.closing(socket.create_connection(("127.0.0.1", PORT))) as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            if wait_for_header:
                s.recv(4096)
            time.sleep(after)

    ROWS = [
        ("/ok", "ok"),
        ("/status/404", "ok"),
        ("/status/301", "ok"),
        ("/status/500", "server_error"),
        ("/status/503", "server_error"),
        ("/reset", "reset"),
        ("/close", "reset"),
        ("/hang", "timeout"),
        ("/badheader", "reset"),
        ("/garbage", "reset"),  # nginx relays it as HTTP/0.9, with status 200
        ("/accel", "ok"),
        ("/errors/status/503", "server_error"),
        ("/errorsdirect/status/503", "server_error"),
    ]
    BODIES = [
        ("truncate", "truncated"),
        ("truncatechunk", "truncated"),
        ("midreset", "truncated"),
        ("midhang", "timeout"),
        ("chunked", "ok"),
        ("untilclose", "ok"),
        ("big", "ok"),
        ("slow/0.1", "ok"),
        ("ok", "ok"),
    ]

    def rows(self):
        return self.ROWS + [(f"/{kind}/{path}", result) for kind in ("buffered", "direct")
                            for path, result in self.BODIES]

    def test_each_row(self):
        self.start()
        self.check(self.rows())

    def test_each_row_with_kept_connections(self):
        self.start("keepalive 4;")
        # A kept connection that is reset before a byte came may have been closed before
        # the request was sent: nobody's fault. On a fresh one it is.
        self.check([(path, "cancelled" if path == "/reset" else result)
                    for path, result in self.rows()])

    def test_a_server_that_drops_a_request_late_failed(self):
        self.start("keepalive 4;")
        self.check([("/ok", "ok"), ("/latereset/0.35", "reset"), ("/ok", "ok"),
                    ("/lateclose/0.35", "reset"), ("/ok", "ok"), ("/reset", "cancelled")])

    def test_each_row_with_a_zone_of_nginx(self):
        self.start(harness.UNKEPT + " zone app 64k;")
        self.check(self.rows())

    def test_refused(self):
        with harness.Nginx(PORT, f"upstream app {{ leastwise; server 127.0.0.1:{NOBODY}; }}"
                           f" server {{ listen 127.0.0.1:{PORT};"
                           " location / { proxy_pass http://app; }"
                           " location = /leastwise { leastwise_status; } }") as nginx:
            self.assertEqual(nginx.get().status, 502)
            self.assertEqual(nginx.peers()[NOBODY]["leastwise"]["results"]["refused"], 1)

    def test_head(self):
        self.start("keepalive 4;")
        for path in ("/ok", "/direct/ok", "/cached/cache/1"):
            self.assertEqual(self.nginx.get(path, "HEAD").body, "")
            self.assertEqual(self.results(), {"ok": 1})

    def test_client_leaves_before_the_header(self):
        self.start()
        for kind in ("buffered", "direct"):
            self.abandon(f"/{kind}/sleep/0.3", 0.05)
            self.assertEqual(self.results(), {"client_gone": 1})

    def test_client_leaves_within_the_body(self):
        self.start()
        for kind in ("buffered", "direct"):
            self.abandon(f"/{kind}/burst/0.8", 0.1, wait_for_header=True)
            self.assertEqual(self.results(), {"client_gone": 1})

    def test_client_leaves_but_the_cache_goes_on(self):
        self.start()
        self.abandon("/cached/slowcache/0.5", 0.1, wait_for_header=True)
        self.assertEqual(self.results(), {"ok": 1})

    def test_background_update_of_the_cache(self):
        self.start()
        self.assertEqual(self.nginx.get("/cached/cache/1").body, str(A))
        self.assertEqual(self.results(), {"ok": 1})
        self.assertEqual(self.nginx.get("/cached/cache/1").body, str(A))
        self.assertEqual(self.results(), {})  # from the cache
        time.sleep(2.1)
        self.assertEqual(self.nginx.get("/cached/cache/1").body, str(A))
        harness.wait_for(lambda: len(self.backends.requests) == 2, "the update")
        self.assertEqual(self.results(), {"ok": 1})

    def test_websocket_is_learned_from_when_the_tunnel_opens(self):
        self.start()
        with contextlib.closing(socket.create_connection(("127.0.0.1", PORT))) as s:
            s.sendall(b"GET /tunnel/websocket/1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                      b"Connection: Upgrade\r\n\r\n")
            self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 101"))
            self.assertEqual(self.results(), {"ok": 1})
            peer = self.nginx.peers()[A]
            self.assertEqual(peer["active"], 1)  # its place is taken as long as it is open
            self.assertEqual(peer["responses"]["1xx"], 1)
            self.assertLess(peer["response_time"], 500)  # ms; the tunnel stays open longer
        self.assertEqual(self.results(), {})

    def test_event_stream_is_learned_from_at_its_first_byte(self):
        self.start()
        for kind in ("buffered", "direct"):
            with contextlib.closing(socket.create_connection(("127.0.0.1", PORT))) as s:
                s.sendall(f"GET /{kind}/events/0.3 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 200"))
                self.assertEqual(self.results(), {"ok": 1})
            self.assertEqual(self.results(), {})

    def test_unbuffered_body_is_in_flight_to_its_end_but_measured_to_its_first_byte(self):
        self.start()
        self.nginx.get("/direct/slow/0.3")
        self.assertEqual(self.results(), {"ok": 1})
        direct = self.nginx.peers()[A]["response_time"]
        self.assertLess(direct, 150)
        self.nginx.get("/buffered/slow/0.3")
        # A mean over both requests.
        self.assertGreater(self.nginx.peers()[A]["response_time"], 120)


class Sample(unittest.TestCase):
    """leastwise_sample says what is measured."""

    def measured(self, sample, location, path):
        with backend.Backends(A), harness.Nginx(
                PORT, f"upstream app {{ leastwise; leastwise_sample {sample};"
                f" server 127.0.0.1:{A}; }} server {{ listen 127.0.0.1:{PORT};"
                f" location / {{ proxy_pass http://app; {location} }}"
                " location = /leastwise { leastwise_status; } }") as nginx:
            nginx.get(path)
            harness.wait_for(lambda: nginx.in_flight() == 0, "the attempt to end")
            return nginx.peers()[A]["response_time"] / 1000

    def test_first_byte(self):
        self.assertLess(self.measured("first_byte", "", "/slow/0.4"), 0.2)

    def test_full(self):
        self.assertGreater(self.measured("full", "proxy_buffering off;", "/slow/0.4"), 0.35)
        self.assertGreater(self.measured("full", "", "/events/0.4"), 0.35)

    def slow_client(self, location, path="/big", seconds=1.0):
        """What is measured of a body that a client takes a second to read."""
        with backend.Backends(A), harness.Nginx(
                PORT, f"upstream app {{ leastwise; server 127.0.0.1:{A}; }}"
                f" server {{ listen 127.0.0.1:{PORT} sndbuf=16k;"
                f" location / {{ proxy_pass http://app; {location} }}"
                " location = /leastwise { leastwise_status; } }") as nginx, \
                contextlib.closing(socket.socket()) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            client.connect(("127.0.0.1", PORT))
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            start, got = time.monotonic(), 0
            while data := client.recv(8192):
                got += len(data)
                ahead = start + seconds * got / backend.BIG - time.monotonic()
                time.sleep(max(0, ahead))
            self.assertGreater(got, backend.BIG)
            harness.wait_for(lambda: nginx.in_flight() == 0, "the attempt to end")
            return nginx.peers()[A]["response_time"] / 1000

    def test_a_slow_client_s_time_is_not_the_server_s(self):
        self.assertLess(self.slow_client(""), 0.3)  # nginx holds all of it back
        for location in ("proxy_max_temp_file_size 0;",
                         "proxy_max_temp_file_size 64k; proxy_temp_file_write_size 64k;"
                         " proxy_buffers 8 4k;",
                         "proxy_limit_rate 1m;"):
            with self.subTest(location):
                self.assertLess(self.slow_client(location), 0.3)

    def test_the_time_that_a_client_takes_to_send_is_not_the_server_s(self):
        with backend.Backends(A), harness.Nginx(
                PORT, f"upstream app {{ leastwise; server 127.0.0.1:{A}; }}"
                f" server {{ listen 127.0.0.1:{PORT}; location / {{ proxy_pass http://app;"
                " proxy_http_version 1.1; proxy_request_buffering off; }"
                " location = /leastwise { leastwise_status; } }") as nginx, \
                contextlib.closing(socket.create_connection(("127.0.0.1", PORT))) as client:
            client.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
            for _ in range(10):
                time.sleep(0.05)
                client.sendall(b"x")
            self.assertIn(b"200", client.recv(4096))
            harness.wait_for(lambda: nginx.in_flight() == 0, "the attempt to end")
            peer = nginx.peers()[A]
            self.assertEqual(peer["leastwise"]["results"]["ok"], 1)
            self.assertLess(peer["response_time"], 300)  # ms

    def test_auto(self):
        self.assertGreater(self.measured("auto", "", "/slow/0.4"), 0.35)
        self.assertLess(self.measured("auto", "proxy_buffering off;", "/slow/0.4"), 0.2)


if __name__ == "__main__":
    unittest.main()
