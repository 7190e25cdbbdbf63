"""The live page in a real Chromium: what it shows of 3 pools of 8, 64 and 1,000 servers, what a
refresh of it costs, and that its own policy keeps anything else from running.

    LEASTWISE_SCREENSHOTS=FOLDER    keeps pictures of it there: light, dark, phone
    LEASTWISE_PAGE_SECONDS=N        with so many seconds of traffic before
"""

import asyncio
import json
import os
import time
import unittest

import backend
import chromium
import harness

PORT, APP = 20850, 20851
SCREENSHOTS = os.environ.get("LEASTWISE_SCREENSHOTS")
AXE = os.environ.get("LEASTWISE_AXE")
SECONDS = float(os.environ.get("LEASTWISE_PAGE_SECONDS", "2"))


class Servers(backend.Backends):
    """One listener; which server it is tells the address: 127.1.0.7 is the seventh of the shop."""

    async def _do_app(self, writer, argument, _port, head):
        _, pool, _, number = map(int, writer.get_extra_info("sockname")[0].split("."))
        slow = 4 if pool == 1 and number == 7 else 1
        work = {"search": 0.012, "report": 0.03}.get(argument, 0.004)
        await asyncio.sleep(slow * work * self._random.uniform(0.6, 1.6))
        if pool == 1 and number == 3 and self._random.random() < 0.3:
            return await self._answer(writer, 500, "", head)
        status = 404 if self._random.random() < 0.02 else 200
        report = f"endpoint-load-metrics: TEXT cpu_utilization={0.2 + 0.05 * number}\r\n"
        return await self._answer(writer, status, "x" * 300, head, report if pool == 1 else "")


def servers(pool, number):
    return [f"127.{pool}.{i // 250}.{i % 250 + 1}:{APP}" for i in range(number)]


def block(name, addresses, extra="", settings=()):
    settings = dict(settings)
    lines = "".join(f"server {a} {settings.get(i, '')}; " for i, a in enumerate(addresses))
    return f"upstream {name} {{ leastwise; {extra} {lines} }} "


SHOP, SEARCH, EDGE = servers(1, 8), servers(2, 64), servers(3, 1000)
CONFIG = (
    block("shop", SHOP, "leastwise_outlier on; leastwise_report on; leastwise_slow_start 60s;",
          {0: "weight=2", 5: "down", 7: "backup"})
    + block("search", SEARCH) + block("edge", EDGE)
    + f"server {{ listen 127.0.0.1:{PORT}; location = /leastwise {{ leastwise_status html; }}"
    " location = /metrics { leastwise_status prometheus; }"
    + "".join(f" location /{n}/ {{ proxy_pass http://{n}/; proxy_http_version 1.1; }}"
              for n in ("shop", "search", "edge"))
    + " }")


class Traffic:
    """Clients of all three pools, of several routes."""

    PATHS = ("/shop/app/basket", "/search/app/search", "/edge/app/image", "/shop/app/report",
             "/shop/app/list", "/edge/app/list")

    def __init__(self, clients=1):
        self.loads = [harness.Load(PORT, clients=clients, path=p) for p in self.PATHS]

    def __enter__(self):
        for load in self.loads:
            load.__enter__()
        return self

    def __exit__(self, *error):
        for load in self.loads:
            load.__exit__(*error)


