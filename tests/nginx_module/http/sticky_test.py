"""Sessions that nginx's `sticky` binds to servers (since nginx 1.29.6) are served as with nginx's own
least_conn when `leastwise;` takes its place: each test here passes with either."""

import collections
import unittest

import backend
import harness

PORT, DEAD = 20170, 20171
A, B, C, D = 20172, 20173, 20174, 20175


class Sticky:
    """For each method a class of its own, below."""

    def setUp(self):
        self.backends = self.enterContext(backend.Backends(A, B, C, D))

    def nginx(self, servers, binding="cookie srv"):
        """The session that a request is bound to is the route of its server, in the cookie `srv`."""
        lines = "".join(f"server 127.0.0.1:{server}; " for server in servers)
        return self.enterContext(harness.Nginx(
            PORT, f"upstream app {{ {self.METHOD} {lines} sticky {binding}; }}"
            f" server {{ listen 127.0.0.1:{PORT}; location / {{ proxy_pass http://app; }}"
            " location = /leastwise { STATUS } }".replace(
                "STATUS", "leastwise_status;" if "leastwise" in self.METHOD else "return 404;")))

    @staticmethod
    def served(nginx, n, route=None, path="/"):
        headers = {"Cookie": f"srv={route}"} if route else {}
        return collections.Counter(int(nginx.get(path, headers=headers).body) for _ in range(n))

    def test_one_bound_to_a_backup_by_its_route_is_served_by_it_while_the_primaries_are_dead(self):
        nginx = self.nginx((f"{DEAD} route=p", f"{A} backup route=a", f"{B} backup route=b",
                            f"{C} backup route=c"))
        for route, port in (("b", B), ("c", C), ("a", A), ("b", B)):
            self.assertEqual(self.served(nginx, 5, route), {port: 5})

    def test_one_bound_to_a_backup_by_its_cookie_is_served_by_it_while_the_primaries_are_dead(self):
        nginx = self.nginx((DEAD, f"{A} backup", f"{B} backup", f"{C} backup"))
        for _ in range(4):
            first = nginx.get("/")
            cookie = first.headers["Set-Cookie"].split(";")[0].partition("=")[2]
            self.assertEqual(self.served(nginx, 5, cookie), {int(first.body): 5})

    def test_one_bound_to_a_backup_is_served_by_the_primaries_while_they_live(self):
        nginx = self.nginx((f"{A} route=a", f"{B} route=b", f"{C} backup route=c"))
        self.assertEqual(self.served(nginx, 10, "c"), {A: 5, B: 5})

    def test_one_bound_to_a_dead_backup_moves_to_one_that_lives(self):
        nginx = self.nginx((f"{DEAD} route=p", f"{A} backup route=a", f"{B} backup route=b"))
        self.backends.stop(B)
        self.assertEqual(self.served(nginx, 5, "b"), {A: 5})

    def test_of_primaries_and_a_backup_with_one_route_the_primary_that_lives_serves(self):
        nginx = self.nginx((f"{DEAD} route=x", f"{A} route=y", f"{B} route=x backup"))
        self.assertEqual(self.served(nginx, 10, "x"), {A: 10})
        self.assertEqual(self.served(nginx, 10, "y"), {A: 10})

    def test_a_primary_serves_though_a_backup_has_its_route(self):
        nginx = self.nginx((f"{A} route=x", f"{B} route=y", f"{C} route=x backup"))
        self.assertEqual(self.served(nginx, 10, "x"), {A: 10})

    def test_a_session_stays_on_a_server_that_drains(self):
        nginx = self.nginx((f"{A} route=a drain", f"{B} route=b", f"{C} route=c"))
        self.assertEqual(self.served(nginx, 10, "a"), {A: 10})
        self.assertEqual(self.served(nginx, 10), {B: 5, C: 5})

    def test_one_is_bound_by_a_route_that_is_no_cookie_of_nginx(self):
        nginx = self.nginx((f"{A} route=a", f"{B} route=b"), "route $arg_none $cookie_srv")
        self.assertEqual(self.served(nginx, 6, "b"), {B: 6})
        self.assertEqual(self.served(nginx, 6, "a"), {A: 6})
        self.assertEqual(self.served(nginx, 6, "elsewhere"), {A: 3, B: 3})

    def test_who_is_seen_to_begin_a_session_stays_where_it_began(self):
        nginx = self.nginx((A, B, C), "learn zone=sessions:1m create=$cookie_srv lookup=$cookie_srv")
        homes = {name: next(iter(self.served(nginx, 1, name))) for name in ("one", "two", "three")}
        self.assertEqual(set(homes.values()), {A, B, C})
        for name, home in homes.items():
            self.assertEqual(self.served(nginx, 5, name), {home: 5})

    def test_who_is_bound_to_none_goes_by_weight_after_a_hundred_who_were_bound_to_one(self):
        nginx = self.nginx((f"{A} weight=1 route=a", f"{B} weight=2 route=b", f"{C} weight=3 route=c",
                            f"{D} weight=4 route=d"))
        # Ten milliseconds each, or what a busy machine adds would be a server that is twice as slow.
        self.assertEqual(self.served(nginx, 100, "a", "/sleep/0.01"), {A: 100})
        self.assert_by_weight(self.served(nginx, 100, path="/sleep/0.01"))

    def assert_by_weight(self, served):
        for port, wanted in ((A, 10), (B, 20), (C, 30), (D, 40)):
            self.assertAlmostEqual(served[port], wanted, delta=1, msg=str(served))


NEEDS = "nginx binds no sessions before 1.29.6"


@unittest.skipIf(harness.VERSION < (1, 29, 6), NEEDS)
class WithLeastConn(Sticky, unittest.TestCase):
    METHOD = "least_conn;"


@unittest.skipIf(harness.VERSION < (1, 29, 6), NEEDS)
class Watched(Sticky, unittest.TestCase):
    METHOD = "least_conn; leastwise_observe on;"


@unittest.skipIf(harness.VERSION < (1, 29, 6), NEEDS)
class WithLeastwiseByInFlight(Sticky, unittest.TestCase):
    METHOD = "leastwise least_conn;"


@unittest.skipIf(harness.VERSION < (1, 29, 6), NEEDS)
class WithLeastwise(Sticky, unittest.TestCase):
    METHOD = "leastwise;"

    def test_who_was_bound_leaves_nothing_in_flight(self):
        nginx = self.nginx((f"{DEAD} route=p", f"{A} backup route=a", f"{B} backup route=b"))
        self.served(nginx, 10, "b")
        self.assertEqual(nginx.in_flight(), 0)
        results = [nginx.peers()[port]["leastwise"]["results"] for port in (A, B)]
        self.assertEqual([r["ok"] for r in results], [0, 10])
        picks = [nginx.peers()[port]["leastwise"]["picks"] for port in (A, B)]
        self.assertEqual([sum(r.values()) for r in results], picks)


if __name__ == "__main__":
    unittest.main()
