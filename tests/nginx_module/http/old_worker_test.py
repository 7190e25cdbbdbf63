"""A worker that shuts down after a reload leaves the pool to the new ones: it goes by an old
configuration. What it still learns and has in flight counts, though."""

import contextlib
import os
import signal
import socket
import time
import unittest

import backend
import harness

PORT = 20230
A, B, C = 20231, 20232, 20233


def config(extra=""):
    servers = "".join(f"server 127.0.0.1:{p} max_fails=0; " for p in (A, B, C))
    return (f"upstream app {{ leastwise two_choices; {extra} {servers} }}"
            f" server {{ listen 127.0.0.1:{PORT}; location / {{ proxy_pass http://app;"
            " proxy_http_version 1.1; proxy_read_timeout 90s;"
            " proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }"
            " location = /leastwise { leastwise_status; } }")


class OldWorker(unittest.TestCase):
    def setUp(self):
        self.enterContext(backend.Backends(A, B, C))
        self.nginx = self.enterContext(harness.Nginx(PORT, config(), workers=2))
        # The master listens before it has any.
        harness.wait_for(lambda: len(self.nginx.children()) == 2, "the workers")
        self.old = self.nginx.children()

    def occupy(self, path, n=6):
        """Long requests, so that both old workers stay."""
        sockets = []
        for _ in range(n):
            s = self.enterContext(contextlib.closing(
                socket.create_connection(("127.0.0.1", PORT))))
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\n\r\n".encode())
            sockets.append(s)
        harness.wait_for(lambda: self.nginx.in_flight() == n, "the requests")
        return sockets

    def reload(self, extra):
        self.nginx.configure(config(extra))
        self.nginx.process.send_signal(signal.SIGHUP)
        harness.wait_for(lambda: len(set(self.nginx.children()) - set(self.old)) == 2,
                         "new workers")
        time.sleep(0.5)  # until the old ones were told
        self.assertTrue(set(self.old) & set(self.nginx.children()), "no old worker is left")

    def fail_one(self, seconds):
        """Load of which server A fails every request: (failed, all)."""
        with harness.Load(PORT, clients=4, path=f"/status/503/{A}") as load:
            time.sleep(seconds)
        return len(load.failures), load.sent

    def test_the_new_configuration_has_effect_while_it_lives(self):
        self.occupy("/websocket/60")
        self.reload("leastwise_outlier on; leastwise_outlier_time 60s;")
        failed, sent = self.fail_one(4)
        ejections = sum(self.nginx.peers()[A]["leastwise"]["ejections"].values())
        print(f"with old workers: {ejections} ejections, {failed} of {sent} failed")
        self.assertGreater(ejections, 0)
        self.assertLess(failed, 0.1 * sent)

    def test_what_a_directive_no_longer_says_ends_while_it_lives(self):
        self.nginx.configure(config("leastwise_outlier on; leastwise_outlier_time 60s;"))
        self.nginx.reload()
        self.old = self.nginx.children()
        self.fail_one(2)
        self.assertEqual(self.nginx.peers()[A]["state"], "unhealthy")
        self.occupy("/websocket/60")
        self.reload("")
        # An old worker would eject it again, and again.
        self.fail_one(2)
        states = []
        for _ in range(20):
            states.append(self.nginx.peers()[A]["state"])
            time.sleep(0.05)
        self.assertEqual(set(states), {"up"})

    def test_what_it_still_had_in_flight_is_learned_from_and_given_back(self):
        sockets = self.occupy("/sleep/10")
        before = {p: v["leastwise"]["results"]["ok"] for p, v in self.nginx.peers().items()}
        self.reload("leastwise_outlier on;")
        for s in sockets:
            self.assertIn(b"200", s.recv(4096))
        after = {p: v["leastwise"]["results"]["ok"] for p, v in self.nginx.peers().items()}
        self.assertEqual(sum(after.values()) - sum(before.values()), len(sockets))
        harness.wait_for(lambda: self.nginx.status()["model"]["samples"] >= len(sockets),
                         "the new workers to learn from them")
        self.assertEqual(self.nginx.in_flight(), 0)

    def test_its_death_gives_back_what_it_had(self):
        self.occupy("/websocket/60")
        self.reload("")
        for pid in set(self.old) & set(self.nginx.children()):
            os.kill(pid, signal.SIGKILL)
        harness.wait_for(lambda: self.nginx.in_flight() == 0, "the counts to heal", 3)


if __name__ == "__main__":
    unittest.main()
