"""The status page shows the pools of http and stream, whichever module is asked, and each module
works without the other."""

import contextlib
import http.client
import json
import os
import unittest

import backend
import harness
import stream_servers as s

STATUS, PORT, OWN = 20640, 20641, 20642
A, B, H = 20643, 20644, 20645
OWN_PAGE = (f"server {{ listen 127.0.0.1:{OWN}; leastwise_status; }} "
            f"server {{ listen 127.0.0.1:{OWN + 5}; leastwise_status html; }} ")
METRICS = f"server {{ listen 127.0.0.1:{OWN + 4}; leastwise_status prometheus; }} "


def fetch(port, method="GET", path="/"):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as c:
        c.request(method, path)
        answer = c.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read().decode()


class WithoutHttp(harness.Nginx):
    """An nginx with stream alone, whose own page says that it is up."""

    def configure(self, http, main=""):
        text = harness.CONFIG.split("http {{")[0].replace(
            "load_module {module};",
            f"load_module {s.NGINX_STREAM}; load_module {s.STREAM_MODULE};")
        with open(self.path("nginx.conf"), "w", encoding="ascii") as f:
            f.write(text.format(folder=self.folder, workers=self.workers, main=main,
                                user="user root;" if os.getuid() == 0 else ""))


class Status(unittest.TestCase):
    def setUp(self):
        self.enterContext(s.Servers(A, B))

    def both(self, stream="", **options):
        app = (f"upstream game {{ leastwise; server 127.0.0.1:{H}; }}"
               f" server {{ listen 127.0.0.1:{STATUS + 9}; location / {{ proxy_pass http://game; }} }}")
        return self.enterContext(s.nginx(
            STATUS, s.upstream(A, B) + s.listen(PORT) + OWN_PAGE + METRICS + stream, http=app,
            **options))

    def test_http_and_stream_are_on_one_page_even_with_one_name(self):
        self.enterContext(backend.Backends(H))
        nginx = self.both()
        for _ in range(4):
            s.ask(PORT)
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", STATUS + 9)) as c:
            c.request("GET", "/")
            self.assertEqual(c.getresponse().read(), b"%d" % H)
        page = json.loads(nginx.get("/leastwise").body)
        self.assertEqual(set(page["upstreams"]), {"game", "stream/game"})
        self.assertEqual(nginx.peers("stream/game").keys(), {A, B})
        self.assertEqual(nginx.peers("game")[H]["leastwise"]["picks"], 1)
        picks = sum(p["leastwise"]["picks"] for p in nginx.peers("stream/game").values())
        self.assertEqual(picks, 4)

    def test_streams_own_page_shows_the_same(self):
        nginx = self.both()
        status, kind, body = fetch(OWN)
        self.assertEqual((status, kind), (200, "application/json"))
        self.assertEqual(json.loads(body)["upstreams"].keys(),
                         json.loads(nginx.get("/leastwise").body)["upstreams"].keys())

    def test_streams_live_page_asks_its_own_place_for_json(self):
        self.both()
        status, kind, body = fetch(OWN + 5)
        self.assertEqual((status, kind), (200, "text/html; charset=utf-8"))
        self.assertTrue(body.endswith("</html>\n"))
        status, kind, body = fetch(OWN + 5, path="/?json")
        self.assertEqual((status, kind), (200, "application/json"))
        self.assertIn("stream/game", json.loads(body)["upstreams"])

    def test_metrics_of_both_are_in_one_answer(self):
        nginx = self.both()
        for text in (nginx.get("/metrics").body, fetch(OWN + 4)[2]):
            for labels in (f'upstream="stream/game",peer="127.0.0.1:{A}"',
                           f'upstream="game",peer="127.0.0.1:{H}"'):
                self.assertTrue(labels in text, labels)

    def test_the_page_survives_reloads(self):
        nginx = self.both()
        for _ in range(3):
            nginx.reload()
            self.assertEqual(set(json.loads(nginx.get("/leastwise").body)["upstreams"]),
                             {"game", "stream/game"})

    def test_stream_works_without_the_http_module(self):
        text = "stream { " + s.upstream(A, B) + s.listen(PORT) + OWN_PAGE + "}"
        self.enterContext(WithoutHttp(OWN, main=text))
        self.assertLessEqual({s.ask(PORT) for _ in range(6)}, {A, B})
        page = json.loads(fetch(OWN)[2])
        self.assertEqual(set(page["upstreams"]), {"stream/game"})

    def test_http_works_without_the_stream_module(self):
        self.enterContext(backend.Backends(H))
        nginx = self.enterContext(harness.Nginx(
            STATUS, f"upstream app {{ leastwise; server 127.0.0.1:{H}; }} server {{ listen 127.0.0.1:"
            f"{STATUS}; location / {{ proxy_pass http://app; }}"
            " location = /leastwise { leastwise_status; } }"))
        self.assertEqual(nginx.get().status, 200)
        self.assertEqual(nginx.peers()[H]["leastwise"]["picks"], 1)

    def test_a_page_of_many_servers_arrives_whole(self):
        many = "".join(f"server 127.0.1.{i}:{9000 + i}; " for i in range(1, 200))
        self.both(f"upstream many {{ leastwise; {many} }} "
                  "server { listen 127.0.0.1:20648; proxy_pass many; }")
        page = json.loads(fetch(OWN)[2])
        self.assertEqual(len(page["upstreams"]["stream/many"]["peers"]), 199)

    def test_streams_own_page_answers_get_only_and_outlives_clients_that_leave(self):
        self.both()
        self.assertEqual(fetch(OWN, "POST")[0], 405)
        with contextlib.closing(s.tcp(OWN)) as client:
            client.sendall(b"GET / HTTP/1.0\r\n")
        with contextlib.closing(s.tcp(OWN)) as client:
            client.sendall(b"x" * 20000)
            with contextlib.suppress(ConnectionError):
                self.assertEqual(client.recv(12), b"HTTP/1.0 400")
        self.assertEqual(fetch(OWN)[0], 200)

    def test_what_is_no_request_of_http_1_is_refused_as_soon_as_that_is_seen(self):
        self.both()
        for asked, answer in ((b"\x16\x03\x01", b"400"), (b"GET /\r\n\r\n", b"400"),
                              (b"GET / HTTP/9.9\r\n\r\n", b"400"), (b"get / HTTP/1.1\r\n", b"400"),
                              (b"GET / HTTP/1.1\r\nX: " + b"x" * 16384, b"431"),
                              (b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
                              (b"GET /?" + b"x" * 1000 + b" HTTP/1.1\r\n\r\n", b"200")):
            with self.subTest(asked[:20]), contextlib.closing(s.tcp(OWN)) as client:
                client.sendall(asked)
                self.assertEqual(client.recv(12), b"HTTP/1.0 " + answer)


if __name__ == "__main__":
    unittest.main()
