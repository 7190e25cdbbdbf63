"""Failures that hide behind HTTP 200, and quick refusals, on their way through a real HAProxy.

Usage: failures_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import signal
import sys
import threading
import unittest

import stack
from stack import ROOT, WEB, Stack, get, load, say, until

sys.path.insert(0, str(ROOT / "tests" / "nginx_module"))
from grpc_backend import Behaviour, GrpcBackends  # noqa: E402

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]


class GrpcStack(Stack):
    """Servers of gRPC, to whom HAProxy talks HTTP/2."""

    def __init__(self, **options):
        super().__init__(server_options="proto h2", **options)
        self.servers = None

    def start_backends(self):
        self.servers = GrpcBackends(*self.ports.values())
        self.servers.__enter__()

    def __exit__(self, *_):
        super().__exit__()
        if self.servers is not None:
            self.servers.__exit__()

    def call(self, calls, clients=8):
        """So many calls of a few clients; how many of them each server got."""
        def ask():
            while sum(self.servers.calls.values()) < calls:
                get(WEB, "/service/call")
        self.servers.calls = dict.fromkeys(self.servers.calls, 0)
        threads = [threading.Thread(target=ask) for _ in range(clients)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return {name: self.servers.calls[port] for name, port in self.ports.items()}

    def results(self, result):
        return sum(p["leastwise"]["results"][result] for p in self.peers().values())


def reconfigure(s, backend):
    s.write_agent_config(backend)
    s.send_signal("agent", signal.SIGHUP)


class Failures(unittest.TestCase):
    def share(self, how, status):
        """Of s3, which fails in 1 ms beside two that answer in 20."""
        with GrpcStack() as s:
            for port in s.ports.values():
                s.servers.behaviour[port] = Behaviour(delay=0.02)
            s.servers.behaviour[s.ports["s3"]] = Behaviour(how, status, 0.001)
            calls = s.call(2000)
            share = calls["s3"] / sum(calls.values())
            say(self, share=round(share, 4))
            return share

    def test_one_that_fails_fast_in_trailers_only_is_avoided(self):
        self.assertLessEqual(self.share("trailers_only", 14), 0.02)

    def test_one_that_fails_fast_with_502_is_avoided(self):
        self.assertLessEqual(self.share("http", 502), 0.02)

    def test_grpc_in_a_header_counts_and_its_report_is_read(self):
        with GrpcStack() as s:
            reconfigure(s, "policy least_conn; report on; failure grpc_7;")
            until(lambda: s.peers().keys() >= set(s.names))
            for status, result in ((14, "server_error"), (7, "server_error"), (5, "ok")):
                for port in s.ports.values():
                    s.servers.behaviour[port] = Behaviour(
                        "trailers_only", status,
                        extra=(("endpoint-load-metrics-bin", "CQAAAAAAAOA/"),))
                before = s.results(result)
                for _ in range(6):
                    _, headers, _ = get(WEB, "/service/call")
                    self.assertNotIn("endpoint-load-metrics-bin", headers)
                until(lambda r=result, b=before: s.results(r) == b + 6)
            for peer in s.peers().values():
                self.assertGreater(peer["leastwise"]["report"]["accepted"], 0)
                self.assertAlmostEqual(peer["leastwise"]["report"]["utilisation"], 0.5, places=2)

    def quick_share(self, backend="policy adaptive;", rate=300, **changes):
        """Of s3, by the agent's count, as a multiple of fair."""
        with Stack(slots=4, distribution="exp", slow=10) as s:  # 20 ms
            reconfigure(s, backend)
            for key, value in changes.items():
                s.backend(f"/set?server=s3&{key}={value}")
            before = s.picks()
            load("--rate", rate, "--seconds", 8)
            picks = {name: n - before[name] for name, n in s.picks().items()}
            share = 3 * picks["s3"] / sum(picks.values())
            say(self, rate=rate, share=round(share, 3))
            return share

    def test_who_refuses_at_once_gets_no_more(self):
        for rate in (60, 300):  # of 600 that the three can do
            with self.subTest(rate=rate):
                share = self.quick_share(rate=rate, error_share=1, error_status=404, error_ms=1)
                self.assertLessEqual(share, 1.2)

    def test_what_is_declared_a_failure_is_avoided(self):
        share = self.quick_share("policy adaptive; failure http_404;", error_share=1,
                                 error_status=404, error_ms=1)
        self.assertLessEqual(share, 0.1)

    def test_who_keeps_clients_waiting_gets_less(self):
        with Stack(slots=4, distribution="exp", slow=10) as s:  # 20 ms
            load("--rate", 100, "--seconds", 3)
            s.backend("/set?server=s3&hang=true")
            before = s.picks()
            load("--rate", 100, "--seconds", 10, "--timeout", 1)
            picks = {name: n - before[name] for name, n in s.picks().items()}
            share = 3 * picks["s3"] / sum(picks.values())
            say(self, share=round(share, 3))
            self.assertLessEqual(share, 0.2)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
