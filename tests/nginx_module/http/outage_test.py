"""Servers that are all down, one that comes and goes, and one that fails at once: nobody is shut out by
what was learned, failures attract nobody, and the log stays short."""

import collections
import re
import threading
import time
import unittest

import backend
import harness

PORT = 21940
A, B, C = 21941, 21942, 21943
PERIODS = 30 if harness.FULL else 2  # of two seconds


class Servers(backend.Backends):
    """/as/ is answered as the server is told to: ok, 500, slow."""

    def __init__(self, *ports):
        super().__init__(*ports)
        self.way = dict.fromkeys(ports, "ok")

    async def _do_as(self, writer, _argument, port, head):
        way = self.way[port]
        if way == "500":
            return await self._do_status(writer, 500, port, head)
        return await self._do_sleep(writer, 5 if way == "slow" else 0.01, port, head)


def config(parameters="", method="leastwise; leastwise_outlier on;", location=""):
    servers = "".join(f"server 127.0.0.1:{p} {parameters};" for p in (A, B, C))
    return (f"upstream app {{ {method} {servers} }} server {{ listen 127.0.0.1:{PORT};"
            f" location / {{ proxy_pass http://app; proxy_read_timeout 300ms; {location} }}"
            " location = /leastwise { leastwise_status; } }")


RETRY = "proxy_next_upstream error timeout http_500;"


class AllDown(unittest.TestCase):
    def fail_all(self, way, parameters):
        """Seconds until a request succeeds after one of three has come back."""
        with Servers(A, B, C) as servers, harness.Nginx(PORT, config(parameters, location=RETRY)) as nginx:
            for _ in range(12):
                self.assertEqual(nginx.get("/as/").status, 200)
            servers.way = dict.fromkeys(servers.way, way)
            if way == "refuse":
                for port in (A, B, C):
                    servers.stop(port)
            for _ in range(20 if way != "slow" else 3):
                self.assertGreaterEqual(nginx.get("/as/").status, 500)
            servers.way[B] = "ok"
            if way == "refuse":
                servers.start(B)
            start = time.monotonic()
            harness.wait_for(lambda: nginx.get("/as/").status == 200, "a good answer", 15)
            seconds = time.monotonic() - start
            # And it stays so.
            self.assertEqual({nginx.get("/as/").status for _ in range(10)}, {200})
            return seconds

    def test_when_one_returns_requests_succeed_within_a_second(self):
        for parameters in ("max_fails=0", ""):
            for way in ("500", "refuse", "slow"):
                with self.subTest(way=way, parameters=parameters):
                    seconds = self.fail_all(way, parameters)
                    print(f"all three {way}, {parameters or 'max_fails=1 fail_timeout=10s'}: answered"
                          f" {seconds:.2f} s after one was back")
                    # By the score alone nobody is out; by max_fails not for all of fail_timeout, when all are.
                    self.assertLess(seconds, 1)


class Flapping(unittest.TestCase):
    def test_one_that_comes_and_goes_costs_no_request_and_its_share_follows_once_a_period(self):
        servers = self.enterContext(Servers(A, B, C))
        nginx = self.enterContext(harness.Nginx(PORT, config("fail_timeout=1s"), workers=2))
        shares = []  # B's, of the answers of each quarter of a second
        with harness.Load(PORT, clients=8, path="/as/") as load:
            time.sleep(1)
            begin = self.answers(nginx)
            for i in range(2 * PERIODS):
                (servers.stop if i % 2 == 0 else servers.start)(B)
                for _ in range(4):
                    before = self.answers(nginx)
                    time.sleep(0.25)
                    shares.append(harness.shares(before, self.answers(nginx))[B])
            whole = harness.shares(begin, self.answers(nginx))[B]
        rises = sum(before < 0.02 <= after for before, after in zip(shares, shares[1:]))
        print(f"{PERIODS} times down and up: {load.sent} requests, {len(load.failures)} failed; B's share went up"
              f" {rises} times, was {max(shares):.0%} at most and {whole:.0%} in the whole")
        self.assertEqual(load.failures, [])
        self.assertLessEqual(rises, PERIODS)
        self.assertGreater(whole, 0)

    @staticmethod
    def answers(nginx):
        return {p: v["leastwise"]["results"]["ok"] for p, v in nginx.peers().items()}


