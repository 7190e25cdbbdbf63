"""Servers are added and removed at run time, without a reload."""

import collections
import contextlib
import http.client
import json
import pathlib
import socket
import threading
import time
import unittest

import backend
import harness
import stream_servers as s

PORT = 20410
A, B = 20411, 20412
STREAM_PORT = 20413
NEW = [20420 + i for i in range(8)]

CONFIG = f"""
    log_format own '$upstream_addr|$leastwise_endpoint|$status';
    upstream app {{
        leastwise round_robin;
        leastwise_slots 8;
        server 127.0.0.1:{A} max_fails=0;
        server 127.0.0.1:{B} max_fails=0 backup;
        keepalive 8;
    }}
    upstream fixed {{ leastwise; server 127.0.0.1:{A}; }}
    server {{
        listen 127.0.0.1:{PORT};
        access_log {{folder}}/access.log own;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location / {{ proxy_pass http://app; }}
        location /fixed {{ proxy_pass http://fixed; }}
        location = /leastwise {{ leastwise_status; access_log off; }}
        location /control/ {{ leastwise_control; access_log off; }}
    }}
"""
STREAM = f"""
    stream {{
        upstream game {{ leastwise; leastwise_slots 2; server 127.0.0.1:{A} down; }}
        server {{ listen 127.0.0.1:{STREAM_PORT}; proxy_pass game; }}
    }}
"""


