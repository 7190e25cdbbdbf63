"""What was learned lives on: through reloads, other sizes of the zone, and servers that
come, go or change places. What is in flight is right again when a worker is killed."""

import http.client
import os
import random
import signal
import time
import unittest

import backend
import harness

PORT = 20060
A, B, C, D = 20061, 20062, 20063, 20064
KILLS = 5 if harness.SANITIZED else 20
RELOADS = 3 if harness.SANITIZED else 10


def config(*servers, extra="", location="", decay="10m"):
    text = "".join(s if isinstance(s, str) else f"server 127.0.0.1:{s}; " for s in servers)
    # What was learned fades so slowly that it does not matter how long a reload takes.
    return (f"upstream app {{ leastwise; leastwise_decay {decay}; {extra} {text} }}"
            f" server {{ listen 127.0.0.1:{PORT};"
            f" location / {{ proxy_pass http://app; {location} }}"
            " location = /leastwise { leastwise_status; } }")


def hold_in_flight(test, n):
    """Clients that wait for an answer that comes too late."""
    clients = [http.client.HTTPConnection("127.0.0.1", PORT) for _ in range(n)]
    for client in clients:
        test.addCleanup(client.close)
        client.request("GET", "/sleep/30")
    return clients


class Learned(unittest.TestCase):
    def setUp(self):
        self.enterContext(backend.Backends(A, B, C, D))

    def nginx(self, text, **options):
        return self.enterContext(harness.Nginx(PORT, text, **options))

    def teach(self, nginx, seconds=3.0):
        # A is slower than the others, but used: there are more clients than two can serve.
        with harness.Load(PORT, clients=10, path="/random/0.01") as load:
            time.sleep(seconds)
        self.assertEqual(load.failures, [])
        # A client has its answer before nginx is done with the request, and learns from it.
        harness.wait_for(lambda: nginx.in_flight() == 0, "nothing in flight")

    @staticmethod
    def known(nginx):
        return {p for p, v in nginx.peers().items() if v["leastwise"]["known"]}

    @staticmethod
    def picks(nginx):
        return {p: v["leastwise"]["picks"] for p, v in nginx.peers().items()}

    @staticmethod
    def measured(nginx):
        """Slowness by the answers alone. How far they are believed depends on the others."""
        return {p: v["leastwise"]["measured"] for p, v in nginx.peers().items()}

    def assert_kept(self, before, after):
        drift = max(abs(after[p] / value - 1) for p, value in before.items())
        self.assertLess(drift, 0.001)
        print(f"what {len(before)} servers took drifted by {drift:.2%} at most")

    def change(self, nginx, text):
        before, picks = self.measured(nginx), self.picks(nginx)
        # Two servers that do not share a value by chance or by default.
        self.assertGreaterEqual(self.known(nginx), {A, B})
        self.assertGreater(abs(before[A] / before[B] - 1), 0.05)
        nginx.configure(text)
        nginx.reload()
        after = self.measured(nginx)
        kept = before.keys() & after.keys()
        self.assert_kept({p: before[p] for p in kept}, after)
        self.assertEqual({p: picks[p] for p in kept},
                         {p: n for p, n in self.picks(nginx).items() if p in kept})
        return after

    def test_through_reload(self):
        nginx = self.nginx(config(A, B, C), workers=2)
        self.teach(nginx)
        for _ in range(3):
            self.change(nginx, config(A, B, C))

    def test_when_servers_change_places_come_and_go(self):
        nginx = self.nginx(config(A, B, C))
        self.teach(nginx)
        after = self.change(nginx, config(C, A, B))
        after = self.change(nginx, config(D, A, B))
        self.assertEqual(after.keys(), {A, B, D})
        self.assertEqual(self.picks(nginx)[D], 0)  # nothing of C's
        # Let D be known as well as the others.
        self.teach(nginx)
        self.assertGreater(self.picks(nginx)[D], 0)
        after = self.change(nginx, config(A, B, C, D))
        self.assertEqual(after.keys(), {A, B, C, D})
        self.assertGreater(self.picks(nginx)[C], 0)  # it came back

    def test_when_the_zone_gets_another_size_or_name(self):
        nginx = self.nginx(config(A, B, C))
        self.teach(nginx)
        self.change(nginx, config(A, B, C, extra="leastwise_zone app 2m;"))
        self.change(nginx, config(A, B, C, extra="leastwise_zone app 4m;"))
        self.change(nginx, config(A, B, C, extra="leastwise_zone app 1m;"))
        self.change(nginx, config(A, B, C, extra="leastwise_zone other 1m;"))
        many = [f"server 127.0.0.2:{p}; " for p in range(21000, 21030)]
        self.change(nginx, config(A, B, C, *many))  # the default zone grows

    def test_settings_change_with_a_reload(self):
        nginx = self.nginx(config(A, B))
        nginx.configure(config(f"server 127.0.0.1:{A} weight=3 max_conns=7; ",
                               f"server 127.0.0.1:{B} down; "))
        nginx.reload()
        peers = nginx.peers()
        self.assertEqual((peers[A]["weight"], peers[A]["max_conns"]), (3, 7))
        self.assertEqual(peers[B]["state"], "down")

    def test_a_failed_reload_changes_nothing(self):
        nginx = self.nginx(config(A, B, C))
        self.teach(nginx)
        before = self.measured(nginx)
        nginx.configure(config(D, decay="0s"))
        nginx.process.send_signal(signal.SIGHUP)
        harness.wait_for(lambda: "invalid value \"0s\"" in nginx.log(), "the refusal")
        self.assert_kept(before, self.measured(nginx))
        # This one fails only after the shared memory was set up.
        nginx.configure(config(D) + " server { listen 192.0.2.1:1; }")
        nginx.process.send_signal(signal.SIGHUP)
        harness.wait_for(lambda: "192.0.2.1:1 failed" in nginx.log(), "the refusal")
        self.assert_kept(before, self.measured(nginx))
        self.assertEqual({nginx.get().status for _ in range(6)}, {200})
        self.assertEqual(self.picks(nginx).keys(), {A, B, C})

    def test_reloads_under_load_fail_no_request(self):
        nginx = self.nginx(config(A, B, C, extra="keepalive 8;",
                                  location="proxy_http_version 1.1;"
                                  " proxy_set_header Connection '';"), workers=2)
        with harness.Load(PORT, clients=8, path=f"/sleep/0.01/{A}") as load:
            for i in range(RELOADS):
                time.sleep(0.3)
                servers = random.Random(i).sample((A, B, C, D), 3)
                nginx.configure(config(*servers, extra="keepalive 8;",
                                       location="proxy_http_version 1.1;"
                                       " proxy_set_header Connection '';"))
                nginx.reload()
            time.sleep(0.3)
        self.assertEqual(load.failures, [])
        self.assertGreater(load.sent, 100)
        self.assertEqual(nginx.in_flight(), 0)
        print(f"reloads: {RELOADS}, requests: {load.sent}, failed: 0")


