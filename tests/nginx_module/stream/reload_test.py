"""What was learned of sessions lives on through reloads, sessions go on through them, and what
is in flight is right again when a worker is killed."""

import contextlib
import os
import random
import signal
import threading
import time
import unittest

import harness
import stream_servers as s

STATUS, PORT = 20630, 20631
A, B, C, D = 20632, 20633, 20634, 20635
POOL = "stream/game"
KILLS = 5 if harness.SANITIZED else 20
RELOADS = 3 if harness.SANITIZED else 5


class Sessions:
    """Clients that open one session after the other, of one exchange each; use as a context."""

    def __init__(self, clients=8):
        self.sent, self.lost = 0, 0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def __enter__(self):
        for t in self._threads:
            t.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for t in self._threads:
            t.join()

    def _run(self):
        while not self._stop.is_set():
            try:
                answer = s.ask(PORT)
            except OSError:
                answer = None
            with self._lock:
                self.sent += 1
                self.lost += answer is None


def config(*servers, extra=""):
    return s.upstream(*servers, extra="leastwise_decay 10m; " + extra) + s.listen(PORT)


class Reload(unittest.TestCase):
    def setUp(self):
        self.servers = self.enterContext(s.Servers(A, B, C, D))

    def nginx(self, text, **options):
        return self.enterContext(s.nginx(STATUS, text, **options))

    @staticmethod
    def reconfigure(nginx, text):
        fresh = s.nginx(STATUS, text)
        with open(fresh.path("nginx.conf"), encoding="ascii") as f:
            new = f.read().replace(fresh.folder, nginx.folder)
        os.remove(fresh.path("nginx.conf"))
        os.rmdir(fresh.folder)
        with open(nginx.path("nginx.conf"), "w", encoding="ascii") as f:
            f.write(new.replace("worker_processes 1;", f"worker_processes {nginx.workers};"))
        nginx.reload()

    @staticmethod
    def learned(nginx):
        return {p: (v["leastwise"]["picks"], v["leastwise"]["measured"], v["leastwise"]["known"])
                for p, v in nginx.peers(POOL).items()}

    def teach(self, nginx):
        with Sessions():
            time.sleep(1.5)
        harness.wait_for(lambda: nginx.in_flight(POOL) == 0, "sessions to end")

    def assert_kept(self, before, after):
        for port, (picks, measured, known) in before.items():
            self.assertEqual((after[port][0], after[port][2]), (picks, known))
            self.assertAlmostEqual(after[port][1], measured, delta=0.001 * measured)

    def test_what_was_learned_is_kept_through_reloads_and_other_zones(self):
        nginx = self.nginx(config(A, B, C), workers=2)
        self.teach(nginx)
        before = self.learned(nginx)
        self.assertTrue(any(known for _, _, known in before.values()), before)
        for text in (config(A, B, C), config(C, A, B),
                     config(A, B, C, extra="leastwise_zone game 2m;")):
            self.reconfigure(nginx, text)
            self.assert_kept(before, self.learned(nginx))

    def test_servers_come_and_go(self):
        nginx = self.nginx(config(A, B))
        self.teach(nginx)
        self.reconfigure(nginx, config(B, C))
        self.assertEqual(nginx.peers(POOL).keys(), {B, C})
        self.assertLessEqual({s.ask(PORT) for _ in range(20)}, {B, C})

    def test_sessions_go_on_through_reloads_and_nothing_of_them_is_left(self):
        nginx = self.nginx(config(A, B, C, D), workers=2)
        clients = [self.enterContext(contextlib.closing(s.tcp(PORT))) for _ in range(40)]
        for client in clients:
            client.sendall(b"hello")
            client.recv(100)
        for _ in range(RELOADS):
            old = set(nginx.children())
            nginx.process.send_signal(signal.SIGHUP)
            harness.wait_for(lambda: len(set(nginx.children()) - old) >= 2, "new workers", 30)
        self.assertEqual(nginx.in_flight(POOL), 40)
        for client in clients:
            client.sendall(b"still here")
            self.assertIn(int(client.recv(100)), (A, B, C, D))
            client.close()
        harness.wait_for(lambda: nginx.in_flight(POOL) == 0, "sessions to end")

    def test_reloads_under_load_lose_no_session(self):
        nginx = self.nginx(config(A, B, C), workers=2)
        with Sessions() as load:
            for i in range(RELOADS):
                time.sleep(0.3)
                self.reconfigure(nginx, config(*random.Random(i).sample((A, B, C, D), 3)))
        self.assertEqual(load.lost, 0)
        self.assertGreater(load.sent, 100)
        harness.wait_for(lambda: nginx.in_flight(POOL) == 0, "sessions to end")
        print(f"reloads: {RELOADS}, sessions: {load.sent}, lost: 0")

    def test_workers_killed_under_load_leave_nothing_in_flight(self):
        self.servers.delay = 0.02
        self.servers.mode = dict.fromkeys(self.servers.mode, "slow")
        limited = [f"server 127.0.0.1:{p} max_conns=6; " for p in (A, B, C)]
        nginx = self.nginx(config(*limited), workers=2)
        with Sessions(12) as load:
            for _ in range(KILLS):
                time.sleep(0.15)
                victims = nginx.children()
                os.kill(random.choice(victims), signal.SIGKILL)
                harness.wait_for(lambda: len(nginx.children()) == 2
                                 and not set(victims) >= set(nginx.children()), "a new worker")
        self.assertGreater(load.sent, 100)
        harness.wait_for(lambda: nginx.in_flight(POOL) == 0, "in-flight counts to heal", 5)
        peers = nginx.peers(POOL)
        healed = sum(p["leastwise"]["healed"] for p in peers.values())
        picks = sum(p["leastwise"]["picks"] for p in peers.values())
        results = sum(sum(p["leastwise"]["results"].values()) for p in peers.values())
        self.assertGreater(healed, 0)
        # Who died between a session's first byte and its end was learned from, and is healed.
        self.assertLessEqual(picks, results + healed)
        self.assertLessEqual(results, picks)
        print(f"kills: {KILLS}, sessions: {load.sent}, lost: {load.lost}, healed: {healed}")


if __name__ == "__main__":
    unittest.main()