class Slots(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.backends = cls.stack.enter_context(backend.Backends(A, B, *NEW))
        cls.nginx = harness.Nginx(PORT, workers=2)
        cls.configure("")
        cls.stack.enter_context(cls.nginx)

    @classmethod
    def configure(cls, more):
        main = f"load_module {s.NGINX_STREAM};\nload_module {s.STREAM_MODULE};\n{STREAM}"
        text = CONFIG.replace("{folder}", cls.nginx.folder)
        cls.nginx.configure(text.replace("leastwise_slots 8;", "leastwise_slots 8;" + more), main)

    def tearDown(self):
        for upstream, kind in (("app", "http"), ("game", "stream")):
            for server in self.servers(upstream, kind):
                if server["leastwise"]["added"]:
                    self.remove(server["id"], upstream, kind)
                else:
                    self.ask("PATCH", f"/{kind}/upstreams/{upstream}/servers/{server['id']}",
                             {"down": None})

    @staticmethod
    def ask(method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, "/control/9" + path,
                               body=json.dumps(body) if body is not None else None)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def servers(self, upstream="app", kind="http"):
        return self.ask("GET", f"/{kind}/upstreams/{upstream}/servers")[1]

    def add(self, port, upstream="app", kind="http", **more):
        status, answer = self.ask("POST", f"/{kind}/upstreams/{upstream}/servers/",
                                  {"server": f"127.0.0.1:{port}", **more})
        self.assertEqual(status, 201, answer)
        self.assertEqual(answer["server"], f"127.0.0.1:{port}")
        return answer["id"]

    def remove(self, number, upstream="app", kind="http"):
        status, answer = self.ask("DELETE", f"/{kind}/upstreams/{upstream}/servers/{number}")
        self.assertEqual(status, 200, answer)
        self.assertNotIn(number, [server["id"] for server in answer])

    def set_down(self, port):
        for server in self.servers():
            if server["server"].endswith(f":{port}"):
                path = f"/http/upstreams/app/servers/{server['id']}"
                self.assertEqual(self.ask("PATCH", path, {"down": True})[0], 200)

    # ----

    def test_a_server_that_is_added_is_used_by_all_workers_and_one_that_is_removed_by_none(self):
        self.set_down(A)
        number = self.add(NEW[0], weight=3, max_conns=50, max_fails=2, fail_timeout="5s",
                          slow_start="0s", backup=False, down=False)
        server, = [x for x in self.servers() if x["id"] == number]
        self.assertEqual((server["weight"], server["max_conns"], server["max_fails"],
                          server["fail_timeout"]), (3, 50, 2, "5s"))
        self.assertEqual({self.nginx.get("/ok").body for _ in range(20)}, {str(NEW[0])})
        self.remove(number)
        self.assertEqual({self.nginx.get("/ok").body for _ in range(20)}, {str(B)})  # the backup

    def test_while_another_method_chooses_nobody_is_added(self):
        self.add(NEW[4])
        config = pathlib.Path(self.nginx.path("nginx.conf"))
        own = config.read_text(encoding="ascii")
        try:
            config.write_text(own.replace("leastwise round_robin;", "leastwise_observe on;"), encoding="ascii")
            self.nginx.reload()
            self.assertEqual({self.nginx.get("/ok").body for _ in range(10)}, {str(A)})
            status, answer = self.ask("POST", "/http/upstreams/app/servers", {"server": f"127.0.0.1:{NEW[5]}"})
            self.assertEqual(status, 409, answer)
        finally:
            config.write_text(own, encoding="ascii")
            self.nginx.reload()
        self.add(NEW[4])
        self.assertEqual({self.nginx.get("/ok").body for _ in range(10)}, {str(A), str(NEW[4])})

    def test_an_added_backup_is_one(self):
        self.add(NEW[1], backup=True)
        self.assertEqual({self.nginx.get("/ok").body for _ in range(10)}, {str(A)})
        self.set_down(A)
        self.set_down(B)
        self.assertEqual({self.nginx.get("/ok").body for _ in range(10)}, {str(NEW[1])})

    def test_an_added_server_is_tried_after_another_failed(self):
        self.add(NEW[2])
        self.assertEqual({self.nginx.get(f"/reset/x/{A}").body for _ in range(10)}, {str(NEW[2])})

    def test_what_is_in_flight_to_a_removed_server_ends_well_and_is_logged_by_its_name(self):
        self.set_down(A)
        number = self.add(NEW[3])
        answers = []
        ask = threading.Thread(target=lambda: answers.append(self.nginx.get("/sleep/0.5")))
        ask.start()
        harness.wait_for(lambda: (NEW[3], "/sleep/0.5") in self.backends.requests, "the request")
        self.remove(number)
        for port in NEW[4:]:
            self.add(port)
        ask.join()
        self.assertEqual((answers[0].status, answers[0].body), (200, str(NEW[3])))
        line = f"127.0.0.1:{NEW[3]}|127.0.0.1:{NEW[3]}|200"
        harness.wait_for(lambda: line in self.access_log(), "the line in the log")

    def access_log(self):
        with open(self.nginx.path("access.log"), encoding="ascii") as f:
            return f.read()

    def test_two_hundred_adds_and_removes_under_load(self):
        latest = 0.0
        with harness.Load(PORT, clients=4, path="/sleep/0.005") as load:
            numbers = []
            for i in range(100):
                port = NEW[i % len(NEW)]
                seen = len(self.backends.requests)
                since = time.monotonic()
                numbers.append(self.add(port))
                harness.wait_for(lambda p=port, n=seen: any(
                    to == p for to, _ in self.backends.requests[n:]), "the new one to be used")
                latest = max(latest, time.monotonic() - since)
                if len(numbers) > 4:
                    self.remove(numbers.pop(0))
            for number in numbers:
                self.remove(number)
        self.assertEqual(load.failures, [])
        self.assertGreater(load.sent, 200)
        print(f"200 changes: {load.sent} requests, {len(load.failures)} failed; the slowest new "
              f"server was used after {latest:.3f} s")
        self.assertLess(latest, 1 if not harness.SANITIZED else 5)
        status = self.nginx.status()
        self.assertEqual(len(status["peers"]), 2)
        self.assertEqual(status["model"]["endpoints"], 2)
        self.assertEqual(self.nginx.in_flight(), 0)

    def test_servers_of_stream(self):
        number = self.add(NEW[0], "game", "stream")
        with socket.create_connection(("127.0.0.1", STREAM_PORT), 10) as client:
            client.sendall(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(client.recv(1000).endswith(str(NEW[0]).encode()))
            self.remove(number, "game", "stream")
            client.sendall(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")  # the session goes on
            self.assertTrue(client.recv(1000).endswith(str(NEW[0]).encode()))

    def test_a_reload_keeps_what_was_added_unless_the_configuration_has_it(self):
        number = self.add(NEW[0], weight=7)
        try:
            self.nginx.reload()
            server, = [x for x in self.servers() if x["id"] == number]
            self.assertEqual((server["weight"], server["leastwise"]["added"]), (7, True))
            self.configure(f"server 127.0.0.1:{NEW[0]} weight=2;")
            self.nginx.reload()
            server, = [x for x in self.servers() if x["server"].endswith(str(NEW[0]))]
            self.assertEqual((server["weight"], server["leastwise"]["added"]), (2, False))
        finally:
            self.configure("")
            self.nginx.reload()
        self.assertEqual(len(self.servers()), 2)

    # ---- what is refused

    def test_what_is_refused(self):
        servers = "/http/upstreams/app/servers"
        for server in ("example.org:80", "localhost:80", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:65536",
                       "10.0.0.1:80 weight=2", "[::1]", "unix:relative", "unix:/" + "x" * 120,
                       "unix:/a\nb", "http://10.0.0.1:80", "10.0.0.1:80/x", ":80"):
            with self.subTest(server=server):
                status, answer = self.ask("POST", servers, {"server": server})
                self.assertEqual(status, 400, answer)
                self.assertIn("names are not looked up", answer["error"]["text"])
        for body, text in (({}, "expected an address"), ({"server": 1}, "a text"),
                           ({"server": "10.0.0.1:80", "weight": 0}, "from 1 to 65535"),
                           ({"server": "10.0.0.1:80", "slow_start": "9s"}, "leastwise_slow_start"),
                           ({"server": "10.0.0.1:80", "service": "x"}, "unknown key")):
            with self.subTest(body=body):
                status, answer = self.ask("POST", servers, body)
                self.assertEqual(status, 400, answer)
                self.assertIn(text, answer["error"]["text"])
        status, answer = self.ask("POST", servers, {"server": f"127.0.0.1:{A}"})
        self.assertEqual((status, answer["error"]["code"]), (409, "UpstreamServerExists"))
        status, answer = self.ask("POST", "/http/upstreams/fixed/servers", {"server": "10.0.0.1:1"})
        self.assertEqual(status, 400)
        self.assertIn("leastwise_slots", answer["error"]["text"])
        configured = self.servers()[0]["id"]
        status, answer = self.ask("DELETE", f"{servers}/{configured}")
        self.assertEqual((status, answer["error"]["code"]), (400, "UpstreamStatic"))
        self.assertEqual(len(self.servers()), 2)

    def test_a_full_upstream_takes_no_more(self):
        for port in NEW:
            self.add(port)
        status, answer = self.ask("POST", "/http/upstreams/app/servers", {"server": "[::1]:80"})
        self.assertEqual((status, answer["error"]["code"]), (409, "UpstreamFull"))

    def ask_at_once(self, bodies):
        """The statuses; all but the last byte is there before any of them ends."""
        with contextlib.ExitStack() as stack:
            asked = []
            for body in map(json.dumps, bodies):
                one = stack.enter_context(socket.create_connection(("127.0.0.1", PORT), 20))
                one.sendall((f"POST /control/9/http/upstreams/app/servers HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n"
                             + body)[:-1].encode("ascii"))
                asked.append(one)
            time.sleep(0.02)
            for one in asked:
                one.sendall(b"}")
            return [int(one.makefile("rb").readline().split()[1]) for one in asked]

    def test_of_many_that_are_added_at_once_no_more_are_taken_than_there_is_room_for(self):
        for port in NEW[2:]:
            self.add(port)
        for i in range(120):
            # Two places, and each address twice: both workers are asked at the same time.
            bodies = [{"server": f"127.0.0.1:{1000 + k // 2}", "down": True} for k in range(24)]
            self.assertEqual(collections.Counter(self.ask_at_once(bodies)), {201: 2, 409: 22}, i)
            added = [s for s in self.servers() if 1000 <= int(s["server"].rsplit(":", 1)[1]) < 1012]
            self.assertEqual(len(added), 2)
            for server in added:
                self.remove(server["id"])

    def test_a_unix_socket_and_ipv6_are_named_as_nginx_names_them(self):
        for server in ("unix:/nowhere/x.sock", "[::1]:9"):
            status, answer = self.ask("POST", "/http/upstreams/app/servers",
                                      {"server": server, "down": True})
            self.assertEqual((status, answer["server"], answer["down"]), (201, server, True))

    def test_configurations_that_can_not_work(self):
        for lines, text in {"leastwise; leastwise_slots 0;": "expected a number of servers from 1",
                            "leastwise; leastwise_slots 4097;": "to 4096",
                            "leastwise; leastwise_slots x;": "expected a number",
                            "leastwise; leastwise_slots 1; leastwise_slots 2;": "is duplicate",
                            "leastwise_slots 1;": 'needs "leastwise"'}.items():
            with self.subTest(lines=lines):
                nginx = harness.Nginx(PORT, f"upstream u {{ {lines} server 127.0.0.1:1; }}")
                code, said = nginx.check()
                self.assertEqual(code, 1)
                self.assertIn(text, said)


if __name__ == "__main__":
    unittest.main()
