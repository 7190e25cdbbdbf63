"""Servers are looked at and changed at run time, by the shape of NGINX Plus' API."""

import contextlib
import http.client
import json
import socket
import unittest

import backend
import harness
import stream_servers as s

PORT = 20400
A, B, C = 20401, 20402, 20403
STREAM_PORT = 20404

CONFIG = f"""
    client_body_buffer_size 1k;
    upstream app {{
        leastwise round_robin;
        server 127.0.0.1:{A} weight=2 max_fails=0;
        server 127.0.0.1:{B} max_fails=0;
        server 127.0.0.1:{C} max_fails=0 down;
    }}
    upstream zoned {{
        zone zoned 64k;
        leastwise;
        server 127.0.0.1:{A};
        server 127.0.0.1:{B};
        server 127.0.0.1:{C} backup;
    }}
    server {{
        listen 127.0.0.1:{PORT};
        listen unix:{{socket}};
        location / {{ proxy_pass http://app; }}
        location /zoned {{ proxy_pass http://zoned; }}
        location = /leastwise {{ leastwise_status; }}
        location /control/ {{ leastwise_control; }}
        location /closed/ {{ leastwise_control; allow 192.0.2.1; deny all; }}
    }}
"""
STREAM = f"""
    stream {{
        upstream game {{
            leastwise round_robin;
            server 127.0.0.1:{A};
            server 127.0.0.1:{B};
        }}
        server {{ listen 127.0.0.1:{STREAM_PORT}; proxy_pass game; }}
    }}
"""


