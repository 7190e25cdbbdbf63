"""Upstreams that nobody uses cost next to nothing, however many there are, and keep no request
waiting; what depends on time alone goes on all the same."""

import http.client
import json
import os
import time
import unittest

import backend
import harness

PORT = 20240
A, B, C = 20241, 20242, 20243
UPSTREAMS = 1000
WORKERS = 16
SECONDS = float(os.environ.get("LEASTWISE_IDLE_SECONDS", "10"))


def cpu_seconds(pids):
    """User and system time of each."""
    times = []
    for pid in pids:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as f:
            times.append(int(f.read().split()[0]) / 1e9)
    return times


def wakeups(pid):
    """How often it has waited and went on."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("voluntary_ctxt_switches"))


def ask(connection):
    """Seconds that a request takes which needs no upstream."""
    start = time.monotonic()
    connection.request("GET", "/nothing")
    connection.getresponse().read()
    return time.monotonic() - start


class Idle(unittest.TestCase):
    @unittest.skipIf(harness.SANITIZED, "a figure of the release build")
    def test_a_thousand_upstreams_in_sixteen_workers(self):
        servers = "".join(f"server 127.0.0.1:{p}; " for p in (A, B))
        upstreams = "".join(f"upstream app{i} {{ leastwise; leastwise_outlier on; {servers} }}\n"
                            for i in range(UPSTREAMS))
        nginx = self.enterContext(harness.Nginx(
            PORT, upstreams + f"server {{ listen 127.0.0.1:{PORT};"
            " location /nothing { return 204; } location / { proxy_pass http://app1; }"
            " location = /leastwise { leastwise_status; } }",
            workers=WORKERS))
        workers = harness.wait_for(
            lambda: len(nginx.children()) == WORKERS and nginx.children(), "all workers", 60)
        time.sleep(6)  # until they are idle
        ticks = self.ticks(nginx)
        before, woken = cpu_seconds(workers), [wakeups(p) for p in workers]
        start = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
        self.addCleanup(connection.close)
        times = []
        while time.monotonic() - start < SECONDS:
            times.append(ask(connection))
            time.sleep(0.005)
        elapsed = time.monotonic() - start
        shares = sorted((b - a) / elapsed for a, b in zip(before, cpu_seconds(workers)))
        often = sorted((wakeups(p) - n) / elapsed for p, n in zip(workers, woken))
        ticks = (self.ticks(nginx) - ticks) / elapsed
        # One of them answers; of the rest the worst.
        idle = shares[:-1]
        times.sort()
        print(f"{UPSTREAMS} upstreams, {len(workers)} workers, {elapsed:.0f} s: CPU of idle workers"
              f" {sum(idle) / len(idle):.3%} (worst {idle[-1]:.3%}); {len(times)} requests,"
              f" median {times[len(times) // 2] * 1e3:.2f} ms, worst {times[-1] * 1e3:.2f} ms;"
              f" {often[len(often) // 2]:.1f} wake-ups and {ticks:.0f} ticks of pools per second")
        # What the CPU time comes from; how long a wake-up or a tick takes is the machine's.
        self.assertLess(often[len(often) // 2], 3)
        self.assertLess(ticks, UPSTREAMS / 4)

    @staticmethod
    def ticks(nginx):
        """Of all pools."""
        return sum(u["model"]["ticks"] for u in json.loads(nginx.get("/leastwise").body)["upstreams"].values())

    def test_an_ejection_ends_without_any_request(self):
        servers = "".join(f"server 127.0.0.1:{p} max_fails=0; " for p in (A, B, C))
        with backend.Backends(A, B, C), harness.Nginx(
                PORT, "upstream app { leastwise two_choices; leastwise_outlier on;"
                f" leastwise_outlier_time 5s; {servers} }} server {{ listen 127.0.0.1:{PORT};"
                " location / { proxy_pass http://app; }"
                " location = /leastwise { leastwise_status; } }", workers=2) as nginx:
            with harness.Load(PORT, clients=2, path=f"/status/503/{A}"):
                harness.wait_for(lambda: nginx.peers()[A]["state"] == "unhealthy", "an ejection")
            time.sleep(3)  # nobody uses the pool any more
            self.assertEqual(nginx.peers()[A]["state"], "unhealthy")
            ticks = nginx.status()["model"]["ticks"]
            harness.wait_for(lambda: nginx.peers()[A]["state"] == "up", "its end", 5)
            self.assertLess(nginx.status()["model"]["ticks"] - ticks, 6)


if __name__ == "__main__":
    unittest.main()
