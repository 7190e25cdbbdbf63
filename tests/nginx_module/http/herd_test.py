"""Four nginx that know nothing of each other, before the same three servers: when one of these gets
idle they do not all run there at once."""

import asyncio
import time
import unittest

import backend
import harness

PORT = 21980
A, B, C = 21985, 21986, 21987
LOAD_BALANCERS = 4
CLIENTS = 8  # of each
WORK = 0.02


class Servers(backend.Backends):
    """Four at once are served, the others wait; A may have been given work by others."""

    def __init__(self, *ports):
        super().__init__(*ports, slots=4)
        self.in_flight = dict.fromkeys(ports, 0)
        self.peak = dict.fromkeys(ports, 0)
        self.totals = []  # in flight at all three, at each arrival
        self.slow = {}

    async def _do_work(self, writer, _argument, port, head):
        self.in_flight[port] += 1
        self.peak[port] = max(self.peak[port], self.in_flight[port])
        self.totals.append(sum(self.in_flight.values()))
        try:
            async with self._slots[port]:
                await asyncio.sleep(WORK * self.slow.get(port, 1))
        finally:
            self.in_flight[port] -= 1
        return await self._answer(writer, 200, str(port), head)


def config(port):
    servers = "".join(f"server 127.0.0.1:{p};" for p in (A, B, C))
    return (f"upstream app {{ leastwise; {servers} }} server {{ listen 127.0.0.1:{port};"
            " location / { proxy_pass http://app; } location = /leastwise { leastwise_status; } }")


@unittest.skipIf(harness.SANITIZED, "a figure of the release build")
class Herd(unittest.TestCase):
    def test_on_one_that_gets_idle_there_are_never_twice_its_fair_part(self):
        servers = self.enterContext(Servers(A, B, C))
        for i in range(LOAD_BALANCERS):
            self.enterContext(harness.Nginx(PORT + i, config(PORT + i)))
        servers.slow[A] = 5
        for i in range(LOAD_BALANCERS):
            self.enterContext(harness.Load(PORT + i, clients=CLIENTS, path="/work"))
        time.sleep(2)
        busy = servers.in_flight[A]
        served = len([1 for port, _ in servers.requests if port == A])
        peaks, fairs = [], []
        for _ in range(3 if harness.FULL else 1):
            servers.slow[A] = 1
            servers.peak, servers.totals = dict.fromkeys(servers.peak, 0), []
            time.sleep(1)
            peaks.append(servers.peak[A])
            fairs.append(sum(servers.totals) / len(servers.totals) / 3)
            servers.slow[A] = 5
            time.sleep(1)
        after = len([1 for port, _ in servers.requests if port == A]) - served
        print(f"{LOAD_BALANCERS} nginx with {CLIENTS} clients each: {busy} in flight on the busy one, then at most"
              f" {peaks} on the idle one; its fair part is"
              f" {[round(f, 1) for f in fairs]}; it served {after}")
        self.assertGreater(after, 50)
        for peak, fair in zip(peaks, fairs):
            self.assertLessEqual(peak, 2 * fair)


if __name__ == "__main__":
    unittest.main()