@unittest.skipIf(harness.SANITIZED, "a figure of the release build")
class Sinkhole(unittest.TestCase):
    def play(self, method, servers):
        """(share of the one that fails, part of the requests that failed), after two seconds of it."""
        with harness.Nginx(PORT, config("max_fails=0", method, "proxy_next_upstream off;"), workers=2) as nginx:
            servers.way[C] = "ok"
            with harness.Load(PORT, clients=8, path="/as/") as load:
                time.sleep(1)
                servers.way[C] = "500"
                time.sleep(2)
                seen, failed, sent = len(servers.requests), len(load.failures), load.sent
                time.sleep(1)
                ports = collections.Counter(port for port, path in servers.requests[seen:] if path == "/as/")
                failed, sent = len(load.failures) - failed, load.sent - sent
        return ports[C] / sum(ports.values()), failed / sent

    def test_one_that_answers_500_at_once_gets_no_more_than_its_fair_share_and_less_than_by_least_conn(self):
        servers = self.enterContext(Servers(A, B, C))
        theirs, failed_theirs = self.play("least_conn;", servers)
        for method in ("leastwise;", "leastwise; leastwise_outlier on;")[:2 if harness.FULL else 1]:
            with self.subTest(method=method):
                ours, failed = self.play(method, servers)
                print(f"500 at once from one of three: {ours:.1%} of the requests, {failed:.1%} failed with"
                      f" {method} {theirs:.1%} and {failed_theirs:.1%} with least_conn")
                self.assertLessEqual(ours, 1 / 3)
                self.assertLessEqual(failed, failed_theirs)


class Log(unittest.TestCase):
    OURS = re.compile(r"leastwise|upstream \"|given back|server \"|zone \"|adaptive|least_conn|failed alike|left out")

    def test_a_second_has_no_more_than_a_line_of_ours_for_each_server_whatever_fails(self):
        servers = self.enterContext(Servers(A, B, C))
        text = config("fail_timeout=1s", location=RETRY)
        text = text.replace("leastwise;", "leastwise; leastwise_report on;"
                            " leastwise_probe http interval=200ms timeout=100ms fails=2 passes=1;")
        nginx = self.enterContext(harness.Nginx(PORT, text, workers=2))
        stop = threading.Event()

        def wreck():
            for i in range(1000):
                if stop.is_set():
                    return
                port = (A, B, C)[i % 3]
                servers.way[port] = ("500", "slow", "ok")[i // 3 % 3]
                time.sleep(0.15)
        wrecker = threading.Thread(target=wreck)
        start = time.monotonic()
        wrecker.start()
        paths = ("/as/", f"/reset/x/{A}", "/status/500", f"/report/garbage/{B}", f"/hang/x/{C}", "/truncate")
        loads = [self.enterContext(harness.Load(PORT, clients=2, path=p)) for p in paths]
        time.sleep(3)
        for port in (A, B, C):
            servers.stop(port)
        time.sleep(1.5)
        stop.set()
        wrecker.join()
        seconds = time.monotonic() - start
        sent = sum(x.sent for x in loads)
        with open(nginx.path("error.log"), encoding="utf-8", errors="replace") as f:
            log = f.readlines()
        # What nginx itself says of each request that fails, any method would have beside it.
        ours = [line for line in log if self.OURS.search(line.split(", client: ")[0])]
        # Some name the upstream: the server is blamed when another has answered.
        disabled = [line for line in log if "temporarily disabled" in line]
        kinds = collections.Counter(re.sub(r"[\d.:]+", "#", line.split("] ", 1)[1][:90]) for line in ours)
        for kind, n in kinds.most_common(12):
            print(n, kind)
        print(f"{sent} requests in {seconds:.1f} s: {len(log)} lines, {len(ours)} of ours, {len(disabled)}"
              " times \"temporarily disabled\"")
        self.assertGreater(sent, 200)
        self.assertLessEqual(len(ours), 3 * seconds)
        self.assertGreater(len(disabled), 3)
        self.assertLessEqual(len(disabled), 3 * seconds)


if __name__ == "__main__":
    unittest.main()
