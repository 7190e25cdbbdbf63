"""What nginx offers around an upstream goes on as with nginx's own least_conn when `leastwise;` takes
its place: each test here passes with either."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import backend
import harness

PORT, DEAD = 20150, 20151
A, B, C = 20152, 20153, 20154
VERSION = harness.VERSION
LUA = "/usr/lib/nginx/modules/ngx_http_lua_module.so"


def servers(*ports, extra=""):
    return "".join(f"server 127.0.0.1:{p} {extra}; " for p in ports)


class Servers(backend.Backends):
    connections = 0

    async def _serve(self, reader, writer):
        self.connections += 1
        await super()._serve(reader, writer)

    async def _do_hints(self, writer, _argument, port, head):
        await self._send(writer, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
        return await self._answer(writer, 200, str(port), head)


class Features:
    """For each method a class of its own, below."""

    def setUp(self):
        self.backends = self.enterContext(Servers(A, B, C))

    def nginx(self, http, main=""):
        """`http` has METHOD in each upstream."""
        text = http.replace("METHOD", self.METHOD).replace("LISTEN", f"listen 127.0.0.1:{PORT};")
        return self.enterContext(harness.Nginx(PORT, text, main=main))

    def test_next_upstream_timeout_ends_the_tries(self):
        text = (f"upstream app {{ METHOD {servers(A, B, C)} }} server {{ LISTEN location / {{"
                " proxy_pass http://app; proxy_read_timeout 600ms; proxy_next_upstream_timeout 900ms; } }")
        nginx = self.nginx(text)
        self.assertEqual(nginx.get("/hang").status, 504)
        # The second fails after 1.2 s, when no third is allowed any more.
        self.assertEqual(len(self.backends.requests), 2)

    def test_a_stale_answer_of_the_cache_is_used_when_all_servers_fail(self):
        nginx = self.nginx(
                "proxy_cache_path CACHE keys_zone=c:1m;"
                f"upstream app {{ METHOD {servers(A, B)} }} server {{ LISTEN location / {{"
                " proxy_pass http://app/$arg_do; proxy_cache c; proxy_cache_key $uri;"
                " proxy_cache_valid 1s; proxy_cache_use_stale http_503; proxy_next_upstream http_503;"
                " add_header X-Cache $upstream_cache_status; } }".replace("CACHE", self.cache()))
        self.assertEqual(nginx.get("/x?do=ok").headers["X-Cache"], "MISS")
        time.sleep(2.1)
        answer = nginx.get("/x?do=status/503")
        self.assertEqual((answer.status, answer.headers["X-Cache"]), (200, "STALE"))
        self.assertEqual(len(self.backends.requests), 3)

    def cache(self):
        self.caches = getattr(self, "caches", 0) + 1
        folder = f"/tmp/leastwise_cache_{os.getpid()}_{self.caches}"
        self.addCleanup(subprocess.run, ["rm", "-rf", folder], check=True)
        return folder

    def test_parts_of_a_page_that_ssi_puts_together_are_requests_of_their_own(self):
        page = "".join(f'<!--# include virtual="/part{n}" -->,' for n in range(4))
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            with open(os.path.join(folder, "page.html"), "w", encoding="ascii") as f:
                f.write(page)
            nginx = self.nginx(
                f"upstream app {{ METHOD {servers(A, B)} }} server {{ LISTEN ssi on; ssi_types *;"
                f" location = /page.html {{ root {folder}; }}"
                " location / { proxy_pass http://app; } }")
            parts = nginx.get("/page.html").body.split(",")
        self.assertEqual(sorted(parts), ["", str(A), str(A), str(B), str(B)])

    def test_error_page_and_named_location_pass_a_request_on_to_another_pool(self):
        text = (f"upstream app {{ METHOD {servers(A)} }} upstream spare {{ METHOD {servers(B)} }}"
                " server { LISTEN location / { proxy_pass http://app; proxy_intercept_errors on;"
                " error_page 500 = @spare; } location @spare { proxy_pass http://spare; } }")
        nginx = self.nginx(text)
        answer = nginx.get(f"/status/500/{A}")
        self.assertEqual((answer.status, answer.body), (200, str(B)))
        self.assertEqual([port for port, _ in self.backends.requests], [A, B])

    def test_other_methods_work_beside_it(self):
        others = {"hash": "hash $uri consistent;", "ip_hash": "ip_hash;", "random": "random two;"}
        if VERSION >= (1, 31, 0):
            others["least_time"] = "least_time header;"
        blocks = "".join(f"upstream {name} {{ {method} {servers(A, B)} keepalive 2; }}"
                         for name, method in others.items())
        places = "".join(f"location /{name} {{ proxy_pass http://{name}/; }}" for name in others)
        text = (f"upstream app {{ METHOD {servers(A, B)} keepalive 2; }} {blocks}"
                f" server {{ LISTEN {places} location / {{ proxy_pass http://app; }} }}")
        nginx = self.nginx(text)
        for name in others:
            self.assertIn(nginx.get("/" + name).body, (str(A), str(B)))
        self.assertEqual(len({nginx.get("/hash").body for _ in range(6)}), 1)
        self.assertEqual({nginx.get("/").body for _ in range(4)}, {str(A), str(B)})

    @unittest.skipIf(VERSION < (1, 29, 7), "nginx keeps no connections by itself before 1.29.7")
    def test_connections_are_kept_without_being_asked_for(self):
        text = (f"upstream app {{ METHOD {servers(A)} }} server {{ LISTEN location / {{"
                " proxy_pass http://app; } }")
        nginx = self.nginx(text)
        before = self.backends.connections
        for _ in range(4):
            self.assertEqual(nginx.get("/").body, str(A))
        self.assertEqual(self.backends.connections - before, 1)

    @unittest.skipIf(VERSION < (1, 29, 6), "nginx binds no sessions before 1.29.6")
    def test_a_bound_session_stays_on_its_server_and_moves_when_that_fails(self):
        text = (f"upstream app {{ METHOD {servers(A, B, C)} sticky cookie srv; }} server {{ LISTEN"
                " location / { proxy_pass http://app; } }")
        nginx = self.nginx(text)
        first = nginx.get("/")
        cookie = {"Cookie": first.headers["Set-Cookie"].split(";")[0]}
        self.assertEqual([nginx.get("/", headers=cookie).body for _ in range(6)], [first.body] * 6)
        self.backends.stop(int(first.body))
        nginx.get(f"/close/x/{first.body}", headers=cookie)  # and so the connection that was kept is gone
        answer = nginx.get("/", headers=cookie)
        self.assertEqual(answer.status, 200)
        self.assertNotEqual(answer.body, first.body)

    @unittest.skipIf(VERSION < (1, 29, 0), "nginx passes on no early hints before 1.29")
    def test_early_hints_are_passed_on_and_the_answer_after_them_is_learned_from(self):
        text = (f"upstream app {{ METHOD {servers(A)} }} server {{ LISTEN early_hints 1;"
                " location / { proxy_pass http://app; }"
                " location = /leastwise { leastwise_status; } }")
        nginx = self.nginx(text)
        with contextlib.closing(socket.create_connection(("127.0.0.1", PORT))) as s:
            s.sendall(b"GET /hints HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: s.recv(4096), b""))
        self.assertTrue(answer.startswith(b"HTTP/1.1 103 "), answer)
        self.assertIn(b"HTTP/1.1 200 ", answer)
        if self.METHOD == "leastwise;":
            self.assertEqual(nginx.peers()[A]["leastwise"]["results"]["ok"], 1)
            self.assertEqual(nginx.in_flight(), 0)

    @unittest.skipUnless(harness.IS_PACKAGED and os.path.exists(LUA), "needs libnginx-mod-http-lua")
    def test_lua_s_captures_beside_it(self):
        main = (f"load_module {LUA.replace('http_lua', 'http_ndk').replace('ngx_http_ndk', 'ndk_http')};"
                f" load_module {LUA};")
        text = (f"upstream app {{ METHOD {servers(A, B)} }} server {{ LISTEN"
                " location = /lua { content_by_lua_block { local a, b = ngx.location.capture_multi("
                "{{'/a'}, {'/b'}}) ngx.print(a.body, ',', b.body) } }"
                " location / { proxy_pass http://app; } }")
        nginx = self.nginx(text, main)
        self.assertEqual(sorted(nginx.get("/lua").body.split(",")), [str(A), str(B)])


class WithLeastConn(Features, unittest.TestCase):
    METHOD = "least_conn;"


class WithLeastwise(Features, unittest.TestCase):
    METHOD = "leastwise;"


class Watched(Features, unittest.TestCase):
    METHOD = "least_conn; leastwise_observe on;"


class Upgrades(unittest.TestCase):
    def test_tunnels_end_at_the_worker_shutdown_timeout_and_leave_nothing_in_flight(self):
        text = (f"upstream app {{ leastwise; {servers(A)} }} server {{ listen 127.0.0.1:{PORT};"
                " location / { proxy_pass http://app; proxy_http_version 1.1;"
                " proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }"
                " location = /leastwise { leastwise_status; } }")
        with (backend.Backends(A), harness.Nginx(PORT, text, main="worker_shutdown_timeout 1s;") as nginx,
              contextlib.closing(socket.create_connection(("127.0.0.1", PORT))) as s):
            s.sendall(b"GET /websocket/60 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                      b"Connection: Upgrade\r\n\r\n")
            self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 101"))
            self.assertEqual(nginx.in_flight(), 1)
            nginx.reload()  # waits until the old worker has left
            harness.wait_for(lambda: nginx.in_flight() == 0, "the tunnel to be given back", 10)

    @unittest.skipIf(harness.SANITIZED, "nginx clears its environment: the new binary has no runtime")
    def test_a_new_binary_takes_over_without_a_lost_request(self):
        text = (f"upstream app {{ leastwise; {servers(A, B)} }} server {{ listen 127.0.0.1:{PORT};"
                " location / { proxy_pass http://app; } location = /leastwise { leastwise_status; } }")
        with backend.Backends(A, B):
            nginx = harness.Nginx(PORT, text)
            self.addCleanup(subprocess.run, ["rm", "-rf", nginx.folder], check=True)
            # A master in the foreground ignores the signal: it takes its parent for the old binary.
            with open(nginx.path("nginx.conf"), "r+", encoding="ascii") as f:
                on = f.read().replace("daemon off;", "daemon on; ")
                f.seek(0)
                f.write(on)
            subprocess.run(nginx.command(), env=nginx.environment(), check=True, timeout=30)
            # Who listens here next would share the port with it.
            self.addCleanup(harness.wait_for, lambda: not harness.listens(PORT), "the new binary to end")
            self.addCleanup(subprocess.run, nginx.command("-s", "stop"), env=nginx.environment(),
                            check=True)
            old = self.pid(nginx, "nginx.pid")
            with harness.Load(PORT, clients=4) as load:
                os.kill(old, signal.SIGUSR2)
                harness.wait_for(lambda: self.pid(nginx, "nginx.pid") not in (0, old), "the new binary")
                os.kill(old, signal.SIGQUIT)
                harness.wait_for(lambda: not os.path.exists(f"/proc/{old}/exe")
                                 or not os.path.exists(nginx.path("nginx.pid.oldbin")),
                                 "the old one to leave", 20)
                before = load.sent
                harness.wait_for(lambda: load.sent > before + 200, "more requests")
            self.assertEqual(load.failures, [])
            self.assertGreater(nginx.peers()[A]["requests"], 50)
            self.assertEqual(nginx.in_flight(), 0)

    @staticmethod
    def pid(nginx, name):
        with contextlib.suppress(FileNotFoundError, ValueError):
            with open(nginx.path(name), encoding="ascii") as f:
                return int(f.read())
        return 0


if __name__ == "__main__":
    unittest.main()
