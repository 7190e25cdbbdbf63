"""leastwise_state: what was learned outlives restarts and crashes."""

import contextlib
import os
import signal
import stat
import time
import unittest

import backend
import harness
from state_stack import A, B, C, PORT, StateTest, config, read


class Learned(StateTest):
    SLOW = 20444  # one of 64
    MANY = range(20440, 20504)

    def many(self, addresses=MANY, state=True):
        lines = "".join(f"server 127.0.0.1:{port};" for port in addresses)
        text = config(self.file, lines).replace("leastwise round_robin;", "leastwise;")
        return text if state else text.replace(f"leastwise_state {self.file};", "")

    def learn(self, nginx, backends):
        """Until the slow one is known for what it is: some seconds of traffic."""
        with harness.Load(PORT, clients=16, path=self.work):
            harness.wait_for(lambda: nginx.status()["model"]["learned"] and
                             min(p["requests"] for p in nginx.peers().values()) > 15, "all to be known", 60)
            time.sleep(1)

    @property
    def work(self):
        return f"/sleep/0.15/{self.SLOW}"

    def first_requests(self, nginx, backends, n=200):
        """How many of the first n went to the slow one."""
        before = len(backends.requests)
        for _ in range(n):
            self.assertEqual(nginx.get(self.work).status, 200)
        return sum(port == self.SLOW for port, path in backends.requests[before:]
                   if path == self.work)

    def last_words(self, nginx):
        """The peers, as the file has them: it is written at the end, and each ten seconds before."""
        peers = nginx.peers()
        nginx.process.send_signal(signal.SIGQUIT)
        nginx.process.wait(20)
        return peers

    def test_what_was_learned_of_64_servers_is_known_from_the_first_request(self):
        with backend.Backends(*self.MANY) as backends:
            with self.run_nginx(self.many(), workers=2) as nginx:
                self.learn(nginx, backends)
                slow = self.last_words(nginx)[self.SLOW]
            learned = os.stat(self.file + ".learned")
            self.assertEqual(stat.S_IMODE(learned.st_mode), 0o600)
            with self.run_nginx(self.many(), workers=2) as nginx:
                again = nginx.peers()
                self.assertEqual(again[self.SLOW]["requests"], slow["requests"])
                known = self.first_requests(nginx, backends)
                self.assertNotIn("[warn]", nginx.log())
                last = self.last_words(nginx)
            with self.run_nginx(self.many(state=False), workers=2) as nginx:
                unknown = self.first_requests(nginx, backends)
            print(f"64 servers, one slow: of the first 200 requests {known} go there after a restart, "
                  f"{unknown} without the file; {learned.st_size} bytes, {learned.st_blocks * 512} on the disk")
            self.assertLessEqual(known, 1)
            self.assertGreater(unknown, known)  # else this test shows nothing

            # Another address is another server; what can not be read is told and of no consequence.
            port = self.SLOW
            with self.run_nginx(self.many([p for p in self.MANY if p != port] + [A])) as nginx:
                self.assertEqual(nginx.peers()[A]["requests"], 0)
                # A last word that comes just after another is not written.
                known = nginx.peers()[port + 1]["requests"]
                self.assertGreaterEqual(known, again[port + 1]["requests"])
                self.assertLessEqual(known, last[port + 1]["requests"])
            self.damage_what_was_learned()

    def damage_what_was_learned(self):
        file = self.file + ".learned"
        with open(file, "rb") as f:
            good = f.read()
        for content, said in ((good[:4], "not what Leastwise writes"), (good[:30], "cut short"),
                              (good[:len(good) // 2], "damaged or cut short"),
                              (good[:1000] + b"?" + good[1001:], "damaged or cut short"),
                              (b"lwlearn0" + good[8:], "of another version of Leastwise"),
                              (os.urandom(5000), "not what Leastwise writes")):
            with self.subTest(said=said):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(file + ".kept")
                with open(file, "wb") as f:
                    f.write(content)
                # One that is new would be taken for another worker's last word.
                os.utime(file, (time.time() - 60, time.time() - 60))
                with self.run_nginx(self.many(), workers=1) as nginx:
                    self.assertEqual({p["requests"] for p in nginx.peers().values()}, {0})
                    lines = [x for x in read(nginx.path("error.log")).decode().splitlines() if "[warn]" in x]
                    self.assertEqual(len(lines), 1, lines)
                    self.assertIn(said, lines[0])
                    self.assertIn("there is nothing to do", lines[0])
                # What may be somebody's is kept.
                self.assertEqual(os.path.exists(file + ".kept"), said.startswith("not what"))
                self.assertTrue(read(file).startswith(b"lwlearn1"))

    def test_what_was_learned_outlives_a_crash_ten_seconds_later(self):
        text = self.many([A, B, C])
        with backend.Backends(A, B, C) as backends:
            with self.run_nginx(text) as nginx:
                for _ in range(60):
                    nginx.get("/ok")
                harness.wait_for(lambda: os.path.exists(self.file + ".learned"), "the file", 15)
                nginx.kill()
            with self.run_nginx(text) as nginx:
                self.assertEqual(sum(p["requests"] for p in nginx.peers().values()), 60)
                self.assertEqual(nginx.in_flight(), 0)


if __name__ == "__main__":
    unittest.main()
