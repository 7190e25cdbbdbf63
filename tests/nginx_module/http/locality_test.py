"""Servers outside `leastwise_locality` are used when those inside are busy, or down."""

import collections
import concurrent.futures
import unittest

import backend
import harness

PORT = 20070
NEAR, FAR = 20071, 20072

# Both are on this machine: 127.0.0.2 is the other zone.
CONFIG = f"""
    upstream app {{
        leastwise; leastwise_locality 127.0.0.1/32,fd00::/8;
        server 127.0.0.1:{NEAR}; server 127.0.0.2:{FAR};
    }}
    upstream sticky {{
        leastwise; leastwise_affinity 20; leastwise_key $arg_user;
        server 127.0.0.1:{NEAR}; server 127.0.0.2:{FAR};
    }}
    server {{
        listen 127.0.0.1:{PORT};
        location / {{ proxy_pass http://app; }}
        location /sticky/ {{ proxy_pass http://sticky/; add_header X-Reason $leastwise_reason; }}
        location = /leastwise {{ leastwise_status; }}
        location = /metrics {{ leastwise_status prometheus; }}
    }}
"""


class Locality(unittest.TestCase):
    def setUp(self):
        self.backends = self.enterContext(backend.Backends(NEAR, FAR, host="0.0.0.0"))
        self.nginx = self.enterContext(harness.Nginx(PORT, CONFIG, workers=2))

    def picks(self, upstream="app"):
        return {port: p["leastwise"]["picks"] for port, p in self.nginx.peers(upstream).items()}

    def ask(self, path, times, at_once=1):
        before = self.picks()
        with concurrent.futures.ThreadPoolExecutor(at_once) as clients:
            statuses = list(clients.map(lambda _: self.nginx.get(path).status, range(times)))
        self.assertEqual(set(statuses), {200})
        return {port: n - before[port] for port, n in self.picks().items()}

    def learn(self):
        self.ask("/sleep/0.005", 60)
        harness.wait_for(lambda: self.nginx.status()["model"]["learned"], "the model")

    def test_near_first_and_far_when_busy(self):
        self.learn()
        self.ask("/sleep/0.005", 20)
        calm = self.ask("/sleep/0.005", 40)
        self.assertLessEqual(calm[FAR], 2, calm)
        busy = self.ask("/sleep/0.005", 400, at_once=40)
        self.assertGreater(busy[FAR], 40, busy)
        peers = self.nginx.peers()
        self.assertTrue(peers[NEAR]["leastwise"]["local"])
        self.assertFalse(peers[FAR]["leastwise"]["local"])
        self.assertRegex(self.nginx.get("/metrics").body,
                         rf'leastwise_peer_local{{.*127.0.0.2:{FAR}"}} 0')

    def test_a_key_stays_on_its_server(self):
        for _ in range(60):
            self.nginx.get("/sticky/sleep/0.002")
        servers = collections.defaultdict(set)
        for user in range(12):
            for _ in range(4):
                servers[user].add(self.nginx.get(f"/sticky/ok?user={user}").body)
        self.assertEqual({len(s) for s in servers.values()}, {1}, servers)
        self.assertEqual(len(set.union(*servers.values())), 2, servers)


if __name__ == "__main__":
    unittest.main()
