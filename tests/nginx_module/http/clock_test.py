"""The machine's clocks are set: scores go by time that only goes forwards."""

import os
import struct
import time
import unittest

import backend
import harness

PORT = 21930
A, B, C = 21931, 21932, 21933
CLOCK = os.environ["LEASTWISE_CLOCK"]
HOUR, YEARS = 3600, 10 * 365 * 86400
CONFIG = (f"upstream app {{ leastwise; leastwise_outlier on; server 127.0.0.1:{A}; server 127.0.0.1:{B};"
          f" server 127.0.0.1:{C}; }} server {{ listen 127.0.0.1:{PORT}; location / {{ proxy_pass http://app; }}"
          " location = /leastwise { leastwise_status; } }")


class Servers(backend.Backends):
    """One is slow: by what is in flight alone it would get a ninth."""

    async def _do_work(self, writer, _argument, port, head):
        return await self._do_sleep(writer, 0.02 if port == A else 0.005, port, head)


class Clocks(harness.SharedBytes):
    """What nginx takes for the time; use as a context manager."""

    def set(self, calendar, monotonic=0):
        """Seconds that they are off."""
        self.memory[:16] = struct.pack("qq", calendar, monotonic)

    def nginx(self):
        return harness.Nginx(PORT, CONFIG, workers=2, preload=CLOCK,
                             environment={"LEASTWISE_CLOCK_FILE": self.name})


@unittest.skipIf(harness.SANITIZED, "the libraries would stand in each other's way")
class Clock(unittest.TestCase):
    def setUp(self):
        self.enterContext(Servers(A, B, C))
        self.clocks = self.enterContext(Clocks())

    @staticmethod
    def split(nginx, seconds):
        before = nginx.picks()
        time.sleep(seconds)
        return harness.shares(before, nginx.picks())[A]

    def learn(self, nginx):
        """Until the slow server is known as such: it takes the first seconds."""
        harness.wait_for(lambda: self.split(nginx, 0.25) < 0.05, "the slow server is known", 10)

    @staticmethod
    def date(nginx):
        """The year that nginx believes in."""
        return int(nginx.get("/ok").headers["Date"].split()[3])

    def test_the_calendar_is_set_under_load_and_no_request_fails_nor_goes_elsewhere(self):
        nginx = self.enterContext(self.clocks.nginx())
        with harness.Load(PORT, clients=8, path="/work") as load:
            self.learn(nginx)
            before = self.split(nginx, 1)
            year, drift = self.date(nginx), {}
            for name, offset in (("+1 h", HOUR), ("-1 h", -HOUR), ("+10 years", YEARS), ("-10 years", -YEARS)):
                self.clocks.set(offset)
                drift[name] = self.split(nginx, 0.7) - before
                if offset in (YEARS, -YEARS):
                    self.assertNotEqual(self.date(nginx), year)  # it does go by it
            # Slewed: a second in each tenth of one.
            for i in range(6):
                self.clocks.set(-YEARS + i)
                time.sleep(0.1)
            drift["slewed"] = self.split(nginx, 0.7) - before
        print(f"the slow server's share, {before:.1%} before, moved by " + ", ".join(
            f"{100 * d:+.1f} points ({name})" for name, d in drift.items())
            + f"; {load.sent} requests, {len(load.failures)} failed")
        self.assertEqual(load.failures, [])
        self.assertLess(before, 0.05)  # else a split that is lost could not be told
        self.assertLess(max(abs(d) for d in drift.values()), 0.05)
        self.assertEqual({p["state"] for p in nginx.peers().values()}, {"up"})
        self.assertEqual(nginx.in_flight(), 0)

    def test_a_monotonic_clock_that_begins_anywhere(self):
        for start in (20 * YEARS,):
            with self.subTest(start=start):
                self.clocks.set(0, start)
                with self.clocks.nginx() as nginx:
                    with harness.Load(PORT, clients=8, path="/work") as load:
                        self.learn(nginx)
                        share = self.split(nginx, 1)
                    self.assertEqual(load.failures, [])
                    self.assertLess(share, 0.05)
                    self.assertEqual(nginx.in_flight(), 0)


if __name__ == "__main__":
    unittest.main()
