"""`leastwise_observe on;` in stream: nginx's own method goes on as it is, and Leastwise looks on."""

import unittest

import harness
import stream_servers as s

STATUS, PORT = 20980, 20981
A, B, C = 20982, 20983, 20984
DEAD, UDP = 20985, 20986
POOL = "stream/game"
SERVERS = "".join(f"server 127.0.0.1:{p}; " for p in (A, B, C))


def upstream(text):
    return f"upstream game {{ {text} }} " + s.listen(PORT)


class Shadow(unittest.TestCase):
    def setUp(self):
        self.servers = self.enterContext(s.Servers(A, B, C))

    def served(self, text, n):
        with s.nginx(STATUS, upstream(text)):
            return [s.ask(PORT) for _ in range(n)]

    def test_each_method_sends_each_session_where_it_does_without(self):
        for method in ("", "least_conn;", "hash $remote_addr consistent;"):
            with self.subTest(method):
                self.assertEqual(self.served(f"{method} leastwise_observe on; {SERVERS}", 15),
                                 self.served(method + SERVERS, 15))

    def test_it_learns_and_says_where_it_would_go(self):
        self.servers.mode[A] = "slow"
        self.servers.delay = 0.08
        with s.nginx(STATUS, upstream("leastwise_observe on; leastwise_slots 4; " + SERVERS)) as nginx:
            for _ in range(150):
                s.ask(PORT)
            status = nginx.status(POOL)
            self.assertEqual(nginx.in_flight(POOL), 0)
        peers = {int(p["server"].rsplit(":", 1)[1]): p["leastwise"] for p in status["peers"]}
        self.assertEqual({p["picks"] for p in peers.values()}, {50})
        shadow = status["shadow"]
        self.assertGreater(shadow["decisions"], 50)
        self.assertGreater(shadow["differ"], shadow["decisions"] / 5)
        self.assertLess(peers[A]["shadow_picks"], shadow["decisions"] / 10)

    def test_a_dead_server_is_left_to_nginx(self):
        lines = f"server 127.0.0.1:{DEAD} max_fails=2 fail_timeout=60s; server 127.0.0.1:{A};"
        with s.nginx(STATUS, upstream("leastwise_observe on; " + lines)) as nginx:
            self.assertEqual({s.ask(PORT) for _ in range(10)}, {A})
            dead = nginx.peers(POOL)[DEAD]["leastwise"]
        self.assertEqual(dead["results"]["refused"], 2)

    def test_it_may_not_stand_beside_leastwise(self):
        code, said = s.nginx(STATUS, upstream("leastwise; leastwise_observe on; " + SERVERS)).check()
        self.assertNotEqual(code, 0)
        self.assertIn('"leastwise" is a method: take one of the two out of upstream "game"', said)


if __name__ == "__main__":
    unittest.main()