@unittest.skipUnless(chromium.PATH, "SKIPPED: needs chromium (apt-get install chromium)")
@unittest.skipIf(harness.SANITIZED, "the page is no different with sanitizers")
class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(Servers(APP, host="0.0.0.0"))
        cls.nginx = cls.enterClassContext(harness.Nginx(PORT, CONFIG))
        cls.enterClassContext(Traffic())
        cls.browser = cls.enterClassContext(chromium.Chromium())
        time.sleep(SECONDS)
        cls.browser.open(f"http://127.0.0.1:{PORT}/leastwise")
        cls.browser.wait_for("document.querySelectorAll('.pool').length === 3")

    def rows(self, pool, of="td.server button"):
        return self.browser.run(
            f"[...document.querySelector('#pool_{pool}').querySelectorAll('tbody[role] {of}')]"
            ".map(e => e.textContent)")

    def press(self, selector):
        self.browser.run(f"document.querySelector({json.dumps(selector)}).click()")

    def type(self, pool, text):
        self.browser.run(f"(e => {{ e.value = {json.dumps(text)}; e.dispatchEvent(new Event('input')); }})"
                         f"(document.querySelector('#pool_{pool} input'))")

    def test_pools_and_servers_stand_in_the_order_of_the_configuration(self):
        names = self.browser.run("[...document.querySelectorAll('h2')].map(e => e.textContent)")
        self.assertEqual(sorted(names), ["edge", "search", "shop"])
        pool = {n: i for i, n in enumerate(names)}
        self.assertEqual(self.rows(pool["shop"]), SHOP)
        self.assertEqual(self.rows(pool["search"]), SEARCH[:50])
        more = f"#pool_{pool['edge']} .more"
        self.assertEqual(self.browser.run(f"document.querySelector('{more}').textContent"),
                         "Show all 1,000 servers")
        self.press(more)
        self.assertEqual(self.rows(pool["edge"]), EDGE)
        self.press(more)
        self.assertEqual(self.rows(pool["edge"]), EDGE[:50])

    def test_states_have_reasons_and_traffic_its_figures(self):
        self.browser.wait_for("[...document.querySelectorAll('.decisions li')].length > 3")
        pool = self.pool("shop")
        states = self.rows(pool, "td.state")
        self.assertEqual(states[5], "downby its owner")
        self.assertIn("backup", states[7])
        shares = self.rows(pool, "td.share")
        self.assertEqual(shares[5], "0\u202f%")
        self.assertNotEqual(shares[0], "0\u202f%")
        text = self.browser.run(f"document.querySelector('#pool_{pool} .decisions').innerText")
        self.assertRegex(text, r"127\.1\.0\.\d:\d+: (\d|its turn)")
        self.assertIn("GET /shop/app/", self.browser.run(
            f"document.querySelector('#pool_{pool} .routes').innerText"))

    def pool(self, name):
        return self.browser.run(
            f"[...document.querySelectorAll('h2')].findIndex(e => e.textContent === '{name}')")

    def test_it_filters_and_sorts(self):
        pool = self.pool("search")
        self.type(pool, "127.2.0.64:")
        self.assertEqual(self.rows(pool), [SEARCH[63]])
        self.type(pool, "no such server")
        self.assertEqual(self.rows(pool), [])
        self.type(pool, "")
        head = f"#pool_{pool} th:nth-child(1) button"
        self.press(head)
        self.assertEqual(self.rows(pool)[0], SEARCH[63])
        self.assertEqual(self.browser.run(
            f"document.querySelector('#pool_{pool} th').getAttribute('aria-sort')"), "descending")
        self.press(head)
        self.assertEqual(self.rows(pool)[0], SEARCH[0])

    def test_a_server_opens_to_its_details(self):
        pool = self.pool("shop")
        button = f"#pool_{pool} td.server button"
        self.press(button)
        self.assertIn("mean time of an answer", self.browser.run(
            f"document.querySelector('#pool_{pool} .detail').textContent"))
        self.press(button)
        self.assertIsNone(self.browser.run(f"document.querySelector('#pool_{pool} .detail')"))

    def cost(self, what):
        """Milliseconds of processor for the script of a refresh: the median of nine."""
        def unrendered():
            whole, *render = (self.browser.metric(name + "Duration") for name in ("Task", "Layout", "RecalcStyle"))
            return whole - sum(render)

        def script():
            self.browser.run("fetch('?json').then(answer => answer.text()).then(text => { window.text = text; })")
            before = unrendered()
            self.browser.run("show(JSON.parse(text)), 0")
            return (unrendered() - before) * 1e3

        times = sorted(script() for _ in range(9))
        before = self.browser.metric("TaskDuration")
        walls = sorted(self.browser.run(
            "refresh().then(() => performance.getEntriesByName('refresh')[0].duration)") for _ in range(9))
        whole = (self.browser.metric("TaskDuration") - before) / len(walls) * 1e3
        size = self.browser.run("performance.getEntriesByType('resource').at(-1).decodedBodySize")
        print(f"{what}, {size / 1e6:.2f} MB: {times[4]:.1f} ms of script in a refresh ({times[-1]:.1f} in the worst of"
              f" {len(times)}; {walls[4]:.1f} by the clock); {whole:.0f} in the mean with layout and paint")
        return times[4]

    def test_a_refresh_costs_less_than_100_ms_of_script(self):
        self.assertLess(self.cost("50 rows of 1,000 servers"), 100)
        more = f"#pool_{self.pool('edge')} .more"
        self.press(more)
        self.assertLess(self.cost("all 1,000 rows"), 100)
        self.press(more)

    def test_nothing_runs_but_the_page_itself(self):
        headers = self.nginx.get("/leastwise").headers
        policy = headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual(headers["X-Frame-Options"], "DENY")
        self.assertEqual(self.browser.run("window.violations"), [])
        self.assertEqual(self.browser.faults(), [])
        # And what is not of the page is kept out.
        self.browser.run("document.body.append(Object.assign(document.createElement('script'),"
                         "{textContent: 'window.ran = 1'}))")
        self.assertEqual(self.browser.wait_for("window.violations.length"), 1)
        self.assertIsNone(self.browser.run("window.ran"))
        self.browser.run("window.violations.length = 0")
        self.browser.events.clear()

    @unittest.skipUnless(AXE, "axe.sh runs this one")
    def test_axe_finds_no_serious_fault(self):
        self.browser.wait_for("[...document.querySelectorAll('.decisions li')].length > 3")
        with open(AXE, encoding="utf-8") as f:
            self.browser.run(f.read() + "; 0")
        self.press(f"#pool_{self.pool('shop')} td.server button")
        self.press(".legend summary")
        for dark, width, phone in ((False, 1440, False), (True, 1440, False), (False, 390, True)):
            self.browser.look(width, 900, dark, phone)
            found = self.browser.run(
                "axe.run().then(r => r.violations.map(v => [v.impact, v.id, v.help, v.nodes.length,"
                " v.nodes[0].html.slice(0, 200), v.nodes[0].failureSummary]))")
            for fault in found:
                print(*fault, sep=" | ")
            self.assertEqual([f for f in found if f[0] in ("serious", "critical")], [])
        self.browser.look(*self.browser.size)

    @unittest.skipUnless(SCREENSHOTS, "LEASTWISE_SCREENSHOTS is not set")
    def test_z_pictures(self):
        for name, dark, width, height, phone in (
                ("light", False, 1440, 1000, False), ("dark", True, 1440, 1000, False),
                ("phone", False, 390, 844, True), ("phone_dark", True, 390, 844, True)):
            self.browser.look(width, height, dark, phone)
            self.browser.run("window.scrollTo(0, 0)")
            time.sleep(1.5)
            self.browser.screenshot(os.path.join(SCREENSHOTS, name + ".png"))
            self.browser.run(f"document.querySelector('#pool_{self.pool('shop')}').scrollIntoView()")
            time.sleep(0.3)
            self.browser.screenshot(os.path.join(SCREENSHOTS, name + "_pool.png"))
        self.browser.look(*self.browser.size)


if __name__ == "__main__":
    unittest.main()
