"""A request that fails on all servers is at fault itself; a server that fails alone is not spared."""

import asyncio
import threading
import unittest

import backend
import harness

PORT = 20110
A, B, C = 20111, 20112, 20113
SERVERS = (A, B, C)
NEXT = "proxy_next_upstream error timeout http_503;"
PATIENCE = 16  # requests that fail one after the other before the pool counts as down


class Servers(backend.Backends):
    """Beside what all can do:

    /download/PORT   503 from the server of that port, half a second of body from the others
    /here            503; a plain Backends answers 200
    """

    async def _do_here(self, writer, _argument, _port, head):
        return await self._answer(writer, 503, "", head)

    async def _do_download(self, writer, argument, port, head):
        if port == int(argument):
            return await self._answer(writer, 503, "", head)
        await self._send(writer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1")
        await asyncio.sleep(0.5)
        await self._send(writer, "2")
        return True


def config(location, servers):
    return (f"upstream app {{ leastwise round_robin; {servers} {harness.UNKEPT} }}"
            f" server {{ listen {PORT}; location / {{ proxy_pass http://app;"
            f" proxy_read_timeout 300ms; {location} }}"
            " location = /leastwise { leastwise_status; }"
            " location = /metrics { leastwise_status prometheus; } }")


class Blame(unittest.TestCase):
    def setUp(self):
        self.backends = self.enterContext(Servers(*SERVERS))

    def start(self, location=NEXT, parameters="", extra="", **options):
        servers = "".join(f"server 127.0.0.1:{p} {parameters};" for p in SERVERS) + extra
        self.nginx = self.enterContext(harness.Nginx(PORT, config(location, servers), **options))

    def states(self):
        return [self.nginx.peers()[p]["state"] for p in SERVERS]

    def forgiven(self):
        return [self.nginx.peers()[p]["leastwise"]["forgiven"] for p in SERVERS]

    def poison_among_good(self, poison, expected, requests=60):
        """Every fifth request is the poisonous one; returns the answers to the others."""
        others = []
        for i in range(requests):
            answer = self.nginx.get(poison if i % 5 == 0 else "/ok")
            if i % 5 == 0:
                self.assertEqual(answer.status, expected)
            else:
                others.append(answer.status)
        return set(others)

    def test_a_url_that_answers_503_everywhere_takes_nobody_out(self):
        self.start()
        self.assertEqual(self.poison_among_good("/status/503", 503), {200})
        self.assertEqual(self.states(), ["up"] * 3)
        self.assertEqual(self.forgiven(), [12] * 3)
        for peer in self.nginx.peers().values():
            self.assertEqual(peer["leastwise"]["error_share"], 0)
            self.assertEqual(peer["leastwise"]["results"]["server_error"], 12)
        self.assertRegex(self.nginx.get("/metrics").body,
                         rf'leastwise_peer_forgiven_total{{.*:{A}"}} 12')

    def test_the_log_names_the_url_once_a_minute(self):
        self.start()
        self.poison_among_good("/status/503", 503)
        lines = [s for s in self.nginx.log().splitlines() if "failed alike" in s]
        self.assertEqual(len(lines), 1)
        self.assertIn('"/status/503" failed alike on 3 servers of upstream "app"', lines[0])
        self.assertNotIn("temporarily disabled", self.nginx.log())

    def test_a_url_that_kills_whoever_serves_it_takes_nobody_out(self):
        self.start()
        self.assertEqual(self.poison_among_good("/reset", 502), {200})
        self.assertEqual(self.states(), ["up"] * 3)

    def test_a_url_that_nobody_answers_takes_nobody_out(self):
        self.start()
        self.assertEqual(self.poison_among_good("/hang", 504, requests=10), {200})
        self.assertEqual(self.states(), ["up"] * 3)

    def test_it_is_tried_no_more_often_than_configured(self):
        self.start(NEXT + " proxy_next_upstream_tries 2;")
        self.assertEqual(self.poison_among_good("/status/503", 503, requests=20), {200})
        tried = [path for _, path in self.backends.requests if path == "/status/503"]
        self.assertEqual(len(tried), 2 * 4)
        self.assertEqual(self.states(), ["up"] * 3)

    def test_a_post_that_nginx_may_not_repeat_takes_out_one_server_at_most(self):
        self.start("proxy_next_upstream error timeout;")
        for i in range(30):
            if i % 3 == 0:
                self.assertEqual(self.nginx.get("/reset", method="POST").status, 502)
            self.assertEqual(self.nginx.get("/ok").status, 200)
        self.assertEqual(sorted(self.states()), ["unavail", "up", "up"])
        posts = [path for _, path in self.backends.requests if path == "/reset"]
        self.assertEqual(len(posts), 10)

    def test_a_server_that_fails_alone_is_out_at_its_first_failure(self):
        self.start()
        for _ in range(6):
            self.assertEqual(self.nginx.get(f"/status/503/{B}").status, 200)
        self.assertEqual(self.states(), ["up", "unavail", "up"])
        self.assertEqual(self.forgiven(), [0] * 3)
        self.assertEqual(self.nginx.peers()[B]["leastwise"]["results"]["server_error"], 1)
        self.assertEqual(self.nginx.log().count("temporarily disabled"), 1)

    def test_it_is_blamed_when_the_other_begins_to_answer_not_when_it_has_ended(self):
        self.start()
        clients = [threading.Thread(target=self.nginx.get, args=(f"/download/{B}",))
                   for _ in range(3)]
        for c in clients:
            c.start()
        harness.wait_for(lambda: self.states()[1] == "unavail", "the server to be out", 5)
        self.assertGreater(self.nginx.in_flight(), 0)
        for c in clients:
            c.join()

    def test_servers_whose_request_a_backup_answers_are_blamed(self):
        with backend.Backends(PORT + 4) as backup:
            self.start(extra=f"server 127.0.0.1:{PORT + 4} backup;")
            self.assertEqual(self.nginx.get("/here").status, 200)
            self.assertEqual(self.states(), ["unavail"] * 3)
            self.assertEqual([p for p, _ in backup.requests], [PORT + 4])

    def test_a_pool_that_answers_nothing_is_found_down_and_comes_back(self):
        self.start(parameters="fail_timeout=1s")
        self.assertEqual(self.nginx.get().status, 200)
        for _ in range(PATIENCE):
            self.assertEqual(self.nginx.get("/status/503").status, 503)
        self.assertEqual(self.states(), ["up"] * 3)
        self.nginx.get("/status/503")
        # The last of them was passed on, which does not count; it was the only one left.
        self.assertEqual(self.nginx.get("/status/503").status, 502)
        before = len(self.backends.requests)
        self.assertEqual(self.nginx.get("/status/503").status, 502)
        self.assertEqual(len(self.backends.requests), before)
        self.assertIn("no live upstreams", self.nginx.log())
        harness.wait_for(lambda: self.nginx.get("/ok").status == 200, "a probe", 5)
        harness.wait_for(lambda: [self.nginx.get("/ok").status for _ in range(3)]
                         and self.states() == ["up"] * 3, "all to be back", 10)
        self.nginx.get("/status/503")
        self.assertEqual(self.states(), ["up"] * 3)

    def test_servers_that_go_out_one_by_one_for_different_reasons_come_back(self):
        self.start(parameters="fail_timeout=1s")
        self.backends.stop(A)
        for path in ("/ok", "/ok", "/ok", f"/reset/x/{B}", f"/reset/x/{B}"):
            self.assertEqual(self.nginx.get(path).status, 200)
        self.assertEqual(self.nginx.get("/hang").status, 502)  # only one was left to ask
        self.assertEqual(self.states(), ["unavail"] * 3)
        before = len(self.backends.requests)
        self.assertEqual(self.nginx.get("/ok").status, 502)
        self.assertEqual(len(self.backends.requests), before)
        self.backends.start(A)
        harness.wait_for(lambda: self.nginx.get("/ok").status == 200
                         and self.states() == ["up"] * 3, "all to be back", 10)

    def test_without_a_second_try_the_one_that_failed_is_blamed(self):
        self.start(NEXT + " proxy_next_upstream_tries 1;")
        self.assertEqual({self.nginx.get(f"/reset/x/{B}").status for _ in range(3)}, {200, 502})
        self.assertEqual(self.states(), ["up", "unavail", "up"])
        self.assertEqual(self.forgiven(), [0] * 3)


if __name__ == "__main__":
    unittest.main()
