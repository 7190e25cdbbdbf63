"""Active checks of a `stream` upstream: TCP, and HTTP on another port than the sessions use."""

import os
import tempfile
import unittest

import harness
import probed
import stream_servers as s

PORT, STATUS = 20720, 20721
A, B, C, HEALTH = 20722, 20723, 20724, 20725


class Probes(unittest.TestCase):
    def start(self, probe, *servers):
        self.nginx = self.enterContext(s.nginx(
            STATUS, s.upstream(*servers, extra=f"leastwise_probe {probe};") + s.listen(PORT),
            workers=2))

    def peer(self, port):
        return self.nginx.peers("stream/game")[port]

    def wait_state(self, port, state):
        harness.wait_for(lambda: self.peer(port)["state"] == state, f"{port} to be {state}")

    def answers(self, n=12):
        return {s.ask(PORT) for _ in range(n)}

    def test_tcp_takes_out_who_refuses_and_brings_it_back(self):
        servers = self.enterContext(s.Servers(A, B, C))
        self.start("tcp interval=100ms fails=2 passes=2", A, B, C)
        servers.stop(B)
        self.wait_state(B, "unhealthy")
        self.assertEqual(self.peer(B)["leastwise"]["probe"]["last"], "connection refused")
        self.assertEqual(self.answers(), {A, C})
        servers.start(B)
        self.wait_state(B, "up")
        self.assertIn(f'server 127.0.0.1:{B} of upstream "stream/game" is back', self.nginx.log())
        self.assertRegex(self.nginx.get("/metrics").body,
                         rf'leastwise_peer_probes_total{{.*:{B}",result="failed"}} [2-9]')

    def test_http_asks_another_port(self):
        self.enterContext(s.Servers(A, B))
        health = self.enterContext(probed.Server(HEALTH, "503"))
        self.start(f"http port={HEALTH} uri=/up interval=100ms fails=1 passes=1 mandatory", A, B)
        harness.wait_for(lambda: len(health.probes) > 2, "probes")
        self.assertEqual(self.peer(A)["state"], "checking")
        self.assertEqual(self.answers(2), {None})
        health.mode = "ok"
        self.wait_state(A, "up")
        self.wait_state(B, "up")
        self.assertEqual(self.answers(), {A, B})
        self.assertTrue(health.probes[0].head.startswith("GET /up HTTP/1.1\r\nHost: game\r\n"))

    def test_an_old_worker_with_a_session_open_probes_no_more(self):
        path = os.path.join(self.enterContext(tempfile.TemporaryDirectory()), "s")
        server = self.enterContext(probed.Server(path, "hang"))
        self.start("tcp interval=100ms", f"server unix:{path};", f"server unix:{path};")
        harness.wait_for(lambda: server.probes, "the first probe")
        old = set(self.nginx.children())
        client = self.enterContext(s.tcp(PORT))
        client.sendall(b"hello")
        harness.wait_for(lambda: server.requests, "the session")
        self.nginx.process.send_signal(harness.signal.SIGHUP)
        harness.wait_for(lambda: server.probes[-1].pid not in old, "a new worker to probe")
        before = len(server.probes)
        harness.wait_for(lambda: len(server.probes) > before + 10, "more probes")
        self.assertFalse(old & {p.pid for p in server.probes[before:]})
        self.assertTrue(old & set(self.nginx.children()), "the session keeps its worker")


if __name__ == "__main__":
    unittest.main()
