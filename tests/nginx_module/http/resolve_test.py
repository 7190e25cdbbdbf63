"""Servers that nginx looks up again and again (`resolve`, since nginx 1.27.3) come and go while requests
are served, as with nginx's own least_conn when `leastwise;` takes its place."""

import collections
import os
import random
import signal
import time
import unittest

import backend
import harness
import names

PORT, DNS = 20190, 20191
A, B, C, D = 20192, 20193, 20194, 20195
SERVICE = ("_http._tcp.app.test", "SRV")


def service(*ports, priority=10, weight=10):
    """Records of servers on this machine."""
    return [f"{priority} {weight} {port} here.test." for port in ports]


class Resolve:
    """For each method a class of its own, below."""

    def setUp(self):
        self.backends = self.enterContext(backend.Backends(A, B, C, D))
        self.names = self.enterContext(names.Names(DNS, {("here.test", "A"): ["127.0.0.1"]}))

    def nginx(self, server="server app.test service=http resolve;",
              resolver=f"resolver 127.0.0.1:{DNS} valid=1s ipv6=off;", **options):
        status = "leastwise_status;" if self.METHOD == "leastwise;" else "return 404;"
        nginx = self.enterContext(harness.Nginx(PORT, (
            f"{resolver} resolver_timeout 2s;"
            f" upstream app {{ zone app 256k; {self.METHOD} {server} {harness.UNKEPT} }}"
            f" server {{ listen 127.0.0.1:{PORT}; location / {{ proxy_pass http://app; }}"
            f" location = /leastwise {{ {status} }} }}"), **options))
        harness.wait_for(lambda: nginx.get().status == 200, "the first servers")
        return nginx

    @staticmethod
    def served(nginx, n=12):
        return collections.Counter(int(nginx.get().body) for _ in range(n))

    def wait_for_servers(self, nginx, *ports):
        harness.wait_for(lambda: set(self.served(nginx)) == set(ports), f"servers {ports}")

    def test_servers_come_and_go_with_their_records_and_no_request_is_lost(self):
        self.names.zone[SERVICE] = service(A, B)
        nginx = self.nginx(workers=2)
        self.wait_for_servers(nginx, A, B)
        with harness.Load(PORT, clients=4) as load:
            for ports in ((B, C), (C, D, A), (D,), (A, B, C, D)):
                self.names.zone[SERVICE] = service(*ports)
                self.wait_for_servers(nginx, *ports)
        self.assertEqual(load.failures, [])
        self.assertGreater(load.sent, 200)

    def test_a_name_with_several_addresses_is_as_many_servers(self):
        self.names.zone[("app.test", "A")] = ["127.0.0.1"]
        with backend.Backends(A, host="127.0.0.2") as other:
            nginx = self.nginx(f"server app.test:{A} resolve;")
            self.assertEqual(other.requests, [])
            self.names.zone[("app.test", "A")] = ["127.0.0.1", "127.0.0.2"]
            harness.wait_for(lambda: nginx.get() and other.requests, "the second address")
            before = len(self.backends.requests), len(other.requests)
            self.served(nginx, 10)
            self.assertEqual((len(self.backends.requests) - before[0],
                              len(other.requests) - before[1]), (5, 5))

    def test_a_record_s_weight_and_priority_are_those_of_the_server(self):
        self.names.zone[SERVICE] = (service(A, weight=30) + service(B, weight=10)
                                    + service(C, priority=20))
        nginx = self.nginx()
        self.assertEqual(self.served(nginx, 20), {A: 15, B: 5})
        for port in (A, B):
            self.backends.stop(port)
        self.assertEqual(self.served(nginx, 5), {C: 5})

    def test_without_servers_there_is_no_answer_until_there_are_some(self):
        self.names.zone[SERVICE] = service(A)
        nginx = self.nginx("server app.test service=http resolve;")
        self.names.zone[SERVICE] = service(B)
        self.wait_for_servers(nginx, B)

    def test_an_upstream_may_have_a_resolver_of_its_own(self):
        self.names.zone[SERVICE] = service(A)
        nginx = self.nginx("server app.test service=http resolve;"
                           f" resolver 127.0.0.1:{DNS} valid=1s ipv6=off;", resolver="")
        self.names.zone[SERVICE] = service(B, C)
        self.wait_for_servers(nginx, B, C)

    def test_names_beside_addresses(self):
        self.names.zone[SERVICE] = service(A, weight=1)
        nginx = self.nginx(f"server app.test service=http resolve; server 127.0.0.1:{B};"
                           f" server 127.0.0.1:{C} backup;")
        # A look-up in between, one a second, begins the turn anew, with nginx's own methods too.
        harness.wait_for(lambda: self.served(nginx, 10) == {A: 5, B: 5}, "half each", 10)
        self.names.zone[SERVICE] = service(D, weight=1)
        self.wait_for_servers(nginx, B, D)


@unittest.skipIf(harness.VERSION < (1, 27, 3), "nginx looks names up once before 1.27.3")
@unittest.skipUnless(names.FOUND, names.WHY_NOT)
class WithLeastConn(Resolve, unittest.TestCase):
    METHOD = "least_conn;"


@unittest.skipIf(harness.VERSION < (1, 27, 3), "nginx looks names up once before 1.27.3")
@unittest.skipUnless(names.FOUND, names.WHY_NOT)
class Watched(Resolve, unittest.TestCase):
    METHOD = "least_conn; leastwise_observe on;"


@unittest.skipIf(harness.VERSION < (1, 27, 3), "nginx looks names up once before 1.27.3")
@unittest.skipUnless(names.FOUND, names.WHY_NOT)
class WithLeastwise(Resolve, unittest.TestCase):
    METHOD = "leastwise;"

    def test_who_stays_is_known_still_and_who_is_gone_is_on_no_page(self):
        self.names.zone[SERVICE] = service(A, B)
        nginx = self.nginx()
        self.served(nginx, 40)
        picks = nginx.peers()[B]["leastwise"]["picks"]
        self.assertGreater(picks, 10)
        self.names.zone[SERVICE] = service(B, C)
        self.wait_for_servers(nginx, B, C)
        self.assertEqual(nginx.peers().keys(), {B, C})
        self.assertGreater(nginx.peers()[B]["leastwise"]["picks"], picks)

    def test_reloads_and_killed_workers_leave_nothing_in_flight(self):
        self.names.zone[SERVICE] = service(A, B, C)
        nginx = self.nginx(workers=2)
        with harness.Load(PORT, clients=4) as load:
            for ports in ((A, B), (B, C), (C, A)):
                self.names.zone[SERVICE] = service(*ports)
                nginx.reload()
                time.sleep(0.3)
            # Between two requests: who dies with nginx's lock on a list that changes leaves it locked.
        self.assertEqual(load.failures, [])
        os.kill(random.choice(nginx.children()), signal.SIGKILL)
        harness.wait_for(lambda: nginx.in_flight() == 0, "nothing in flight")
        self.wait_for_servers(nginx, C, A)


if __name__ == "__main__":
    unittest.main()
