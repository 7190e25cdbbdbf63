"""Reloads and new binaries under load: no request fails, and what is known of servers stays."""

import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import time
import unittest

import backend
import harness

PORT = 21910
A, B, C, D = 21911, 21912, 21913, 21914
RELOADS = 10 if not harness.SANITIZED else 3
TIMES = {A: 0.08, B: 0.02, C: 0.02, D: 0.02}


class Servers(backend.Backends):
    """One is slow."""

    async def _do_work(self, writer, _argument, port, head):
        return await self._do_sleep(writer, TIMES[port], port, head)


def config(*servers, extra=""):
    text = "".join(s if isinstance(s, str) else f"server 127.0.0.1:{s};" for s in servers)
    return (f"upstream app {{ leastwise; leastwise_decay 10m; {extra} {text} }}"
            f" server {{ listen 127.0.0.1:{PORT}; location / {{ proxy_pass http://app; }}"
            " location = /leastwise { leastwise_status; } }")


def load(clients=8):
    return harness.Load(PORT, clients=clients, path="/work")


class Reloads(unittest.TestCase):
    def setUp(self):
        self.enterContext(Servers(A, B, C, D))

    @staticmethod
    def split(nginx, seconds):
        before = nginx.picks()
        time.sleep(seconds)
        return harness.shares(before, nginx.picks())

    def moved_in(self, nginx, what):
        """By which part the score of a server moved meanwhile, that which moved most.

        The slow one is hardly asked, so one answer moves it by much: it counts where it gave none.
        """
        known = nginx.peers()
        what()
        return max(abs(v["leastwise"]["measured"] / known[p]["leastwise"]["measured"] - 1)
                   for p, v in nginx.peers().items()
                   if p != A or v["leastwise"]["results"] == known[p]["leastwise"]["results"])

    def test_the_split_of_traffic_stays_through_ten_reloads(self):
        nginx = self.enterContext(harness.Nginx(PORT, config(A, B, C), workers=2))
        # So few that what is lost is not learned anew within the time that is looked at.
        with load(2) as traffic:
            time.sleep(1.5)
            before = self.split(nginx, 1.5)[A]
            after, moved, moved_else = 0, [], []
            for _ in range(RELOADS):
                start = time.monotonic()
                moved.append(self.moved_in(nginx, nginx.reload))
                # It goes on learning meanwhile, as in any such time.
                took = time.monotonic() - start
                after += self.split(nginx, 0.4)[A] / RELOADS
                moved_else.append(self.moved_in(nginx, lambda: time.sleep(took)))
        print(f"{RELOADS} reloads, {traffic.sent} requests, {len(traffic.failures)} failed; the slow server's share was"
              f" {before:.1%}, and {after:.1%} in the 0.4 s after each; scores moved by {statistics.mean(moved):.1%} on average,"
              f" {max(moved):.1%} at most, and by {statistics.mean(moved_else):.1%} and {max(moved_else):.1%} in as much"
              " time without one")
        self.assertEqual(traffic.failures, [])
        self.assertLess(before, 0.08)  # else a split that is lost could not be told
        self.assertLess(abs(after - before), 0.05)
        # One that was learned anew would be off by tens of per cent.
        self.assertLess(statistics.mean(moved), 2 * statistics.mean(moved_else) + 0.03)

    def test_who_stays_keeps_its_state_and_who_is_new_starts_neutral_and_slowly(self):
        slow = "leastwise_slow_start 20s;"
        nginx = self.enterContext(harness.Nginx(PORT, config(A, B, C, extra=slow), workers=2))
        with load() as traffic:
            time.sleep(1)
            before, picks = nginx.peers(), nginx.picks()
            # C goes, D comes, A and B change places, and A is written in another way.
            nginx.configure(config(D, B, f"server 127.1:{A};", extra=slow))
            nginx.reload()
            after = nginx.peers()
            first = nginx.picks()[D]
            shares = self.split(nginx, 1)
        self.assertEqual(traffic.failures, [])
        self.assertEqual(after.keys(), {A, B, D})
        for p in (A, B):
            # It goes on learning: a score moves, but what it was learned from does not get less.
            self.assertGreater(after[p]["leastwise"]["evidence_s"], 0.95 * before[p]["leastwise"]["evidence_s"])
            self.assertGreaterEqual(nginx.picks()[p], picks[p])
        self.assertGreater(after[A]["leastwise"]["measured"], 2 * after[B]["leastwise"]["measured"])
        self.assertLess(first, picks[C] / 4)  # nothing of C's, whose line it has
        self.assertLess(shares[D], 0.5 * shares[B])
        print(f"D is new: {shares[D]:.1%} of the requests in its first second, B, as fast, {shares[B]:.1%};"
              f" {traffic.sent} requests, {len(traffic.failures)} failed")


