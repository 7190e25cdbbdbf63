"""One directive is enough, and what has nothing to learn from is nginx's own round robin."""

import contextlib
import socket
import subprocess
import time
import unittest

import backend
import harness

PORT = 20000
A, B, C = 20001, 20002, 20003
FAST, FASTER = 20004, 20005
SERVERS = "".join(f"server 127.0.0.1:{p}; " for p in (A, B, C))
STATUS = "location = /leastwise { leastwise_status; }"


def config(upstream, location="proxy_pass http://app;", extra=""):
    return (f"upstream app {{ {upstream} }} {extra} server {{ listen 127.0.0.1:{PORT};"
            f" location / {{ {location} }} {STATUS} }}")


class Balancing(unittest.TestCase):
    def setUp(self):
        self.backends = self.enterContext(backend.Backends(A, B, C))

    def nginx(self, *arguments, **options):
        return self.enterContext(harness.Nginx(PORT, *arguments, **options))

    def sequence(self, nginx, n, path="/"):
        return [int(nginx.get(path).body) for _ in range(n)]

    def test_one_directive_is_enough(self):
        nginx = self.nginx(config("leastwise; " + SERVERS))
        self.assertEqual(self.sequence(nginx, 6), [A, B, C, A, B, C])
        for peer in nginx.peers().values():
            self.assertEqual(peer["leastwise"]["picks"], 2)
            self.assertEqual(peer["leastwise"]["results"]["ok"], 2)

    def test_idle_order_is_that_of_nginx_request_by_request(self):
        servers = f"server 127.0.0.1:{A} weight=5; server 127.0.0.1:{B}; server 127.0.0.1:{C};"
        for policy in ("leastwise;", "leastwise least_conn;", "leastwise round_robin;"):
            with self.subTest(policy):
                text = (f"upstream ours {{ {policy} {servers} }} upstream own {{ {servers} }}"
                        f" server {{ listen 127.0.0.1:{PORT};"
                        " location /ours { proxy_pass http://ours; }"
                        " location /own { proxy_pass http://own; } }")
                with harness.Nginx(PORT, text) as nginx:
                    # Fewer than the 32 answers after which the adaptive policy trusts
                    # what it learned.
                    own = self.sequence(nginx, 28, "/own")
                    self.assertEqual(own[:7], [A, A, B, A, C, A, A])
                    self.assertEqual(self.sequence(nginx, 28, "/ours"), own)

    def test_weights_are_shares_also_while_it_is_not_known_how_fast_the_servers_are(self):
        # The heaviest is known first, and equal servers look unequal by their first answers.
        nginx = self.nginx(config(f"leastwise; server 127.0.0.1:{A} weight=1;"
                                  f" server 127.0.0.1:{B} weight=3; server 127.0.0.1:{C} weight=6;"))
        served = self.sequence(nginx, 300)
        for port, wanted in ((A, 30), (B, 90), (C, 180)):
            # Not exactly: beside a compiler equal servers differ.
            self.assertAlmostEqual(served.count(port), wanted, delta=0.3 * wanted)

    def test_no_answer_is_lost_when_many_come_at_once(self):
        # nginx is its own backend, and each client sends all its requests in one go: some
        # thousands of answers per second, of which 256 fit between two ticks.
        servers = "".join(f"server {{ listen 127.0.0.1:{p}; return 200; }} " for p in (FAST, FASTER))
        nginx = self.nginx(config(f"leastwise; server 127.0.0.1:{FAST}; server 127.0.0.1:{FASTER};",
                                  extra=servers))
        clients, each = 8, 500
        request = b"GET / HTTP/1.1\r\nHost: app\r\n\r\n"
        last = b"GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n"
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", PORT)))
                       for _ in range(clients)]
            for s in sockets:
                s.sendall(request * (each - 1) + last)
            for s in sockets:
                while s.recv(65536):
                    pass
        asked = clients * each
        model = harness.wait_for(
            lambda: (m := nginx.status()["model"])["samples"] + m["samples_lost"] + m["samples_set_aside"] >= asked and m,
            "all answers to be learned from")
        # On a busy machine both "servers" may stand still at once.
        self.assertEqual((model["samples"] + model["samples_set_aside"], model["samples_lost"]), (asked, 0))

    def test_hash_keeps_a_key_on_its_server_whatever_the_order_of_the_servers(self):
        nginx = self.nginx(config("leastwise hash; leastwise_key $arg_user; " + SERVERS))
        first = [self.sequence(nginx, 3, f"/?user={i}") for i in range(30)]
        for answers in first:
            self.assertEqual(len(set(answers)), 1)
        self.assertEqual({answers[0] for answers in first}, {A, B, C})
        turned = "".join(f"server 127.0.0.1:{p}; " for p in (C, A, B))
        nginx.configure(config("leastwise hash; leastwise_key $arg_user; " + turned))
        nginx.reload()
        self.assertEqual([self.sequence(nginx, 1, f"/?user={i}")[0] for i in range(30)],
                         [answers[0] for answers in first])

    def test_hash_goes_by_the_clients_address_without_a_key(self):
        nginx = self.nginx(config("leastwise hash; " + SERVERS))
        self.assertEqual(len(set(self.sequence(nginx, 9))), 1)

    def test_zone_of_nginx_beside_ours(self):
        nginx = self.nginx(config("zone app 64k; leastwise; " + SERVERS), workers=2)
        self.assertEqual(set(self.sequence(nginx, 12)), {A, B, C})
        self.assertEqual(nginx.in_flight(), 0)

    def test_upstream_named_by_a_variable(self):
        nginx = self.nginx(config("leastwise; " + SERVERS,
                                  "set $name app; proxy_pass http://$name;"))
        self.assertEqual(self.sequence(nginx, 3), [A, B, C])

    def test_without_a_master_process(self):
        nginx = self.nginx(config("leastwise; " + SERVERS), "master_process off;")
        self.assertEqual(self.sequence(nginx, 3), [A, B, C])
        harness.wait_for(lambda: nginx.status()["model"]["ticks"] > 1, "a tick")

    def test_same_address_on_two_lines_is_two_endpoints(self):
        nginx = self.nginx(config(f"leastwise; server 127.0.0.1:{A} weight=2;"
                                  f" server 127.0.0.1:{A} backup;"))
        self.assertEqual(self.sequence(nginx, 4), [A] * 4)
        names = sorted(p["name"] for p in nginx.status()["peers"])
        self.assertEqual(names, [f"http/app/127.0.0.1:{A}", f"http/app/127.0.0.1:{A}#2"])

    def test_a_hundred_servers(self):
        many = range(20100, 20200)
        with contextlib.ExitStack() as stack:
            for port in many:
                listener = stack.enter_context(socket.socket())
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("127.0.0.1", port))
            servers = "".join(f"server 127.0.0.1:{p}; " for p in many)
            nginx = self.nginx(config(f"leastwise; {servers} server 127.0.0.1:{A} backup;",
                                      "proxy_pass http://app; proxy_next_upstream_tries 200;"))
            # All refuse, so the one answer comes from the backup, after each was tried.
            self.assertEqual(nginx.get().status, 200)
            peers = nginx.peers()
            self.assertEqual(sum(p["leastwise"]["results"]["refused"] for p in peers.values()), 100)

    def test_several_upstreams_keep_apart(self):
        nginx = self.nginx(config("leastwise; " + SERVERS,
                                  extra=f"upstream two {{ leastwise; server 127.0.0.1:{A}; }}"))
        self.sequence(nginx, 3)
        self.assertEqual(nginx.peers("two")[A]["leastwise"]["picks"], 0)
        self.assertEqual(nginx.peers("app")[A]["leastwise"]["picks"], 1)

    def test_subrequests_have_attempts_of_their_own(self):
        nginx = self.nginx(config(
            "leastwise; " + SERVERS,
            "auth_request /check; mirror /copy; proxy_pass http://app;"
            " add_header X-Leastwise $leastwise_endpoint; }"
            " location = /check { internal; proxy_pass http://app; }"
            " location = /copy { internal; proxy_pass http://app; "))
        answer = nginx.get()
        self.assertEqual(answer.headers["X-Leastwise"], f"127.0.0.1:{answer.body}")
        harness.wait_for(lambda: sum(p["leastwise"]["results"]["ok"]
                                     for p in nginx.peers().values()) == 3, "all three to end")
        self.assertEqual(nginx.in_flight(), 0)

    def test_unix_sockets(self):
        nginx = harness.Nginx(PORT)
        path = nginx.path("server.sock")
        nginx.configure(config(f"leastwise; server unix:{path};")
                        + f" server {{ listen unix:{path}; return 200 $server_addr; }}")
        self.enterContext(nginx)
        self.assertEqual(nginx.get().body, "unix:" + path)
        self.assertEqual(nginx.status()["peers"][0]["name"], "http/app/unix:" + path)

    def test_tls_to_the_servers(self):
        nginx = harness.Nginx(PORT)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                        "/CN=app", "-keyout", nginx.path("key"), "-out", nginx.path("cert")],
                       check=True, capture_output=True)
        nginx.configure(
            config("leastwise; zone app 64k; server 127.0.0.1:20005; server 127.0.0.1:20006;",
                   # Each a handshake: since 1.29.7 nginx keeps connections by itself.
                   "proxy_pass https://app; proxy_set_header Connection close;")
            + f" ssl_certificate {nginx.path('cert')}; ssl_certificate_key {nginx.path('key')};"
            " server { listen 127.0.0.1:20005 ssl; listen 127.0.0.1:20006 ssl;"
            " return 200 $server_port$ssl_session_reused; }")
        self.enterContext(nginx)
        answers = [nginx.get().body for _ in range(6)]
        # Sessions are kept by server, through nginx's own callbacks.
        self.assertEqual(answers, ["20005.", "20006.", "20005r", "20006r", "20005r", "20006r"])

    def test_slower_server_gets_less(self):
        nginx = self.nginx(config("leastwise; " + SERVERS))
        with harness.Load(PORT, clients=6, path=f"/sleep/0.02/{A}") as load:
            harness.wait_for(lambda: load.sent > 600, "600 requests", 60)
        self.assertEqual(load.failures, [])
        picks = {p: v["leastwise"]["picks"] for p, v in nginx.peers().items()}
        # 20 ms against less than 2: a fair share would be a third.
        self.assertLess(picks[A], sum(picks.values()) / 6)
        self.assertEqual(nginx.in_flight(), 0)


