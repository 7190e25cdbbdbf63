"""Servers outside `leastwise_locality` are used when those inside are busy, or down."""

import collections
import concurrent.futures
import http.client
import json
import unittest

import backend
import harness

PORT = 20070
NEAR, FAR = 20071, 20072

# Both are on this machine: 127.0.0.2 is the other zone.
CONFIG = f"""
    upstream app {{
        leastwise; leastwise_locality 127.0.0.1/32,fd00::/8; leastwise_slots 4;
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
        location /control/ {{ leastwise_control; }}
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

    def control(self, method, path="", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
        try:
            connection.request(method, "/control/9/http/upstreams/app/servers" + path, json.dumps(body) if body else None)
            answer = connection.getresponse()
            self.assertIn(answer.status, (200, 201))
            return json.loads(answer.read())
        finally:
            connection.close()

    def told(self):
        return {s["server"]: (s["remote"], s["leastwise"]["changed"]) for s in self.control("GET")}

    def test_where_a_server_is_can_be_told_at_run_time_and_outlives_a_reload(self):
        near, far = f"127.0.0.1:{NEAR}", f"127.0.0.2:{FAR}"
        numbers = {s["server"]: s["id"] for s in self.control("GET")}
        self.assertEqual(self.told(), {near: (False, []), far: (True, [])})
        self.control("PATCH", f"/{numbers[near]}", {"remote": True})
        self.control("PATCH", f"/{numbers[far]}", {"remote": False})
        self.learn()
        self.ask("/sleep/0.005", 20)
        calm = self.ask("/sleep/0.005", 40)
        self.assertLessEqual(calm[NEAR], 2, calm)
        added = f"127.0.0.3:{NEAR}"
        self.assertTrue(self.control("POST", body={"server": added, "remote": False})["server"] == added)
        self.nginx.reload()
        now = {near: (True, ["remote"]), far: (False, ["remote"]), added: (False, ["remote"])}
        self.assertEqual(self.told(), now)
        for server, number in numbers.items():
            self.control("PATCH", f"/{number}", {"remote": None})
            now[server] = (server == far, [])
        self.assertEqual(self.told(), now)

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