class Binaries(unittest.TestCase):
    """The module in a folder of its own, so that it can be replaced by another build."""

    def setUp(self):
        self.enterContext(Servers(A, B, C))
        self.nginx = harness.Nginx(PORT, workers=2)
        self.addCleanup(shutil.rmtree, self.nginx.folder, ignore_errors=True)
        self.module = self.nginx.path("module.so")
        shutil.copy(harness.MODULE, self.module)
        self.write()

    def write(self, daemon="off"):
        self.nginx.configure(config(A, B, C))
        with open(self.nginx.path("nginx.conf"), "r+", encoding="ascii") as f:
            text = f.read().replace(harness.MODULE, self.module).replace("daemon off", f"daemon {daemon}")
            f.seek(0)
            f.truncate()
            f.write(text)

    def replace_module(self):
        """As a package manager does: another file of that name."""
        shutil.copy(harness.MODULE, self.module + ".new")
        os.rename(self.module + ".new", self.module)

    def known(self):
        return {p for p, v in self.nginx.peers().items() if v["leastwise"]["known"]}

    NOTICE = "was of another build of the module"

    def serve_on(self, traffic, n=100):
        sent = traffic.sent
        harness.wait_for(lambda: traffic.sent > sent + n, "more requests")

    def test_a_reload_after_the_file_was_replaced_goes_on_with_the_module_that_runs(self):
        nginx = self.enterContext(self.nginx)
        with load() as traffic:
            time.sleep(1)
            picks = sum(nginx.picks().values())
            self.replace_module()
            nginx.reload()
            self.assertEqual(self.known(), {A, B, C})
            self.assertGreaterEqual(sum(nginx.picks().values()), picks)
            self.serve_on(traffic)
        self.assertEqual(traffic.failures, [])
        self.assertNotIn(self.NOTICE, nginx.log())

    def test_a_reload_that_loads_another_build_fails_no_request_and_says_once_that_it_learns_anew(self):
        nginx = self.enterContext(self.nginx)
        with load() as traffic:
            time.sleep(1)
            self.assertEqual(self.known(), {A, B, C})
            for other in ("other.so", "module.so"):
                shutil.copy(harness.MODULE, nginx.path(other + ".new"))
                os.rename(nginx.path(other + ".new"), nginx.path(other))
                self.module = nginx.path(other)
                self.write()
                nginx.reload()
                self.serve_on(traffic)
        print(f"two reloads with another build each: {traffic.sent} requests, {len(traffic.failures)} failed")
        self.assertEqual(traffic.failures, [])
        notices = [line for line in nginx.log().splitlines() if self.NOTICE in line]
        self.assertEqual(len(notices), 2, nginx.log())
        self.assertIn('of upstream "app"', notices[0])
        harness.wait_for(lambda: nginx.in_flight() == 0, "nothing in flight")
        nginx.reload()  # with the same module: nothing to say
        self.assertEqual(nginx.log().count(self.NOTICE), 2)
        self.assertGreater(sum(nginx.picks().values()), 100)

    def pid(self, name="nginx.pid"):
        with contextlib.suppress(FileNotFoundError, ValueError):
            with open(self.nginx.path(name), encoding="ascii") as f:
                return int(f.read())
        return 0

    @unittest.skipIf(harness.SANITIZED, "nginx clears its environment: the new binary has no runtime")
    def test_a_new_binary_with_another_module_and_the_way_back_fail_no_request(self):
        nginx = self.nginx
        self.write("on")
        subprocess.run(nginx.command(), env=nginx.environment(), check=True, timeout=30)
        self.addCleanup(harness.wait_for, lambda: not harness.listens(PORT), "nginx to end")
        self.addCleanup(subprocess.run, nginx.command("-s", "stop"), env=nginx.environment(), check=True)
        old = harness.wait_for(self.pid, "nginx")
        # A signal that comes before it has any waits for the next one.
        harness.wait_for(lambda: len(harness.workers_of(old)) == 2, "the workers")
        with load() as traffic:
            time.sleep(0.5)
            self.replace_module()
            os.kill(old, signal.SIGUSR2)
            new = harness.wait_for(lambda: (p := self.pid()) != old and p, "the new binary")
            os.kill(old, signal.SIGWINCH)
            harness.wait_for(lambda: not harness.workers_of(old), "the old workers to leave", 20)
            self.serve_on(traffic)
            picked = sum(nginx.picks().values())
            os.kill(old, signal.SIGHUP)
            harness.wait_for(lambda: len(harness.workers_of(old)) == 2, "the old binary's workers", 20)
            os.kill(new, signal.SIGQUIT)
            harness.wait_for(lambda: not os.path.exists(f"/proc/{new}/exe"), "the new one to leave", 20)
            self.serve_on(traffic)
        print(f"USR2, WINCH, HUP, QUIT with another build of the module: {traffic.sent} requests,"
              f" {len(traffic.failures)} failed")
        self.assertEqual(traffic.failures, [])
        self.assertGreater(picked, 100)
        harness.wait_for(lambda: nginx.in_flight() == 0, "nothing in flight")


if __name__ == "__main__":
    unittest.main()
