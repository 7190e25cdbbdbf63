"""What nginx's `stream` can do goes on working, and so does what upstreams are told."""

import collections
import contextlib
import tempfile
import time
import unittest

import harness
import stream_servers as s

STATUS, PORT = 20620, 20621
A, B, C, D = 20622, 20623, 20624, 20625
POOL = "stream/game"
POLICIES = ("adaptive", "least_conn", "least_time", "peak_ewma", "two_choices", "round_robin",
            "weighted", "hash", "inference")


class Features(unittest.TestCase):
    def setUp(self):
        self.servers = self.enterContext(s.Servers(A, B, C, D))

    def nginx(self, *servers, extra="", server="", more="", **options):
        return self.enterContext(s.nginx(
            STATUS, s.upstream(*servers, extra=extra) + s.listen(PORT, server) + more, **options))

    def lines(self, nginx, n):
        def read():
            with contextlib.suppress(FileNotFoundError), open(nginx.path("access"), "rb") as f:
                lines = f.read().decode().splitlines()
                return [line.split("|") for line in lines] if len(lines) >= n else None
        return harness.wait_for(read, f"{n} lines of the log")

    def hold(self, n):
        clients = [self.enterContext(contextlib.closing(s.tcp(PORT))) for _ in range(n)]
        for client in clients:
            client.sendall(b"hello")
        return [int(client.recv(100)) for client in clients]

    def test_all_policies_serve(self):
        for policy in POLICIES:
            text = (f"upstream game {{ leastwise {policy}; server 127.0.0.1:{A};"
                    f" server 127.0.0.1:{B}; }}" + s.listen(PORT))
            with self.subTest(policy), s.nginx(STATUS, text) as nginx:
                self.assertLessEqual({s.ask(PORT) for _ in range(10)}, {A, B})
                self.assertEqual(nginx.status(POOL)["policy"], policy)

    def test_a_backup_serves_when_the_others_are_dead(self):
        nginx = self.nginx(A, f"server 127.0.0.1:{B} backup; ")
        self.assertEqual({s.ask(PORT) for _ in range(5)}, {A})
        self.servers.stop(A)
        self.assertEqual({s.ask(PORT) for _ in range(5)}, {B})
        self.assertTrue(nginx.peers(POOL)[B]["backup"])

    def test_a_server_that_is_down_gets_nothing(self):
        self.nginx(A, f"server 127.0.0.1:{B} down; ")
        self.assertEqual({s.ask(PORT) for _ in range(20)}, {A})

    def test_equals_share_by_weight(self):
        self.nginx(f"server 127.0.0.1:{A} weight=3; ", B)
        count = collections.Counter(s.ask(PORT) for _ in range(80))
        self.assertAlmostEqual(count[A], 60, delta=8)

    def test_max_conns_holds_for_sessions_that_last(self):
        self.nginx(f"server 127.0.0.1:{A} max_conns=2; ", f"server 127.0.0.1:{B} max_conns=3; ")
        self.assertEqual(collections.Counter(self.hold(5)), {A: 2, B: 3})
        self.assertIsNone(s.ask(PORT))

    def test_sessions_that_last_are_spread(self):
        self.nginx(A, B, C, D)
        count = collections.Counter(self.hold(80))
        self.assertEqual(set(count), {A, B, C, D})
        self.assertLess(max(count.values()), 40, count)

    def test_the_log_says_what_was_decided(self):
        self.servers.stop(A)
        nginx = self.nginx(A, B, server="access_log access own;")
        for _ in range(3):
            s.ask(PORT)
        lines = self.lines(nginx, 3)
        with_retry = next(line for line in lines if "," in line[0])
        self.assertEqual(with_retry[0], f"127.0.0.1:{A}, 127.0.0.1:{B}")
        self.assertEqual(with_retry[0], with_retry[6])
        first, second = with_retry[2].split(", ")
        self.assertEqual(first, "-")
        self.assertGreater(float(second), 0)
        self.assertEqual(with_retry[5], "200")

    def test_the_first_byte_in_the_log_is_in_microseconds(self):
        nginx = self.nginx(A, server="access_log access own;")
        s.ask(PORT)
        self.assertRegex(self.lines(nginx, 1)[0][2], r"^\d\.\d{6}$")

    def test_hash_keeps_a_key_on_one_server(self):
        text = (f"upstream game {{ leastwise hash; leastwise_key $server_port;"
                f" server 127.0.0.1:{A}; server 127.0.0.1:{B}; server 127.0.0.1:{C}; }}"
                + s.listen(PORT))
        self.enterContext(s.nginx(STATUS, text))
        self.assertEqual(len({s.ask(PORT) for _ in range(30)}), 1)

    def test_affinity_keeps_an_address_on_one_server(self):
        self.nginx(A, B, C, extra="leastwise_affinity 20;")
        self.assertEqual(len({s.ask(PORT) for _ in range(40)}), 1)

    def test_a_proxy_protocol_header_goes_to_the_server_and_is_no_question(self):
        nginx = self.nginx(A, server="proxy_protocol on;")
        with contextlib.closing(s.tcp(PORT)) as client:
            time.sleep(0.3)
            client.sendall(b"hello")
            client.recv(100)
        self.assertTrue(self.servers.got[0][1].startswith(b"PROXY TCP4 127.0.0.1 "))
        harness.wait_for(lambda: nginx.in_flight(POOL) == 0, "the session to end")
        if len(self.servers.got) == 1:  # header and question came together
            self.assertLess(nginx.peers(POOL)[A]["header_time"], 200)

    def test_upstreams_are_chosen_by_the_name_that_tls_asks_for(self):
        with tempfile.TemporaryDirectory() as folder, \
                s.Servers(20629, tls=s.tls_context(folder)) as tls:
            nginx = self.nginx(
                "server 127.0.0.1:20629;", server="ssl_preread on; access_log access own;",
                extra="leastwise_route $ssl_preread_server_name;")
            context = s.ssl.create_default_context(cafile=folder + "/cert.pem")
            with context.wrap_socket(s.tcp(PORT), server_hostname="game.test") as client:
                client.sendall(b"hello")
                self.assertEqual(client.recv(100), b"20629")
            self.assertEqual(tls.sessions[20629], 1)
            self.lines(nginx, 1)
            routes = harness.wait_for(lambda: nginx.status(POOL)["routes"], "the route")
            self.assertIn("game.test", str(routes))
            self.assertEqual(s.results(nginx), {20629: {"ok": 1}})

    def test_proxy_ssl_counts_the_handshake_as_connecting_and_reuses_sessions(self):
        with tempfile.TemporaryDirectory() as folder, \
                s.Servers(20629, tls=s.tls_context(folder)):
            nginx = self.nginx("server 127.0.0.1:20629;", server="proxy_ssl on;")
            self.assertEqual({s.ask(PORT) for _ in range(5)}, {20629})
            harness.wait_for(lambda: nginx.in_flight(POOL) == 0, "sessions to end")
            self.assertEqual(s.results(nginx), {20629: {"ok": 5}})

    def test_a_server_that_does_not_speak_tls_is_tried_elsewhere(self):
        self.servers.mode[A] = "close"
        with tempfile.TemporaryDirectory() as folder, \
                s.Servers(20629, tls=s.tls_context(folder)):
            nginx = self.nginx(A, "server 127.0.0.1:20629;", server="proxy_ssl on;")
            self.assertEqual({s.ask(PORT) for _ in range(5)}, {20629})
            self.assertEqual(s.results(nginx)[A], {"reset": 1})

    def test_an_upstream_may_be_named_by_a_variable(self):
        text = (s.upstream(A) + f"server {{ listen 127.0.0.1:{PORT}; set $name game;"
                " proxy_pass $name; }")
        nginx = self.enterContext(s.nginx(STATUS, text))
        self.assertEqual(s.ask(PORT), A)
        self.assertEqual(nginx.peers(POOL)[A]["active"], 0)


if __name__ == "__main__":
    unittest.main()
