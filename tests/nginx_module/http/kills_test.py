"""Workers that are killed at any moment: what they had in flight is given back, nothing stays held,
and who fails are their own clients alone."""

import http.client
import os
import random
import signal
import time
import unittest

import backend
import harness

PORT = 21900
A, B = 21901, 21902
KILLS = 200 if harness.FULL else 15


def config(parameters=""):
    servers = "".join(f"server 127.0.0.1:{p} {parameters};" for p in (A, B))
    return (f"upstream app {{ leastwise; zone app 64k; {servers} }} server {{ listen 127.0.0.1:{PORT};"
            " location / { proxy_pass http://app; } location = /leastwise { leastwise_status; } }")


def clients_of(pid):
    """Connections that this process has accepted and not closed yet."""
    established = set()
    with open("/proc/net/tcp", encoding="ascii") as f:
        for line in f.readlines()[1:]:
            words = line.split()
            if int(words[1].rsplit(":", 1)[1], 16) == PORT and words[3] in ("01", "08"):
                established.add(f"socket:[{words[9]}]")
    files = f"/proc/{pid}/fd"
    return sum(os.readlink(f"{files}/{n}") in established for n in os.listdir(files))


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return f.read().rsplit(")", 1)[1].split()[0]


class Kills(unittest.TestCase):
    def setUp(self):
        self.enterContext(backend.Backends(A, B))

    def test_no_request_fails_two_seconds_after_all_workers_died_with_every_place_taken(self):
        nginx = self.enterContext(harness.Nginx(PORT, config("max_conns=10"), workers=2))
        harness.wait_for(lambda: len(nginx.children()) == 2, "the workers")
        for _ in range(20):
            client = http.client.HTTPConnection("127.0.0.1", PORT)
            self.addCleanup(client.close)
            client.request("GET", "/sleep/60")
        harness.wait_for(lambda: nginx.in_flight() == 20, "all places to be taken")
        self.assertEqual(nginx.get().status, 502)
        old = set(nginx.children())
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        harness.wait_for(lambda: len(set(nginx.children()) - old) == 2, "new workers")
        respawned = time.monotonic()
        harness.wait_for(lambda: nginx.in_flight() == 0, "what was in flight to be given back", 10)
        healed = time.monotonic() - respawned
        answers = [nginx.get("/ok").status for _ in range(40)]
        print(f"all workers killed with 20 of 20 places taken: given back {healed:.2f} s after the new"
              f" ones came; then {answers.count(200)} of 40 answered")
        self.assertEqual(answers, [200] * 40)
        self.assertLess(healed, 2 if not harness.SANITIZED else 5)

    def kill_one(self, nginx, rng):
        """Returns how many clients it had."""
        harness.wait_for(lambda: len(nginx.children()) == 2, "two workers")
        victim = rng.choice(nginx.children())
        # Stopped where it is: so it can be seen whom it serves.
        os.kill(victim, signal.SIGSTOP)
        harness.wait_for(lambda: state_of(victim) == "T", "the worker to be stopped")
        clients = clients_of(victim)
        os.kill(victim, signal.SIGKILL)
        harness.wait_for(lambda: victim not in nginx.children() and len(nginx.children()) == 2, "a new worker")
        return clients

    def test_at_random_moments_only_its_own_clients_fail_and_nothing_is_left(self):
        rng = random.Random(1)
        nginx = self.enterContext(harness.Nginx(PORT, config(), workers=2))
        served = 0
        with harness.Load(PORT, clients=12, path="/sleep/0.02") as load:
            for _ in range(KILLS):
                time.sleep(rng.uniform(0, 0.15))
                served += self.kill_one(nginx, rng)
        harness.wait_for(lambda: nginx.in_flight() == 0, "in-flight counts to heal", 5)
        peers = nginx.peers().values()
        picks = sum(p["leastwise"]["picks"] for p in peers)
        results = sum(sum(p["leastwise"]["results"].values()) for p in peers)
        healed = sum(p["leastwise"]["healed"] for p in peers)
        print(f"{KILLS} kills: {load.sent} requests, {len(load.failures)} failed of the {served} that"
              f" killed workers had; {picks} picks = {results} results + {healed} given back")
        self.assertLessEqual(len(load.failures), served)
        self.assertEqual(picks, results + healed)
        self.assertGreater(healed, 0)
        answers = [nginx.get("/ok").status for _ in range(40)]
        self.assertEqual(answers, [200] * 40)


if __name__ == "__main__":
    unittest.main()