class Killed(unittest.TestCase):
    def setUp(self):
        self.enterContext(backend.Backends(A, B, C))

    def test_workers_killed_under_load_leave_nothing_in_flight(self):
        limited = [f"server 127.0.0.1:{p} max_conns=6; " for p in (A, B, C)]
        nginx = self.enterContext(harness.Nginx(PORT, config(*limited), workers=2))
        # Requests of a killed worker fail, and those that meet a full house.
        with harness.Load(PORT, clients=12, path="/sleep/0.02") as load:
            for _ in range(KILLS):
                time.sleep(0.15)
                victims = nginx.children()
                os.kill(random.choice(victims), signal.SIGKILL)
                harness.wait_for(lambda: len(nginx.children()) == 2
                                 and not set(victims) >= set(nginx.children()), "a new worker")
        self.assertGreater(load.sent, 100)
        harness.wait_for(lambda: nginx.in_flight() == 0, "in-flight counts to heal", 5)
        peers = nginx.peers()
        healed = sum(p["leastwise"]["healed"] for p in peers.values())
        picks = sum(p["leastwise"]["picks"] for p in peers.values())
        results = sum(sum(p["leastwise"]["results"].values()) for p in peers.values())
        self.assertEqual(picks, results + healed)
        self.assertGreater(healed, 0)
        # Nobody is shut out: every place of every server can be taken.
        clients = hold_in_flight(self, 18)
        harness.wait_for(lambda: {p["active"] for p in nginx.peers().values()} == {6},
                         "every place to be taken")
        for client in clients:
            client.close()
        print(f"kills: {KILLS}, requests: {load.sent}, failed: {len(load.failures)},"
              f" picks: {picks}, healed: {healed}")

    def test_all_workers_killed_with_every_place_taken(self):
        # With nginx's own count these servers would be shut out until the next reload.
        limited = [f"server 127.0.0.1:{p} max_conns=2; " for p in (A, B)]
        nginx = self.enterContext(harness.Nginx(
            PORT, config(*limited, extra="zone app 64k;"), workers=2))
        hold_in_flight(self, 4)
        harness.wait_for(lambda: nginx.in_flight() == 4, "all places to be taken")
        self.assertEqual(nginx.get().status, 502)
        old = nginx.children()
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        harness.wait_for(lambda: len(set(nginx.children()) - set(old)) == 2, "new workers")
        harness.wait_for(lambda: nginx.in_flight() == 0, "in-flight counts to heal", 10)
        self.assertEqual({nginx.get().body for _ in range(8)}, {str(A), str(B)})
        self.assertIn("given back for workers that died", nginx.log())


if __name__ == "__main__":
    unittest.main()
