"""What tells cheap requests from dear ones, with a real HAProxy: method and path of the generated
SPOE file, or the argument `route` of an older one.

Usage: routes_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import sys
import unittest

import stack
from stack import WEB, Stack, get, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]


def ask(*paths, times=1):
    for _ in range(times):
        for path in paths:
            assert get(WEB, path)[0] == 200, path


class WithRoute(Stack):
    """The SPOE file as it was generated before the path went with it."""

    def write_files(self):
        super().write_files()
        file = self.folder / "leastwise.spoe.conf"
        new = "method=method path=path,bytes(0,256)"
        text = file.read_text()
        assert new in text, text
        file.write_text(text.replace(new, "route=path,word(1,/)"))


class Routes(unittest.TestCase):
    def learned(self, s, samples, route):
        def look():
            routes = {r["route"]: r for r in s.status()["upstreams"]["app"]["routes"]}
            return routes if routes.get(route, {}).get("samples", 0) >= samples else None
        return until(look)

    def test_paths_of_one_first_segment_are_told_apart(self):
        with Stack(paths={"/": 2, "/api/list": 10, "/api/report": 100}) as s:
            # The first eight are the family's alone.
            ask("/api/list", "/api/report", times=8)
            self.learned(s, 16, "GET /api/")
            ask("/api/list", "/api/report", times=60)
            routes = self.learned(s, 60, "GET /api/report")
            self.assertEqual(routes["GET /api/list"]["family"], "GET /api/")
            cheap, dear = routes["GET /api/list"]["cost_ms"], routes["GET /api/report"]["cost_ms"]
            # HAProxy's times are whole milliseconds.
            self.assertGreater(dear, 4 * cheap)
            self.assertTrue(5 < cheap < 30, cheap)
            self.assertTrue(50 < dear < 150, dear)

    def test_paths_that_differ_by_an_id_are_one_also_long_ones(self):
        with Stack() as s:
            ask("/user/1/orders", times=8)
            self.learned(s, 8, "GET /user/")
            ask("/user/123/orders", "/user/456/orders?page=2",
                "/user/0c9f8e7d-1a2b-4c3d-8e9f-a0b1c2d3e4f5/orders", times=5)
            routes = self.learned(s, 15, "GET /user/*/orders")
            self.assertEqual([r for r in routes if "orders" in r], ["GET /user/*/orders"])
            # Longer than a frame of SPOE, if it were sent as it is.
            picked = s.status()["agent"]["picks"]["picked"]
            ask("/user/" + "a" * 10_000)
            self.assertEqual(s.status()["agent"]["picks"]["picked"], picked + 1)

    def test_an_older_spoe_file_tells_first_segments_apart_as_it_did(self):
        with WithRoute() as s:
            ask("/api/list", "/api/report", "/web", times=10)
            self.learned(s, 20, "api")
            routes = self.learned(s, 10, "web")  # the last of them
            self.assertEqual(routes["web"]["samples"], 10)
            self.assertIsNone(routes["api"]["family"])
            self.assertEqual(routes.keys() - {"other"}, {"api", "web"})


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
