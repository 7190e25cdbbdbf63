"""What tells cheap requests from dear ones: method and path by default, or what the user says."""

import json
import unittest

import backend
import harness

PORT = 20290
A, B = 20291, 20292

SERVERS = f"server 127.0.0.1:{A}; server 127.0.0.1:{B};"
CONFIG = f"""
    upstream app {{ leastwise; {SERVERS} }}
    upstream chosen {{ leastwise; leastwise_route $http_x_kind; {SERVERS} }}
    server {{
        listen 127.0.0.1:{PORT};
        location / {{ proxy_pass http://app; }}
        location /chosen/ {{ proxy_pass http://chosen/; }}
        location = /leastwise {{ leastwise_status; }}
    }}
"""


class Routes(unittest.TestCase):
    def setUp(self):
        self.enterContext(backend.Backends(A, B))
        self.nginx = self.enterContext(harness.Nginx(PORT, CONFIG))

    def routes(self, upstream="app"):
        page = json.loads(self.nginx.get("/leastwise").body)
        return {r["route"]: r for r in page["upstreams"][upstream]["routes"]}

    def ask(self, *paths, times=1, **options):
        for _ in range(times):
            for path in paths:
                self.assertEqual(self.nginx.get(path, **options).status, 200)

    def learned(self, samples, route, upstream="app"):
        harness.wait_for(lambda: self.routes(upstream).get(route, {}).get("samples", 0) >= samples,
                         f"{samples} samples of {route}")
        return self.routes(upstream)

    def test_paths_of_one_first_segment_are_told_apart(self):
        # The first eight are the family's alone.
        self.ask("/api/list", "/api/report", times=8)
        self.learned(16, "GET /api/")
        self.ask("/api/list", "/api/report", times=60)
        routes = self.learned(60, "GET /api/report")
        self.assertEqual(routes["GET /api/list"]["family"], "GET /api/")
        self.assertIsNone(routes["GET /api/"]["family"])
        # 10 and 100 ms by the server. Costs are seconds on a server of the pool's mean, which
        # the model finds within a few per cent, and the machine adds some milliseconds.
        cheap, dear = routes["GET /api/list"]["cost_ms"], routes["GET /api/report"]["cost_ms"]
        self.assertGreater(dear, 4 * cheap)
        self.assertTrue(5 < cheap < 30, cheap)
        self.assertTrue(50 < dear < 150, dear)
        for name in ("GET /api/list", "GET /api/report"):
            self.assertLess(routes[name]["spread"], routes["GET /api/"]["spread"])

    def test_paths_that_differ_by_an_id_are_one(self):
        self.ask("/user/1/orders", times=8)
        self.learned(8, "GET /user/")
        self.ask("/user/123/orders", "/user/456/orders",
                 "/user/0c9f8e7d-1a2b-4c3d-8e9f-a0b1c2d3e4f5/orders", times=5)
        routes = self.learned(15, "GET /user/*/orders")
        self.assertEqual([r for r in routes if "orders" in r], ["GET /user/*/orders"])

    def test_methods_are_told_apart(self):
        self.ask("/item", times=9)
        self.ask("/item", times=9, method="POST")
        self.learned(9, "POST /item/")
        self.assertIn("GET /item/", self.routes())

    def test_what_the_user_says_is_a_route_goes(self):
        for kind, path in (("cheap", "/chosen/api/list"), ("dear", "/chosen/api/report")):
            self.ask(path, times=10, headers={"X-Kind": kind})
        self.ask("/chosen/a", times=3)
        self.learned(3, "other", "chosen")
        routes = self.learned(10, "dear", "chosen")
        self.assertEqual(routes.keys(), {"cheap", "dear", "other"})
        self.assertIsNone(routes["dear"]["family"])

    def test_hostile_paths_do_no_harm(self):
        self.ask("/api/list", times=10)
        self.learned(8, "GET /api/")
        for i in range(600):
            self.nginx.get(f"/api/{chr(103 + i % 19) * (1 + i // 19)}", method="GET")
        self.ask("/%3Cscript%3E", "/%22%5C%0a%ff/x", "/" + "a/" * 2000)
        routes = self.routes()
        self.assertLessEqual(len(routes), 257)
        self.assertTrue(all(len(name) <= 95 for name in routes))
        self.assertFalse([name for name in routes if "<" in name or '"' in name])
        self.ask("/api/list", times=10)

    def test_names_and_costs_survive_a_reload(self):
        self.ask("/api/list", times=8)
        self.learned(8, "GET /api/")
        self.ask("/api/list", times=8)
        before = self.learned(8, "GET /api/list")["GET /api/list"]
        self.nginx.reload()
        after = self.routes()["GET /api/list"]
        self.assertEqual(after["family"], "GET /api/")
        self.assertEqual(after["samples"], before["samples"])
        self.assertEqual(after["cost_ms"], before["cost_ms"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
