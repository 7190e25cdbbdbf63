"""Servers that report what can not be, or what is not so, or nothing any more."""

import asyncio
import contextlib
import time
import unittest

import backend
import harness

PORT = 21950
A, B, C = 21951, 21952, 21953
FIELD = b"endpoint-load-metrics: "
HALF = b"TEXT cpu_utilization=0.5"
# What stands in the answer's header, as it is on the wire. nginx refuses some answers as a whole.
HOSTILE = [FIELD + b for b in (
    b"", b" ", b"TEXT", b"TEXT ", b"TEXT cpu_utilization", b"TEXT cpu_utilization=", b"TEXT =0.5",
    b"TEXT cpu_utilization=nan", b"TEXT cpu_utilization=NaN", b"TEXT cpu_utilization=-nan",
    b"TEXT cpu_utilization=inf", b"TEXT cpu_utilization=-inf", b"TEXT cpu_utilization=Infinity",
    b"TEXT cpu_utilization=-1", b"TEXT cpu_utilization=-0.5", b"TEXT cpu_utilization=1e308",
    b"TEXT cpu_utilization=1e999", b"TEXT cpu_utilization=0x10", b"TEXT cpu_utilization=+0.5",
    b"TEXT cpu_utilization=0,5", b"TEXT cpu_utilization=0.5,", b"TEXT cpu_utilization=0.5;",
    b"TEXT cpu_utilization=\xff\xfe", b"TEXT cpu_utilization=\xc3\xbc", b"TEXT cpu_utilization=0.5\x01",
    b"TEXT cpu_utilization=0.5\0", b"TEXT cpu_utilization=0.1,cpu_utilization=0.9",
    b"TEXT cpu_utilization=" + b"9" * 3000, b"x" * 3000, b"TEXT " + b"a=1," * 700,
    b"JSON {", b"JSON {}", b"JSON null", b'JSON {"cpu_utilization":"0.5"}', b'JSON {"cpu_utilization":NaN}',
    b'JSON {"cpu_utilization":-0.5}', b'JSON {"cpu_utilization":1e999}', b'JSON {"cpu_utilization":0.5}x',
    b"JSON " + b"[" * 3000, b'JSON {"a":' * 300, b"BIN", b"BIN !!!!", b"BIN CQAAAAAAAPh/",
    b"BIN CQAAAAAA", b"BIN //////////////////////////8=", b"PROTO cpu_utilization=0.5")] + [
    # No report, two, one that would break out, a line without an end, one larger than nginx's buffer.
    b"x-nothing: 1", FIELD + HALF + b"\r\n" + FIELD + b"TEXT cpu_utilization=0.9",
    FIELD + HALF + b"\r\nSet-Cookie: a=b", FIELD + HALF + b"\n" + FIELD + b"TEXT x", FIELD + HALF + b"\r" + b"x: y",
    FIELD + b"y" * 10_000, b"endpoint-load-metrics" + b" : " + HALF]


class Servers(backend.Backends):
    """A answers /n with the n-th of those; all the others with a half."""

    def __init__(self, *ports):
        super().__init__(*ports)
        self.times, self.says = dict.fromkeys(ports, 0.001), {}

    async def _talk(self, reader, writer):
        port = writer.get_extra_info("sockname")[1]
        while True:
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1].strip(b"/").split(b"/")[-1]
            await asyncio.sleep(self.times[port])
            said = FIELD + HALF
            if port in self.says:
                said = self.says[port]
            elif port == A and path.isdigit():
                said = HOSTILE[int(path)]
            self.requests.append((port, "/"))
            writer.write(b"HTTP/1.1 200 X\r\n" + said + b"\r\nContent-Length: 5\r\n\r\n%d" % port)
            await writer.drain()


def upstream(name, extra):
    servers = "".join(f"server 127.0.0.1:{p} max_fails=0;" for p in (A, B, C))
    return f"upstream {name} {{ leastwise {extra} {harness.UNKEPT} {servers} }}"


CONFIG = f"""
    {upstream("app", "least_conn; leastwise_report on;")}
    {upstream("off", "least_conn;")}
    {upstream("all", "adaptive; leastwise_report on;")}
    {upstream("all_off", "adaptive;")}
    server {{
        listen 127.0.0.1:{PORT};
        proxy_next_upstream off;
        location / {{ proxy_pass http://app; }}
        location /off {{ proxy_pass http://off; }}
        location /all {{ proxy_pass http://all; }}
        location /all_off {{ proxy_pass http://all_off; }}
        location = /leastwise {{ leastwise_status; }}
        location = /metrics {{ leastwise_status prometheus; }}
    }}
"""


