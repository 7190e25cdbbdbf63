"""Servers that nginx looks up again and again (`resolve`, since nginx 1.27.3) come and go in stream, too."""

import collections
import unittest

import harness
import names
import stream_servers as s

STATUS, PORT, DNS = 20680, 20681, 20682
A, B, C = 20683, 20684, 20685
POOL = "stream/game"
SERVICE = ("_game._tcp.app.test", "SRV")


@unittest.skipIf(harness.VERSION < (1, 27, 3), "nginx looks names up once before 1.27.3")
@unittest.skipUnless(names.FOUND, names.WHY_NOT)
class Resolve(unittest.TestCase):
    UDP = False

    def setUp(self):
        self.enterContext(s.Servers(A, B, C, udp=self.UDP))
        self.names = self.enterContext(names.Names(DNS, {("here.test", "A"): ["127.0.0.1"]}))

    def set_servers(self, *ports):
        self.names.zone[SERVICE] = [f"10 10 {port} here.test." for port in ports]

    def nginx(self):
        server = "proxy_responses 1; proxy_timeout 500ms;" if self.UDP else ""
        return self.enterContext(s.nginx(
            STATUS, f"resolver 127.0.0.1:{DNS} valid=1s ipv6=off;"
            + s.upstream("server app.test service=game resolve;", extra="zone game 256k;")
            + s.listen(PORT, server, udp=self.UDP), workers=2))

    def ask(self):
        return s.ask_udp(PORT, timeout=0.3) if self.UDP else s.ask(PORT)

    def wait_for_servers(self, *ports):
        harness.wait_for(lambda: {self.ask() for _ in range(12)} == set(ports), f"servers {ports}")

    def test_servers_come_and_go_with_their_records(self):
        self.set_servers(A, B)
        nginx = self.nginx()
        self.wait_for_servers(A, B)
        picks = nginx.peers(POOL)[B]["leastwise"]["picks"]
        self.set_servers(B, C)
        self.wait_for_servers(B, C)
        self.assertEqual(nginx.peers(POOL).keys(), {B, C})
        self.assertGreater(nginx.peers(POOL)[B]["leastwise"]["picks"], picks)
        self.assertEqual(collections.Counter(self.ask() for _ in range(20))[None], 0)
        harness.wait_for(lambda: nginx.in_flight(POOL) == 0, "sessions to end")


class ResolveUdp(Resolve):
    UDP = True


if __name__ == "__main__":
    unittest.main()
