"""Requests that stay long: who waits without working only keeps its place, and who works counts as
queue until its end. Which it is, is learned from the answers of others."""

import unittest

import backend
import harness

PORT = 20480
SERVERS = (20481, 20482, 20483)
POLLS = 8
POLL_SECONDS = 2  # 100 times what a quick request takes


def config(servers):
    text = "".join(f"server 127.0.0.1:{p}; " for p in servers)
    return (f"upstream app {{ zone app 64k; leastwise; {text} }} server {{ listen 127.0.0.1:{PORT};"
            " location / { proxy_pass http://app; proxy_http_version 1.1; proxy_buffering off; }"
            " location = /leastwise { leastwise_status; } }")


class Waits(unittest.TestCase):
    def start(self, servers):
        self.enterContext(backend.Backends(*servers))
        return self.enterContext(harness.Nginx(PORT, config(servers)))

    def held(self, nginx):
        return sum(p["leastwise"]["held"] for p in nginx.peers().values())

    def test_long_polls_only_keep_their_place(self):
        nginx = self.start(SERVERS)
        with harness.Load(PORT, clients=3, path="/serve/0.02") as quick:
            harness.wait_for(lambda: quick.sent > 100, "the pool to learn", 20)
            with harness.Load(PORT, clients=POLLS, path=f"/poll/{POLL_SECONDS}"):
                harness.wait_for(lambda: self.held(nginx) == POLLS, "the polls to be told", 30)
                before = {port: p["requests"] for port, p in nginx.peers().items()}
                sent = quick.sent
                harness.wait_for(lambda: quick.sent > sent + 300, "quick requests", 30)
                served = [p["requests"] - before[port] for port, p in nginx.peers().items()]
                print("quick requests of each server beside the polls:", served)
                # Three in flight at three equal servers; 300 and a few polls.
                self.assertGreater(min(served), 30)
        self.assertEqual(quick.failures, [])
        harness.wait_for(lambda: self.held(nginx) == 0, "the polls to end", 10)
        self.assertEqual(nginx.in_flight(), 0)

    def test_streams_that_keep_a_slot_count_until_they_end(self):
        """Five clients for four slots: somebody always waits behind a stream, and that tells."""
        nginx = self.start(SERVERS[:2])
        with harness.Load(PORT, clients=5, path="/tokens/0.5") as streams:
            harness.wait_for(lambda: streams.sent >= 10, "streams", 30)
            harness.wait_for(lambda: nginx.in_flight() >= 4 and self.held(nginx) == 0,
                             "the streams to count as queue", 60)
        self.assertEqual(streams.failures, [])
        harness.wait_for(lambda: nginx.in_flight() == 0, "the streams to end", 10)
        self.assertLess(nginx.peers()[SERVERS[0]]["response_time"], 500)  # ms: to the first byte


if __name__ == "__main__":
    unittest.main()