class FalseReports(unittest.TestCase):
    def setUp(self):
        self.servers = self.enterContext(Servers(A, B, C))
        self.nginx = self.enterContext(harness.Nginx(PORT, CONFIG))

    def factors(self):
        return {p: v["leastwise"]["report"]["factor"] for p, v in self.nginx.peers().items()}

    def test_what_can_not_be_changes_no_score_and_reaches_no_client(self):
        for _ in range(12):
            self.nginx.get("/")
        self.assertEqual(set(self.factors().values()), {1})
        workers, served, moved = self.nginx.children(), 0, []
        for n in range(len(HOSTILE)):
            for _ in range(3):
                answer = self.nginx.get(f"/{n}")
                self.assertIn(answer.status, (200, 502), HOSTILE[n][:60])
                self.assertNotIn("endpoint-load-metrics", {k.lower().strip() for k in answer.headers}, HOSTILE[n][:60])
                served += answer.status == 200
            if n % 8 == 7 or n == len(HOSTILE) - 1:
                time.sleep(0.15)  # a tick
                moved += [HOSTILE[n - 7:n + 1] for f in self.factors().values() if not 1 <= f <= 1.1]
        report = self.nginx.peers()[A]["leastwise"]["report"]
        print(f"{len(HOSTILE)} reports: {served} of {3 * len(HOSTILE)} answers passed on, {report['refused']} refused,"
              f" {report['accepted']} accepted; factors {self.factors()}")
        self.assertEqual(moved, [])
        self.assertEqual(self.nginx.children(), workers)
        self.assertGreaterEqual(report["refused"], 40)

    def shares_of_liar(self, upstreams):
        """At the same time, so that what else the machine does is the same for both; once each was seen to be slow."""
        def is_seen(upstream):
            peers = {p: v["leastwise"]["slowness"] for p, v in self.nginx.peers(upstream).items()}
            return peers[A] > 2 * max(peers[B], peers[C])

        with contextlib.ExitStack() as stack:
            loads = [stack.enter_context(harness.Load(PORT, clients=8, path=path)) for path in upstreams.values()]
            harness.wait_for(lambda: all(map(is_seen, upstreams)), "the slow one to be seen", 20)
            before = {u: self.nginx.picks(u) for u in upstreams}
            time.sleep(12 if harness.SANITIZED else 4)  # fewer requests a second
            shares = [harness.shares(before[u], self.nginx.picks(u))[A] for u in upstreams]
        self.assertEqual([load.failures for load in loads], [[], []])
        return shares

    def test_one_that_is_slow_and_says_that_it_is_idle_gains_nothing(self):
        self.servers.times = {A: 0.1, B: 0.025, C: 0.025}
        self.servers.says = {A: FIELD + b"TEXT cpu_utilization=0", B: FIELD + b"TEXT cpu_utilization=0.7",
                             C: FIELD + b"TEXT cpu_utilization=0.7"}
        for on, off in (("all", "all_off"), ("app", "off"))[:2 if harness.FULL else 1]:
            believed, without = self.shares_of_liar({on: "/" if on == "app" else f"/{on}", off: f"/{off}"})
            print(f"a liar's share: {believed:.1%} with reports, {without:.1%} without ({on})")
            # 1.2 times, and a point for chance.
            self.assertLessEqual(believed, 1.2 * without + 0.01)

    def test_a_report_that_is_not_renewed_counts_for_nothing_after_three_seconds(self):
        self.servers.says = {A: FIELD + b"TEXT cpu_utilization=1"}
        for _ in range(30):
            self.nginx.get("/")
        harness.wait_for(lambda: self.factors()[A] > 1.9, "the report to count")
        self.servers.says = dict.fromkeys((A, B, C), b"x-nothing: 1")
        start = time.monotonic()
        for _ in range(6):
            self.nginx.get("/")  # goes on, without reports
        harness.wait_for(lambda: self.factors()[A] == 1, "the report to be stale")
        seconds = time.monotonic() - start
        print(f"neutral {seconds:.1f} s after the last report")
        self.assertLess(seconds, 3.5 if not harness.SANITIZED else 5)  # and the tick
        self.assertIsNone(self.nginx.peers()[A]["leastwise"]["report"]["utilisation"])


if __name__ == "__main__":
    unittest.main()