class Control(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.stack.enter_context(backend.Backends(A, B, C))
        main = f"load_module {s.NGINX_STREAM};\nload_module {s.STREAM_MODULE};\n{STREAM}"
        cls.nginx = harness.Nginx(PORT, workers=3)
        cls.socket = cls.nginx.path("control.sock")
        cls.nginx.configure(CONFIG.replace("{socket}", cls.socket), main)
        cls.stack.enter_context(cls.nginx)

    def ask(self, method, path, body=None, headers=None, root="/control"):
        """(status, answer, headers); a dict is sent as JSON, a text as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
        with contextlib.closing(connection):
            text = json.dumps(body) if isinstance(body, dict) else body
            connection.request(method, root + path, body=text, headers=headers or {})
            answer = connection.getresponse()
            data = answer.read()
            return answer.status, json.loads(data) if data else None, answer.headers

    def get(self, path):
        status, answer, _ = self.ask("GET", path)
        self.assertEqual(status, 200, answer)
        return answer

    def servers(self, upstream="app", kind="http"):
        """By port."""
        return {int(server["server"].rsplit(":", 1)[1]): server
                for server in self.get(f"/9/{kind}/upstreams/{upstream}/servers")}

    def path(self, port, upstream="app", kind="http"):
        return f"/9/{kind}/upstreams/{upstream}/servers/{self.servers(upstream, kind)[port]['id']}"

    def patch(self, port, body, upstream="app", kind="http"):
        status, answer, _ = self.ask("PATCH", self.path(port, upstream, kind), body)
        self.assertEqual(status, 200, answer)
        return answer

    def restore(self):
        for upstream, kind in (("app", "http"), ("zoned", "http"), ("game", "stream")):
            for port in self.servers(upstream, kind):
                self.patch(port, {k: None for k in ("weight", "max_conns", "max_fails",
                                                    "fail_timeout", "down", "drain")},
                           upstream, kind)

    def setUp(self):
        self.addCleanup(self.restore)

    def spread(self, requests, path="/ok"):
        """Requests by port, of all workers."""
        counts = {A: 0, B: 0, C: 0}
        for _ in range(requests):
            counts[int(self.nginx.get(path).body)] += 1
        return counts

    # ---- looking

    def test_paths_lead_from_the_root_to_a_server(self):
        self.assertEqual(self.get("/"), [9])
        self.assertEqual(self.get("/9"), ["http", "stream", "in_flight"])
        self.assertEqual(self.get("/9/http/"), ["upstreams"])
        self.assertEqual(set(self.get("/9/http/upstreams")), {"app", "zoned"})
        self.assertEqual(set(self.get("/9/stream/upstreams")), {"game"})
        app = self.get("/9/http/upstreams/app")
        self.assertEqual(len(app["peers"]), 3)
        self.assertEqual(self.get("/9/http/upstreams")["app"]["peers"][0]["id"],
                         app["peers"][0]["id"])
        server = self.servers()[A]
        self.assertEqual(self.get(self.path(A)), server)
        self.assertEqual(server["weight"], 2)
        self.assertEqual(server["fail_timeout"], "10s")
        self.assertFalse(server["down"])
        self.assertTrue(self.servers()[C]["down"])
        self.assertTrue(self.servers("zoned")[C]["backup"])

    def test_head_has_no_body(self):
        status, answer, headers = self.ask("HEAD", self.path(A))
        self.assertEqual((status, answer), (200, None))
        self.assertEqual(headers["Content-Type"], "application/json")

    # ---- changing

    def test_a_changed_weight_counts_in_all_workers_at_once(self):
        self.patch(A, {"weight": 5})
        answer = self.patch(B, {"weight": 5})
        self.assertEqual(answer["weight"], 5)
        self.assertEqual(answer["leastwise"]["changed"], ["weight"])
        counts = self.spread(60)
        # Each of three workers is off by one at most.
        self.assertAlmostEqual(counts[A], counts[B], delta=6)

    def test_down_drain_and_what_is_configured_as_down_comes_up(self):
        self.patch(A, {"down": True})
        self.assertEqual(self.spread(12), {A: 0, B: 12, C: 0})
        self.patch(C, {"down": False})
        self.patch(B, {"drain": True})
        self.assertEqual(self.spread(12), {A: 0, B: 0, C: 12})
        self.assertEqual(self.nginx.peers()[B]["state"], "draining")
        self.patch(A, {"down": None})
        self.assertGreater(self.spread(12)[A], 0)

    def test_a_server_that_was_down_by_configuration_is_tried_after_another_failed(self):
        self.patch(C, {"down": False})
        self.patch(B, {"down": True})
        # A resets; C, which nginx's own count of tries does not know of, answers.
        self.assertEqual({self.nginx.get(f"/reset/x/{A}").body for _ in range(8)}, {str(C)})

    def test_an_upstream_with_a_zone_of_nginx(self):
        self.patch(A, {"down": True}, "zoned")
        self.patch(B, {"drain": True}, "zoned")
        self.assertEqual(self.spread(8, "/zoned"), {A: 0, B: 0, C: 8})

    def test_servers_of_stream_change_too(self):
        self.patch(A, {"down": True}, "game", "stream")
        for _ in range(6):
            with socket.create_connection(("127.0.0.1", STREAM_PORT), 10) as client:
                client.sendall(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertTrue(client.recv(1000).endswith(str(B).encode()))

    def test_a_reload_keeps_what_was_changed_unless_it_says_something_new(self):
        self.patch(A, {"weight": 7, "drain": True})
        self.nginx.reload()
        self.assertEqual(self.servers()[A]["weight"], 7)
        self.assertEqual(self.spread(6)[A], 0)
        try:
            self.reconfigure("weight=2", "weight=3")
            server = self.servers()[A]
            self.assertEqual(server["weight"], 3)
            self.assertEqual(server["leastwise"]["changed"], ["drain"])
        finally:
            self.reconfigure("weight=3", "weight=2")

    def reconfigure(self, old, new):
        with open(self.nginx.path("nginx.conf"), "r+", encoding="ascii") as f:
            text = f.read().replace(old, new)
            f.seek(0)
            f.truncate()
            f.write(text)
        self.nginx.reload()

    def test_ejected_undone_and_reset(self):
        for _ in range(3):
            self.nginx.get("/ok")
        path = self.path(A)
        status, answer, _ = self.ask("POST", path + "/eject", {"for": "30s"})
        self.assertEqual(status, 200, answer)
        self.assertEqual(answer["leastwise"]["ejected"], "operator")
        self.assertAlmostEqual(answer["leastwise"]["ejected_for_s"], 30, delta=2)
        self.assertEqual(self.spread(6)[A], 0)
        self.assertEqual(self.ask("POST", path + "/uneject")[0], 200)
        self.assertEqual(self.ask("POST", path + "/uneject")[0], 409)
        self.assertGreater(self.spread(9)[A], 0)
        self.assertEqual(self.ask("POST", path + "/reset")[0], 200)
        self.ask("POST", path + "/eject", {"for": "1s"})
        harness.wait_for(lambda: self.spread(6)[A] > 0, "the ejection to end by itself")

    def test_the_log_says_who_changed_what(self):
        self.patch(B, {"max_conns": 77})
        self.assertRegex(self.nginx.log(),
                         rf'control: server "127.0.0.1:{B}" of upstream "app": .*max_conns=77 .*'
                         r'client: 127.0.0.1.*PATCH')

    # ---- who is refused, and what

    def test_other_methods_are_refused_and_told_which_are_not(self):
        cases = {"/9/http/upstreams": "GET, HEAD", self.path(A): "GET, HEAD, PATCH, DELETE",
                 "/9/http/upstreams/app/servers": "GET, HEAD, POST",
                 self.path(A) + "/eject": "POST"}
        for path, allowed in cases.items():
            for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"):
                if method in allowed:
                    continue
                with self.subTest(path=path, method=method):
                    status, answer, headers = self.ask(method, path)
                    self.assertEqual(status, 405)
                    self.assertEqual(headers["Allow"], allowed)
                    self.assertEqual(answer["error"]["status"], 405)

    def test_paths_that_are_none(self):
        upstream = "/9/http/upstreams/app"
        id_of_a = self.servers()[A]["id"]
        for path in ("/8", "/9/tcp/upstreams", "/9/http/keyvals", "/9/http/upstreams/none",
                     upstream + "/peers", f"{upstream}/servers/{id_of_a}/explode",
                     f"{upstream}/servers/{id_of_a}/eject/x", upstream + "/servers/9999",
                     upstream + "/servers/4294967295", "/9/stream/upstreams/app",
                     f"/9/http/upstreams/%2e%2e/{upstream}/servers",
                     upstream + "/servers/../../../../..%2fcontrol/9/none",
                     "/9/http/upstreams/app%2fservers%2f999"):
            with self.subTest(path=path):
                status, answer, _ = self.ask("GET", path)
                self.assertIn(status, (400, 404, 405))
                if answer is not None:
                    self.assertEqual(set(answer["error"]), {"status", "text", "code"})
        self.assertEqual(self.ask_raw("GET", "/9/http/upstreams/%00")[0], 400)
        for number in ("-1", "+1", "1x", "0x1", "4294967296", "99999999999999999999", "%31%20"):
            with self.subTest(id=number):
                status, answer, _ = self.ask("GET", f"{upstream}/servers/{number}")
                self.assertEqual((status, answer["error"]["code"]),
                                 (400, "UpstreamServerIdFormatError"))

    def ask_raw(self, method, path, body=None):
        """As ask(), of answers that nginx itself may give."""
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, "/control" + path, body=body)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def test_bodies_that_are_refused_change_nothing_and_the_answer_says_what_is_accepted(self):
        before = self.servers()[A]
        cases = {
            "": "no JSON", "{": "no JSON", '{"weight": 3': "no JSON", '{"weight": 3}}': "no JSON",
            "3": "expected an object", "[]": "expected an object", "null": "expected an object",
            '{"wight": 3}': "unknown key \"wight\": expected server, weight, max_conns, max_fails",
            '{"weight": 0}': "from 1 to 65535", '{"weight": 65536}': "from 1 to 65535",
            '{"weight": -1}': "from 1", '{"weight": 1.5}': "from 1", '{"weight": "3"}': "from 1",
            '{"weight": 1e400}': "", '{"weight": true}': "from 1", '{"down": 1}': "true or false",
            '{"weight": {"a": 1}}': "from 1", '{"weight": [[[[1]]]]}': "from 1",
            '{"weight": 3, "weight": 4}': "there twice", '{"max_conns": 2147483648}': "2147483647",
            '{"fail_timeout": 10}': "a time", '{"fail_timeout": "10x"}': "a time",
            '{"fail_timeout": "25h"}': "24h", '{"backup": true}': "does not change",
            '{"server": "127.0.0.1:1"}': "does not change", '{"slow_start": "5s"}':
            "leastwise_slow_start", '{"for": "1s"}': "unknown key", '{"backup": null}': "true or",
            "{" * 5000: "no JSON", '{"weight":' * 1000: "from 1", "\xff\xfe": "no JSON",
            '{"weight": 3, "x<script>": 1}': "unknown key",
            '{"' + "k" * 10000 + '": 1}': "unknown key",
        }
        for body, text in cases.items():
            with self.subTest(body=body[:60]):
                status, answer, _ = self.ask("PATCH", self.path(A), body.encode("latin-1"))
                self.assertEqual(status, 400, answer)
                self.assertIn(text, answer["error"]["text"])
        self.assertEqual(self.servers()[A], before)

    def test_a_change_that_says_again_what_is_so_is_none(self):
        self.patch(A, {"server": f"127.0.0.1:{A}", "backup": False, "slow_start": "0s"})
        self.assertEqual(self.servers()[A]["leastwise"]["changed"], [])

    def test_a_body_that_is_too_large_is_refused(self):
        for body in (b" " * 20000, (b" " * 5000 for _ in range(4))):  # the second one in chunks
            status, answer, _ = self.ask("PATCH", self.path(A), body)
            self.assertEqual((status, answer["error"]["code"]), (413, "EntityTooLarge"))
        self.assertEqual(self.ask_raw("PATCH", self.path(A), b" " * 2_000_000)[0], 413)
        status, answer, _ = self.ask("PATCH", self.path(A), b" " * 15000 + b'{"weight": 4}')
        self.assertEqual((status, answer["weight"]), (200, 4))  # by way of a file

    def test_a_page_of_another_site_changes_nothing(self):
        path = self.path(A) + "/eject"
        for origin in ("http://evil.example", "null", f"http://127.0.0.1:{PORT}.evil.example"):
            status, answer, _ = self.ask("POST", path, headers={"Origin": origin})
            self.assertEqual((status, answer["error"]["code"]), (403, "CrossSite"))
        status, _, _ = self.ask("POST", path, {"for": "0s"}, {"Origin": f"http://127.0.0.1:{PORT}"})
        self.assertEqual(status, 200)

    def test_who_is_denied_reaches_nothing(self):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
        with contextlib.closing(connection):
            connection.request("GET", "/closed/9/http/upstreams")
            self.assertEqual(connection.getresponse().status, 403)

    def test_over_a_unix_socket(self):
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as client:
            client.connect(self.socket)
            client.sendall(b"GET /control/9/http/upstreams/app/servers HTTP/1.0\r\n\r\n")
            self.assertIn(b" 200 ", client.recv(1000))

    def test_configurations_that_can_not_work(self):
        for location, text in {
                "= /c { leastwise_control; }": "needs a location that is a prefix",
                "~ ^/c { leastwise_control; }": "needs a location that is a prefix",
                "/c { leastwise_control; leastwise_control; }": "is duplicate",
                "/c { leastwise_control on; }": "invalid number of arguments"}.items():
            with self.subTest(location=location):
                nginx = harness.Nginx(PORT, f"server {{ listen 127.0.0.1:{PORT}; "
                                            f"location {location} }}")
                code, said = nginx.check()
                self.assertEqual(code, 1)
                self.assertIn(text, said)


if __name__ == "__main__":
    unittest.main()
