"""`leastwise_observe on;`: nginx's own method goes on as it is, and the status says what Leastwise would
have done."""

import collections
import unittest

import backend
import chromium
import harness

PORT = 20970
A, B, C, D = 20971, 20972, 20973, 20974
DEAD = 20975
ALL = "".join(f"server 127.0.0.1:{p}; " for p in (A, B, C, D))
OBSERVE = "leastwise_observe on; "
METHODS = ("", "least_conn;", "ip_hash;", "hash $uri consistent;", "random;")


def config(upstream, location=""):
    return (f"upstream app {{ {upstream} }} server {{ listen 127.0.0.1:{PORT};"
            f" location / {{ proxy_pass http://app; {location} }}"
            " location = /leastwise { leastwise_status; } location = /live { leastwise_status html; }"
            " location = /metrics { leastwise_status prometheus; } }")


class Servers(backend.Backends):
    """Of one second of work each; the first is four times slower."""

    async def _do_uneven(self, writer, argument, port, head):
        mean = float(argument) * (4 if port == self.ports[0] else 1)
        return await self._do_sleep(writer, str(self._random.expovariate(1 / mean)), port, head)


class Shadow(unittest.TestCase):
    def setUp(self):
        self.backends = self.enterContext(Servers(A, B, C, D))

    def nginx(self, upstream, location="", **options):
        return self.enterContext(harness.Nginx(PORT, config(upstream, location), **options))

    def served(self, upstream, n, path="/", **options):
        with harness.Nginx(PORT, config(upstream), **options) as nginx:
            return [nginx.get(f"{path}{i}").body for i in range(n)]

    def test_each_method_sends_each_request_where_it_does_without(self):
        for method in METHODS:
            # Of `random` the draws differ anyhow.
            if method == "random;":
                continue
            with self.subTest(method):
                self.assertEqual(self.served(method + OBSERVE + ALL, 24),
                                 self.served(method + ALL, 24))

    def test_all_methods_are_watched_in_whichever_order_the_lines_stand(self):
        for method in METHODS:
            for text in (method + OBSERVE + ALL, OBSERVE + method + ALL,
                         ALL + OBSERVE + method if method == "" else method + ALL + OBSERVE):
                with self.subTest(text), harness.Nginx(PORT, config(text + "keepalive 4;")) as nginx:
                    self.assertNotIn("redefined", nginx.log())
                    for i in range(60):
                        nginx.get(f"/{i}")
                    peers = nginx.peers()
                    self.assertEqual(sum(p["leastwise"]["picks"] for p in peers.values()), 60)
                    self.assertEqual(sum(p["leastwise"]["results"]["ok"] for p in peers.values()), 60)
                    self.assertEqual(nginx.in_flight(), 0)

    def test_it_says_how_often_leastwise_would_go_elsewhere_and_what_that_gains(self):
        nginx = self.nginx(OBSERVE + ALL)
        with harness.Load(PORT, clients=8, path="/uneven/0.03") as load:
            def after(answers):
                return harness.wait_for(
                    lambda: (s := nginx.status()["shadow"])["answers"] > answers and s, "answers", 60)
            after(500)  # a quick machine has them before much is learned
            early = nginx.peers()
            shadow = after(1500)
            peers = nginx.peers()
        self.assertEqual(load.failures, [])
        current, ours = shadow["current"], shadow["leastwise"]
        # Round robin sends a quarter to the slow one, where Leastwise would send next to nothing.
        self.assertGreater(shadow["covered"], 0.9)
        self.assertGreater(shadow["differ"], shadow["decisions"] / 5)
        self.assertLess(ours["mean_ms"], 0.8 * current["mean_ms"])
        self.assertLess(ours["p99_ms"], 0.7 * current["p99_ms"])
        picks = {port: p["leastwise"]["shadow_picks"] - early[port]["leastwise"]["shadow_picks"]
                 for port, p in peers.items()}
        self.assertLess(picks[A], min(n for port, n in picks.items() if port != A))
        # What was sent to each is as round robin shares it out.
        sent = {port: p["leastwise"]["picks"] for port, p in peers.items()}
        self.assertLessEqual(max(sent.values()) - min(sent.values()), 2)
        decided = nginx.status()["model"]["decisions"]
        self.assertEqual(decided["policy"], 0)
        metrics = nginx.get("/metrics").body
        for line in ('leastwise_shadow_decisions_total{proxy="nginx",upstream="app",choice="other"}',
                     'leastwise_shadow_p99_seconds{proxy="nginx",upstream="app",choice="leastwise"}',
                     f'leastwise_peer_shadow_picks_total{{proxy="nginx",upstream="app",peer="127.0.0.1:{A}"}}'):
            self.assertIn(line, metrics)

    @unittest.skipUnless(chromium.PATH, "SKIPPED: needs chromium (apt-get install chromium)")
    @unittest.skipIf(harness.SANITIZED, "the page is no different with sanitizers")
    def test_the_live_page_says_it_in_words(self):
        self.nginx("least_conn; " + OBSERVE + ALL)
        browser = self.enterContext(chromium.Chromium())
        with harness.Load(PORT, clients=4, path="/uneven/0.01"):
            browser.open(f"http://127.0.0.1:{PORT}/live")
            card = "[...document.querySelectorAll('.below .card')].find(c => /^Shadow/.test(c.textContent))"
            text = browser.wait_for(f"(c => c && !c.hidden && /answers compared/.test(c.textContent)"
                                    f" && !/not known/.test(c.textContent) && c.textContent)({card})")
            decisions = browser.wait_for("(t => /Leastwise would take/.test(t) && t)"
                                         "(document.querySelector('.decisions').textContent)")
        self.assertRegex(text, r"would go to another server\s*\d")
        self.assertRegex(text, r"p99\s*\d.*, with Leastwise \d")
        self.assertRegex(decisions, r"expected; Leastwise would take 127\.0\.0\.1:\d+: \d.* expected")
        self.assertIn("adaptive, only watching", browser.run("document.querySelector('.tag').textContent"))

    def test_next_upstream_and_max_fails_are_nginx_s_own(self):
        lines = f"server 127.0.0.1:{DEAD} max_fails=2 fail_timeout=60s; server 127.0.0.1:{A};"
        asked = {}
        for text in (lines, OBSERVE + lines):
            with harness.Nginx(PORT, config(text, "add_header X-Asked $upstream_addr;")) as nginx:
                answers = [nginx.get() for _ in range(12)]
                asked[text] = [a.headers["X-Asked"] for a in answers]
                self.assertEqual({a.body for a in answers}, {str(A)})
                if text != lines:
                    results = nginx.peers()[DEAD]["leastwise"]["results"]
                    self.assertEqual((results["refused"], nginx.in_flight()), (2, 0))
        self.assertEqual(asked[OBSERVE + lines], asked[lines])

    def test_a_log_line_tells_both_servers(self):
        nginx = self.nginx(OBSERVE + ALL, "add_header X-Both '$leastwise_endpoint"
                           " $leastwise_shadow_endpoint $upstream_addr';")
        first = nginx.get().headers["X-Both"].split()
        self.assertEqual(first[1:], ["-", first[0]])  # nothing is learned yet
        harness.wait_for(lambda: nginx.get() and nginx.status()["model"]["learned"], "it to learn")
        last = nginx.get().headers["X-Both"].split()
        self.assertEqual(last[0], last[2])
        self.assertIn(last[1], [f"127.0.0.1:{p}" for p in (A, B, C, D)])

    def test_with_zone_workers_share_what_they_learn_and_a_reload_keeps_it(self):
        nginx = self.nginx("zone app 256k; least_conn; " + OBSERVE + ALL, workers=2)
        with harness.Load(PORT, clients=4) as load:
            harness.wait_for(lambda: load.sent > 200, "requests")
            nginx.reload()
            sent = load.sent
            harness.wait_for(lambda: load.sent > sent + 200, "requests after the reload")
        self.assertEqual(load.failures, [])
        harness.wait_for(lambda: nginx.in_flight() == 0, "nothing in flight")
        status = nginx.status()
        picks = collections.Counter({p["server"]: p["leastwise"]["picks"] for p in status["peers"]})
        self.assertEqual(picks.total(), load.sent)
        self.assertTrue(status["model"]["learned"])

    def test_a_report_of_load_stays_in_the_answer(self):
        nginx = self.nginx(OBSERVE + "leastwise_report on; " + ALL)
        answer = nginx.get("/report/TEXT~cpu_utilization=0.5")
        self.assertEqual(answer.headers["endpoint-load-metrics"], "TEXT cpu_utilization=0.5")
        self.assertEqual(sum(p["leastwise"]["report"]["accepted"] for p in nginx.peers().values()), 1)

    def test_control_does_not_pretend_to_change_it(self):
        text = config(OBSERVE + "leastwise_slots 4; " + ALL).replace("location = /live", "location /api { leastwise_control; } location = /live")
        nginx = self.enterContext(harness.Nginx(PORT, text))
        nginx.get()
        self.assertEqual(nginx.get("/api/9/http/upstreams/app/servers").status, 200)
        number = nginx.peers()[A]["id"]
        answer = nginx.get(f"/api/9/http/upstreams/app/servers/{number}", method="PATCH")
        self.assertEqual(answer.status, 409)
        self.assertIn("another method chooses in this upstream (leastwise_observe on)", answer.body)

    def test_off_is_as_if_it_was_not_there(self):
        nginx = self.nginx("least_conn; leastwise_decay 5s; leastwise_observe off; " + ALL)
        self.assertEqual(nginx.get().status, 200)
        self.assertNotIn("app", nginx.get("/leastwise").body)
        self.assertNotIn("[warn]", nginx.log())

    def test_what_would_choose_beside_it_is_refused(self):
        for text, why in ((OBSERVE + "leastwise;" + ALL, '"leastwise" is a method'),
                          ("leastwise least_conn;" + OBSERVE + ALL, '"leastwise" is a method'),
                          (OBSERVE + "leastwise_switchback on;" + ALL,
                           '"leastwise_switchback" lets least_conn choose at times')):
            with self.subTest(text):
                code, said = harness.Nginx(PORT, config(text)).check()
                self.assertNotEqual(code, 0)
                self.assertIn(f'"leastwise_observe on" leaves the choice to another method, and {why}:'
                              ' take one of the two out of upstream "app" in ', said)


if __name__ == "__main__":
    unittest.main()
