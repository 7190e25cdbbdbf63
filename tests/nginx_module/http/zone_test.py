"""The shared memory of a pool: too small for its servers, or full of random words."""

import contextlib
import os
import random
import re
import shutil
import time
import unittest

import backend
import harness

PORT = 21920
A, B, C = 21921, 21922, 21923
SEEDS = 1000 if harness.FULL else 20
WORDS = 50
SIZES = ("8k", "16k", "64k", "128k", "256k", "512k", "1m", "4m", "32m")
SERVERS = (1, 3, 10, 100, 1000)
ZONE = 2 << 20
KEPT = 4 * 4096  # nginx's own part of it
MENDED = 'zone "app" of upstream "app" was damaged and is mended'


def upstream(servers, zone):
    text = "".join(f"server 127.0.{i // 250}.{i % 250 + 1}:80;" for i in range(servers))
    return f"upstream app {{ leastwise;\nleastwise_zone app {zone};\n{text} }}"


class Sizes(unittest.TestCase):
    def check(self, servers, zone):
        nginx = harness.Nginx(PORT, upstream(servers, zone))
        try:
            return nginx.check()
        finally:
            shutil.rmtree(nginx.folder)

    def test_one_that_is_too_small_is_refused_with_what_it_needs_and_one_that_is_not_is_taken(self):
        refused = taken = 0
        for servers in SERVERS:
            for zone in SIZES:
                with self.subTest(servers=servers, zone=zone):
                    code, said = self.check(servers, zone)
                    if code == 0:
                        taken += 1
                        continue
                    refused += 1
                    self.assertEqual(code, 1, said)
                    # nginx itself has no zone of less than eight pages.
                    found = re.search(r'zone "app" is too small', said)
                    self.assertTrue(found, said)
                    need = re.search(r'\d+ bytes given, (\d+k) needed for the servers of upstream "app"', said)
                    self.assertTrue(need, said)
                    code, said = self.check(servers, need.group(1))
                    self.assertEqual(code, 0, said)
        print(f"{len(SIZES)} sizes for {len(SERVERS)} numbers of servers: {taken} taken, {refused} refused, each"
              " with a size that was taken")
        self.assertGreater(refused, 15)
        self.assertGreater(taken, 10)


@unittest.skipUnless(os.getuid() == 0, "needs to write to the memory of other processes")
class Damage(unittest.TestCase):
    def setUp(self):
        self.enterContext(backend.Backends(A, B, C))
        servers = "".join(f"server 127.0.0.1:{p};" for p in (A, B, C))
        self.text = (f"upstream app {{ leastwise; leastwise_zone app {ZONE}; leastwise_outlier on; {servers} }}"
                f" server {{ listen 127.0.0.1:{PORT}; location / {{ proxy_pass http://app; }}"
                " location = /leastwise { leastwise_status; } location = /metrics { leastwise_status prometheus; } }")
        self.start()

    def start(self):
        self.nginx = self.enterContext(harness.Nginx(PORT, self.text, workers=2))
        harness.wait_for(lambda: len(self.nginx.children()) == 2, "the workers")

    def part_in_use(self, pid):
        """The file, and where in it the pool is, to the last place that is used."""
        with open(f"/proc/{pid}/maps", encoding="ascii") as f:
            for line in f:
                start, end = (int(x, 16) for x in line.split()[0].split("-"))
                if "rw-s" in line and end - start == ZONE:
                    return start
        raise AssertionError("no zone")

    def damage(self, rng, words):
        pid = self.nginx.children()[0]
        start = self.part_in_use(pid)
        with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(start)
            zone = memory.read(ZONE)
            used = [i for i in range(KEPT, ZONE, 8) if zone[i:i + 8] != bytes(8)]
            for _ in range(words):
                # Half of them where something is.
                at = rng.choice(used) if rng.random() < 0.5 else rng.randrange(KEPT, ZONE - 4096, 8)
                memory.seek(start + at)
                memory.write(b"\xff" * 8 if rng.random() < 0.25 else rng.randbytes(8))

    def answers(self, n):
        """Of requests and pages: whatever they are, somebody answers."""
        found = []
        for i in range(n):
            found.append(self.nginx.get("/ok", timeout=10).status)
            if i % 4 == 0:
                self.nginx.get("/leastwise", timeout=10)
                self.nginx.get("/metrics", timeout=10)
        return found

    def test_random_words_crash_nobody_and_are_forgotten_within_ten_seconds_of_a_reload(self):
        self.assertEqual(set(self.answers(40)), {200})
        workers, served, worst = set(self.nginx.children()), {}, 0.0
        for seed in range(1, SEEDS + 1):
            self.damage(random.Random(seed), WORDS)
            for status in self.answers(8):
                served[status] = served.get(status, 0) + 1
            self.assertEqual(set(self.nginx.children()), workers, f"a worker died of seed {seed}")
            self.assertLessEqual(set(served), {200, 502})
            if seed % 10 == 0:
                # As an operator would mend what is set down in the memory: weights, who is down.
                self.nginx.reload()
                worst = max(worst, self.heal())
                workers = set(self.nginx.children())
        print(f"{SEEDS} times {WORDS} random words: answers {served}; all was well {worst:.1f} s after a reload at worst;"
              f" in {self.nginx.log().count(MENDED)} of {SEEDS // 10} reloads the pool's head was damaged, and mended")
        self.assertLess(worst, 10)

    def test_a_reload_mends_the_words_by_which_a_pool_is_known_and_keeps_what_was_learned(self):
        self.assertEqual(set(self.answers(40)), {200})
        picks = sum(self.nginx.picks().values())
        for word in range(3):  # what it is, how long and of which layout, how names are hashed
            with self.subTest(word=word):
                pid = self.nginx.children()[0]
                with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
                    start = self.part_in_use(pid)
                    memory.seek(start)
                    at = memory.read(ZONE).index(b"siwtsael")
                    memory.seek(start + at + 8 * word)
                    memory.write(random.Random(word).randbytes(8))
                self.assertEqual(set(self.answers(8)), {200})
                self.nginx.reload()
                self.assertEqual(self.nginx.log().count(MENDED), word + 1)
                self.assertEqual(set(self.answers(8)), {200})
        self.assertGreaterEqual(sum(self.nginx.picks().values()), picks + 48)
        self.nginx.reload()  # of one that is as it should be: nothing to say
        self.assertEqual(self.nginx.log().count(MENDED), 3)

    def heal(self):
        start = time.monotonic()

        def well():
            with contextlib.suppress(OSError):
                peers = self.nginx.peers().values()
                return (set(self.answers(12)) == {200} and self.nginx.in_flight() == 0
                        and {p["state"] for p in peers} == {"up"} and len(peers) == 3)
        harness.wait_for(well, "all to be well", 20)
        return time.monotonic() - start


if __name__ == "__main__":
    unittest.main()
