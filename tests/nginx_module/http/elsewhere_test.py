"""By control nginx tells what each of its servers has in flight, and is told what other balancers have there."""

import concurrent.futures
import contextlib
import http.client
import json
import threading
import time
import unittest

import backend
import harness
import stream_servers as s

PORT, A, B, C, STREAM_PORT, SILENT = range(20990, 20996)
HEARSAY = 5  # seconds until what was told is forgotten
MOST = 512 * 1024
# What is said of others to three upstreams that are alike.
WAITS = {"counted": {"balancers": 9, "count": True}, "shown": {"balancers": 9}, "few": {"balancers": 3, "count": True}}

CONFIG = f"""
    upstream app {{ leastwise; server 127.0.0.1:{A}; server 127.0.0.1:{B}; server 127.0.0.1:{C} down; }}
    upstream counted {{ leastwise; server 127.0.0.1:{A}; server 127.0.0.1:{B}; }}
    upstream shown {{ leastwise; server 127.0.0.1:{A}; server 127.0.0.1:{B}; }}
    upstream few {{ leastwise; server 127.0.0.1:{A}; server 127.0.0.1:{B}; }}
    upstream idle {{ leastwise round_robin; server 127.0.0.1:{A}; }}
    upstream watched {{ leastwise_observe on; server 127.0.0.1:{A}; }}
    upstream own {{ server 127.0.0.1:{A}; }}
    upstream "a/b" {{ leastwise; server 127.0.0.1:{A}; }}  # no path of control leads there
    include odd.conf;
    server {{
        listen 127.0.0.1:{PORT};
        location / {{ proxy_pass http://app; }}
        location /counted/ {{ proxy_pass http://counted/; }}
        location /shown/ {{ proxy_pass http://shown/; }}
        location /few/ {{ proxy_pass http://few/; }}
        location /own {{ proxy_pass http://own; }}
        location = /leastwise {{ leastwise_status; }}
        location /control/ {{ leastwise_control; }}
    }}
"""
STREAM = f"""
    load_module {s.NGINX_STREAM};
    load_module {s.STREAM_MODULE};
    stream {{
        upstream app {{ leastwise; server 127.0.0.1:{SILENT}; }}
        server {{ listen 127.0.0.1:{STREAM_PORT}; proxy_pass app; }}
    }}
"""


def address(port):
    return f"127.0.0.1:{port}"