class Variables(unittest.TestCase):
    FIELDS = "endpoint reason predicted_time first_byte_time score inflight".split()

    def setUp(self):
        self.backends = self.enterContext(backend.Backends(A, B))

    def ask(self, path, servers=(A, B), extra=""):
        header = " ".join(f"{f}=$leastwise_{f};" for f in self.FIELDS)
        text = config("leastwise; " + "".join(f"server 127.0.0.1:{p}; " for p in servers),
                      "proxy_pass http://app; proxy_next_upstream error http_503;"
                      f" add_header X-Leastwise \"{header}\" always; {extra}")
        with harness.Nginx(PORT, text) as nginx:
            answer = nginx.get(path)
        pairs = answer.headers["X-Leastwise"].rstrip(";").split("; ")
        return answer, dict(pair.split("=") for pair in pairs)

    def test_of_one_try(self):
        _, values = self.ask("/")
        self.assertEqual(values["endpoint"], f"127.0.0.1:{A}")
        self.assertEqual(values["reason"], "unlearned")
        self.assertEqual(values["predicted_time"], "-")
        self.assertRegex(values["first_byte_time"], r"^0\.\d{6}$")
        self.assertEqual(values["inflight"], "0")

    def test_say_when_the_guard_lets_least_conn_choose(self):
        text = config("leastwise; leastwise_switchback on; "
                      + "".join(f"server 127.0.0.1:{p}; " for p in (A, B)),
                      "proxy_pass http://app; add_header X-Reason $leastwise_reason always;")
        reasons = set()
        with harness.Nginx(PORT, text) as nginx:
            end = time.monotonic() + 30  # its second comes within twenty, in a draw of each ten
            while "switchback" not in reasons and time.monotonic() < end:
                reasons.add(nginx.get("/").headers["X-Reason"])
        self.assertEqual(reasons, {"unlearned", "policy", "switchback"})

    def test_of_several_tries_are_joined_as_those_of_nginx(self):
        answer, values = self.ask(f"/status/503/{A}")
        self.assertEqual(answer.status, 200)
        self.assertEqual(values["endpoint"], f"127.0.0.1:{A}, 127.0.0.1:{B}")
        self.assertRegex(values["first_byte_time"], r"^-, 0\.\d{6}$")
        self.assertEqual(values["inflight"], "0, 0")

    def test_outlive_an_internal_redirect(self):
        text = config(f"leastwise; server 127.0.0.1:{A};",
                      "proxy_pass http://app; error_page 503 /inner;"
                      " proxy_intercept_errors on; } location = /inner { internal;"
                      " add_header X-Leastwise $leastwise_endpoint always; proxy_pass http://two/;",
                      extra=f"upstream two {{ leastwise; server 127.0.0.1:{B}; }}")
        with harness.Nginx(PORT, text) as nginx:
            answer = nginx.get("/status/503")
        self.assertEqual(answer.headers["X-Leastwise"], f"127.0.0.1:{A} : 127.0.0.1:{B}")

    def test_outlive_x_accel_redirect(self):
        text = config(f"leastwise; server 127.0.0.1:{A};",
                      "proxy_pass http://app; } location = /inner { internal;"
                      " add_header X-Leastwise $leastwise_endpoint; return 200 inner;")
        with harness.Nginx(PORT, text) as nginx:
            answer = nginx.get("/accel")
        self.assertEqual(answer.body, "inner")
        self.assertEqual(answer.headers["X-Leastwise"], f"127.0.0.1:{A}")

    def test_of_a_request_without_upstream_are_empty(self):
        text = config("leastwise; " + SERVERS, "return 200 [$leastwise_endpoint];")
        with harness.Nginx(PORT, text) as nginx:
            self.assertEqual(nginx.get().body, "[]")


if __name__ == "__main__":
    unittest.main()
