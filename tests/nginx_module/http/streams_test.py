"""Tunnels and event streams keep their place until they end: max_conns holds for them, as it
does with nginx's own methods. What is measured of them ends at the first byte."""

import contextlib
import os
import signal
import socket
import unittest

import backend
import harness

PORT = 20220
A, B = 20221, 20222
STREAMS = 10
PLACES = 2

TUNNEL = (b"GET /websocket/20 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
          b"Connection: Upgrade\r\n\r\n")
EVENTS = b"GET /events/20 HTTP/1.1\r\nHost: x\r\n\r\n"


def config(method, *servers):
    text = "".join(f"server 127.0.0.1:{p} max_conns={PLACES}; " for p in servers)
    return (f"upstream app {{ zone app 64k; {method} {text} }} server {{ listen 127.0.0.1:{PORT};"
            " location / { proxy_pass http://app; proxy_http_version 1.1; proxy_buffering off;"
            " proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }"
            " location = /leastwise { leastwise_status; } }")


class Streams(unittest.TestCase):
    def setUp(self):
        self.enterContext(backend.Backends(A, B))

    def nginx(self, method, servers=(A,), **options):
        return self.enterContext(harness.Nginx(PORT, config(method, *servers), **options))

    def open(self, request, n=STREAMS):
        """Sends the request n times, one after the other: (sockets, statuses)."""
        sockets, statuses = [], []
        for _ in range(n):
            s = self.enterContext(contextlib.closing(
                socket.create_connection(("127.0.0.1", PORT))))
            s.settimeout(10)
            s.sendall(request)
            sockets.append(s)
            statuses.append(int(s.recv(4096).split()[1]))
        return sockets, statuses

    def test_max_conns_holds_for_them_as_in_nginx(self):
        for request, good in ((EVENTS, 200), (TUNNEL, 101)):
            expected = [good] * PLACES + [502] * (STREAMS - PLACES)
            for method in ("least_conn;", "leastwise;", "leastwise; leastwise_sample full;"):
                with self.subTest(method=method, status=good), \
                        harness.Nginx(PORT, config(method, A)):
                    sockets, statuses = self.open(request)
                    print(f"{method:35} {statuses}")
                    self.assertEqual(sorted(statuses), sorted(expected))
                    for s in sockets:
                        s.close()

    def test_a_place_is_free_again_when_the_stream_ends(self):
        nginx = self.nginx("leastwise;")
        for request in (EVENTS, TUNNEL):
            sockets, statuses = self.open(request, PLACES)
            peer = nginx.peers()[A]
            self.assertEqual((peer["active"], peer["leastwise"]["held"]), (PLACES, PLACES))
            self.assertEqual(nginx.get().status, 502)
            for s in sockets:
                s.close()
            harness.wait_for(lambda: nginx.in_flight() == 0, "the places to be given back")
            self.assertEqual(nginx.peers()[A]["leastwise"]["held"], 0)
            self.assertEqual(nginx.get().status, 200, statuses)

    def test_a_killed_worker_s_places_are_given_back(self):
        nginx = self.nginx("leastwise;", workers=2)
        self.open(TUNNEL, PLACES)
        self.assertEqual(nginx.in_flight(), PLACES)
        for pid in nginx.children():
            os.kill(pid, signal.SIGKILL)
        harness.wait_for(lambda: len(nginx.children()) == 2, "new workers")
        harness.wait_for(lambda: nginx.in_flight() == 0, "the places to be given back", 5)
        harness.wait_for(lambda: nginx.peers()[A]["leastwise"]["held"] == 0, "held ones too", 5)
        self.assertEqual(self.open(EVENTS, PLACES)[1], [200] * PLACES)

    def test_a_tunnel_is_measured_to_its_first_byte_whatever_the_sample(self):
        nginx = self.nginx("leastwise; leastwise_sample full;")
        with contextlib.closing(socket.create_connection(("127.0.0.1", PORT))) as s:
            s.sendall(TUNNEL.replace(b"/20", b"/1"))
            while s.recv(4096):  # until the server closes it
                pass
        harness.wait_for(lambda: nginx.in_flight() == 0, "the tunnel to end")
        self.assertLess(nginx.peers()[A]["response_time"], 500)  # ms

    def test_they_do_not_count_as_queued(self):
        """A server that has all the tunnels is as good as one that has none."""
        nginx = self.nginx("leastwise;", servers=(A, B))
        self.open(TUNNEL, 2 * PLACES - 1)
        harness.wait_for(lambda: sum(p["leastwise"]["held"] for p in nginx.peers().values())
                         == 2 * PLACES - 1, "the tunnels")
        harness.wait_for(lambda: all(p["leastwise"]["in_transit"] == 0
                                     for p in nginx.peers().values()), "a tick")
        self.assertEqual({nginx.get().status for _ in range(20)}, {200})


if __name__ == "__main__":
    unittest.main()