class Elsewhere(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.stack.enter_context(backend.Backends(A, B, C))
        cls.nginx = harness.Nginx(PORT, CONFIG, STREAM, workers=2)
        with open(cls.nginx.path("odd.conf"), "wb") as f:  # no UTF-8, so no text in JSON
            f.write(b"upstream odd\xff { leastwise; server 127.0.0.1:%d; }" % A)
        cls.stack.enter_context(cls.nginx)

    def ask(self, method, path, body=None, headers=None):
        """(status, answer, headers); a dict is sent as JSON, a text as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
        with contextlib.closing(connection):
            text = json.dumps(body) if isinstance(body, dict) else body
            connection.request(method, "/control" + path, body=text, headers=headers or {})
            answer = connection.getresponse()
            data = answer.read()
            return answer.status, json.loads(data) if data else None, answer.headers

    def in_flight(self):
        status, answer, _ = self.ask("GET", "/9/in_flight")
        self.assertEqual(status, 200, answer)
        return answer

    def put(self, body, upstream="app", kind="http", **more):
        return self.ask("PUT", f"/9/{kind}/upstreams/{upstream}/elsewhere", body, **more)

    def tell(self, servers, upstream="app", kind="http", **more):
        status, answer, _ = self.put({"balancers": 1, "servers": servers} | more, upstream, kind)
        self.assertEqual(status, 200, answer)
        return answer["servers"]

    def elsewhere(self, upstream="app", kind="http"):
        """By port, as the status has it."""
        _, answer, _ = self.ask("GET", f"/9/{kind}/upstreams/{upstream}")
        return {int(p["server"].rsplit(":", 1)[1]): p["leastwise"]["elsewhere"] for p in answer["peers"]}

    # ---- what is in flight

    def test_of_each_server_of_each_upstream_that_has_leastwise(self):
        harness.wait_for(lambda: self.nginx.in_flight() == 0, "an end of what others began")
        nothing = [0, 0]
        self.assertEqual(self.in_flight(), {
            "http": {"app": {address(p): nothing for p in (A, B, C)}, "idle": {address(A): nothing},
                     "watched": {address(A): nothing}} |
                    {upstream: {address(A): nothing, address(B): nothing} for upstream in WAITS},
            "stream": {"app": {address(SILENT): nothing}}})

    def test_requests_count_while_they_are_in_flight(self):
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for _ in range(6):
                pool.submit(self.nginx.get, "/sleep/1")

            def counts():
                app = self.in_flight()["http"]["app"]
                return sum(requests for requests, _ in app.values()) == 6 and app
            app = harness.wait_for(counts, "six requests in flight", 5)
            self.assertEqual(app[address(C)], [0, 0])
            self.assertGreater(sum(work for _, work in app.values()), 0)
        harness.wait_for(lambda: all(n == 0 for n, _ in self.in_flight()["http"]["app"].values()), "none in flight")

    def test_in_flight_is_read_alone(self):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            status, answer, headers = self.ask(method, "/9/in_flight", {})
            self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"), answer)
        status, answer, headers = self.ask("HEAD", "/9/in_flight")
        self.assertEqual((status, answer, headers["Content-Type"]), (200, None, "application/json"))
        self.assertEqual(self.ask("GET", "/9/in_flight/http")[0], 404)

    # ---- what others have

    def test_what_others_have_is_shown_and_forgotten(self):
        self.assertEqual(self.tell({address(A): [7, 0.07], address(B): [2.4, 0], "10.9.9.9:80": [99, 1]}), 2)
        self.assertEqual(self.elsewhere(), {A: 7, B: 2, C: 0})
        self.assertEqual(self.elsewhere("idle"), {A: 0})
        self.assertEqual(self.tell({address(B): [3, 0.03]}), 1)
        self.assertEqual(self.elsewhere(), {A: 0, B: 3, C: 0})
        told = time.monotonic()
        harness.wait_for(lambda: self.elsewhere() == {A: 0, B: 0, C: 0}, "what was told to be forgotten", HEARSAY + 1)
        self.assertGreater(time.monotonic() - told, 1)

    def test_servers_of_stream_and_of_upstreams_that_are_watched(self):
        self.assertEqual(self.tell({address(SILENT): [4, 0]}, kind="stream"), 1)
        self.assertEqual(self.elsewhere(kind="stream"), {SILENT: 4})
        self.assertEqual(self.tell({address(A): [5, 0]}, "watched"), 1)
        self.assertEqual(self.elsewhere("watched"), {A: 5})

    def of_a(self, upstream, before):
        """Its share since then, how many others are counted there, and its toll."""
        status = self.nginx.status(upstream)
        tolls = {int(p["server"].rsplit(":", 1)[1]): p["leastwise"]["toll_ms"] for p in status["peers"]}
        share = harness.shares(before[upstream], self.nginx.picks(upstream))[A]
        return share, status["model"]["others_counted"], tolls[A]

    def test_others_count_only_if_they_shall_and_are_many(self):
        """Requests at A wait for those of others, and take as long as those at B.

        Each upstream learns by itself. The last 4 of 13 seconds count.
        """
        end = time.monotonic() + 13
        with contextlib.ExitStack() as loads:
            running = [loads.enter_context(harness.Load(PORT, clients=2, path=f"/{upstream}/wait/{A}"))
                       for upstream in WAITS]
            before = None
            while time.monotonic() < end:
                for upstream, said in WAITS.items():
                    self.tell({address(A): [20, 0.2], address(B): [2, 0.02]}, upstream, **said)
                if before is None and time.monotonic() > end - 4:
                    before = {upstream: self.nginx.picks(upstream) for upstream in WAITS}
                time.sleep(0.1)
        self.assertEqual([load.failures for load in running], [[], [], []])
        got = {upstream: self.of_a(upstream, before) for upstream in WAITS}
        print("share of one of two servers, where requests wait for those of others: " +
              ", ".join(f"{upstream} {share:.2f} (toll {toll:.1f} ms)" for upstream, (share, _, toll) in got.items()))
        self.assertLess(got["counted"][0], 0.3)
        self.assertGreater(got["shown"][0], 0.3)
        self.assertGreater(got["few"][0], 0.3)
        self.assertEqual([others for _, others, _ in got.values()], [9, 0, 3])
        self.assertEqual([toll > 0 for _, _, toll in got.values()], [True, False, False])

    def test_nothing_of_it_is_in_the_log(self):
        before = self.nginx.log()
        self.tell({address(A): [1, 0]})
        large = {f"10.0.{i // 250}.{i % 250}:80": [1, 0] for i in range(3000)}  # by way of a file
        self.assertEqual(self.tell(large), 0)
        self.in_flight()
        self.assertNotRegex(self.nginx.log()[len(before):], "elsewhere|in_flight|buffered")

    # ---- who is refused, and what

    def test_bodies_that_are_refused_change_nothing(self):
        self.tell({address(A): [7, 0.07]})
        many = {"servers": {address(A): [3, 1]}}
        cases = {
            "": "no JSON", "{": "no JSON", "[]": "expected an object", "null": "expected an object",
            json.dumps(many)[:-1]: "no JSON", '{"balancers": 256}': "from 0 to 255",
            '{"servers": {"%s": [3, 1]}, "count": 1}' % address(A): "true or false",
            '{"servers": {"%s": [3, 1]}, "more": 1}' % address(A): "unknown key",
            '{"servers": {"%s": [3, 1], "%s": [3, 1]}}' % (address(A), address(A)): "there twice",
            '{"servers": {"%s": [3, 1], "x": [-1, 1]}}' % address(A): "from 0 to 1000000",
            '{"servers": {"%s": [3]}}' % address(A): "from 0 to 1000000",
            '{"servers": {"%s": [1e999, 1]}}' % address(A): "",
            '{"servers":' + "[" * 50000: "from 0 to 1000000", "{" * 50000: "no JSON", "\xff\xfe": "no JSON",
        }
        for body, text in cases.items():
            with self.subTest(body=body[:60]):
                status, answer, _ = self.put(body.encode("latin-1"))
                self.assertEqual((status, answer["error"]["code"]), (400, "BodyFormatError"))
                self.assertIn(text, answer["error"]["text"])
        self.assertGreater(self.elsewhere()[A], 3)

    def test_a_body_that_is_too_large_is_refused(self):
        self.assertEqual(self.put(b" " * (MOST - 2) + b"{}")[0], 200)
        for body in (b" " * (MOST - 1) + b"{}", (b" " * 65536 for _ in range(9))):  # the second one in chunks
            status, answer, _ = self.put(body)
            self.assertEqual((status, answer["error"]["code"]), (413, "EntityTooLarge"))
            self.assertIn("524288", answer["error"]["text"])

    def test_other_methods_and_paths_are_refused(self):
        path = "/9/http/upstreams/app/elsewhere"
        for method in ("GET", "HEAD", "POST", "PATCH", "DELETE"):
            status, _, headers = self.ask(method, path, {} if method in ("POST", "PATCH") else None)
            self.assertEqual((status, headers["Allow"]), (405, "PUT"), method)
        for upstream in ("none", "own"):
            self.assertEqual(self.put({}, upstream)[0], 404)
        self.assertEqual(self.ask("PUT", path + "/x", {})[0], 404)

    def test_a_page_of_another_site_tells_nothing(self):
        for origin in ("http://evil.example", "null"):
            status, answer, _ = self.put({}, headers={"Origin": origin})
            self.assertEqual((status, answer["error"]["code"]), (403, "CrossSite"))

    def test_many_at_once_over_reloads_cost_no_request(self):
        stop = threading.Event()
        refused = []

        def talk():
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
            with contextlib.closing(connection):
                while not stop.is_set():
                    try:
                        for method, path, body in (("GET", "/9/in_flight", None),
                                                   ("PUT", "/9/http/upstreams/app/elsewhere",
                                                    json.dumps({"servers": {address(A): [1, 1]}}))):
                            connection.request(method, "/control" + path, body)
                            answer = connection.getresponse()
                            answer.read()
                            if answer.status not in (200, 503):
                                refused.append(answer.status)
                    except (OSError, http.client.HTTPException):
                        connection.close()  # by a worker that left
        talkers = [threading.Thread(target=talk) for _ in range(4)]
        for t in talkers:
            t.start()
        with harness.Load(PORT, clients=2, path="/ok") as load:
            for _ in range(3):
                self.nginx.reload()
        stop.set()
        for t in talkers:
            t.join()
        self.assertEqual((load.failures, refused), ([], []))
        self.assertGreater(load.sent, 50)


if __name__ == "__main__":
    unittest.main()
