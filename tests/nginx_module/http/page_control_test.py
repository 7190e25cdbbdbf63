"""The live page where control is in reach: drain, weight, eject and undo of a server, in a real
Chromium, by keyboard as well; and what control refuses.

    LEASTWISE_SCREENSHOTS=FOLDER    keeps a picture of it there: control.png
"""

import json
import os
import unittest

import backend
import chromium
import harness

PORT, A, B = 20870, 20871, 20872
CONFIG = f"""
    upstream app {{ leastwise; server 127.0.0.1:{A} weight=3; server 127.0.0.1:{B}; }}
    server {{
        listen 127.0.0.1:{PORT};
        location / {{ proxy_pass http://app; }}
        location = /leastwise {{ leastwise_status html control=/control/; }}
        location = /plain {{ leastwise_status html; }}
        location = /locked {{ leastwise_status html control=/no/; }}
        location /control/ {{ leastwise_control; }}
        location /no/ {{ leastwise_control; deny all; }}
    }}
"""
SCREENSHOTS = os.environ.get("LEASTWISE_SCREENSHOTS")
AXE = os.environ.get("LEASTWISE_AXE")
SAID = "document.querySelector('.actions .said').textContent"


@unittest.skipUnless(chromium.PATH, "SKIPPED: needs chromium (apt-get install chromium)")
@unittest.skipIf(harness.SANITIZED, "the page is no different with sanitizers")
class PageControl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(backend.Backends(A, B))
        cls.nginx = cls.enterClassContext(harness.Nginx(PORT, CONFIG))
        cls.browser = cls.enterClassContext(chromium.Chromium())

    def open(self, path):
        self.browser.open(f"http://127.0.0.1:{PORT}{path}")
        self.browser.wait_for("document.querySelectorAll('td.server button').length === 2")
        self.browser.run("document.querySelector('td.server button').click()")

    def peer(self, port=A):
        status = json.loads(self.nginx.get("/plain?json").body)
        return next(p for p in status["upstreams"]["app"]["peers"] if p["server"].endswith(str(port)))

    def press(self, text):
        """Clicks the button of that text, and waits for what is said of it."""
        self.browser.run("[...document.querySelectorAll('.actions button')]"
                         f".find(b => b.textContent === {json.dumps(text)}).click()")
        return self.browser.wait_for(f"{SAID} !== '…' && {SAID}")

    def key(self, key, text="", code=0):
        for kind in ("keyDown", "keyUp"):
            self.browser.call("Input.dispatchKeyEvent", type=kind, key=key, text=text,
                              windowsVirtualKeyCode=code)

    def test_a_server_is_changed_and_as_before(self):
        self.open("/leastwise")
        self.assertEqual(self.press("Drain"), "done: draining")
        self.assertEqual(self.peer()["state"], "draining")
        self.browser.wait_for("[...document.querySelectorAll('.actions button')]"
                              ".some(b => b.textContent === 'End draining')")
        self.press("End draining")
        self.assertEqual(self.peer()["state"], "up")
        self.browser.run("document.querySelector('.actions .weight').value = 7")
        self.assertEqual(self.press("Set"), "done: weight 7")
        self.assertEqual(self.peer()["weight"], 7)
        self.assertEqual(self.press("Eject"), "done: left out for 1m")
        own = self.peer()["leastwise"]
        self.assertEqual(own["ejected"], "operator")
        self.assertTrue(50 < own["ejected_for_s"] <= 60, own["ejected_for_s"])
        self.assertEqual(self.press("Undo all"), "done: as configured")
        self.assertEqual(self.peer()["weight"], 3)
        self.assertEqual(self.peer()["leastwise"]["ejected"], "none")
        self.assertEqual(self.peer(B)["weight"], 1)
        self.browser.run("document.querySelector('.actions .weight').value = 70000")
        self.assertRegex(self.press("Set"), "^refused, 400: .*from 1 to 65535")

    def test_the_keyboard_is_enough_and_the_focus_stays(self):
        self.open("/leastwise")
        self.browser.run("document.querySelector('td.server button').focus()")
        wanted = "document.activeElement.textContent === 'Drain'"
        for _ in range(12):  # over the other server, if it comes first
            self.key("Tab", code=9)
            if self.browser.run(wanted):
                break
        self.assertTrue(self.browser.run(wanted), "no way to the button by Tab")
        self.key("Enter", "\r", 13)
        self.browser.wait_for(f"{SAID} === 'done: draining'")
        self.browser.wait_for("document.activeElement.textContent === 'End draining'")
        self.key("Enter", "\r", 13)
        self.browser.wait_for(f"{SAID} === 'done: as configured'")
        self.assertEqual(self.peer()["state"], "up")

    def test_a_server_s_name_is_whole_at_any_width(self):
        self.open("/plain")
        for width, phone in ((1600, False), (1440, False), (1200, False), (800, False), (390, True)):
            self.browser.look(width, 900, False, phone)
            cut = self.browser.run(
                "[...document.querySelectorAll('td.server button')].filter(b => b.getBoundingClientRect().right >"
                " b.closest('td').getBoundingClientRect().right).length")
            self.assertEqual(cut, 0, f"names are cut at {width}")
        self.browser.look(*self.browser.size)

    def all_kinds(self):
        """What the buttons can look like: one drained, one ejected, a refusal in words."""
        self.open("/leastwise")
        self.browser.run("document.querySelectorAll('td.server button')[1].click()")
        self.browser.wait_for("document.querySelectorAll('.actions').length === 2")
        self.press("Drain")
        self.browser.run("[...document.querySelectorAll('.actions')][1].querySelectorAll('button')"
                         ".forEach(b => b.textContent === 'Eject' && b.click())")
        self.browser.wait_for("document.querySelectorAll('.actions .said')[1].textContent.startsWith('done')")
        self.browser.run("document.querySelector('.actions .weight').value = 70000")
        self.assertRegex(self.press("Set"), "^refused, 400")

    @unittest.skipUnless(AXE, "axe.sh runs this one")
    def test_axe_finds_no_serious_fault_of_the_buttons(self):
        self.all_kinds()
        with open(AXE, encoding="utf-8") as f:
            self.browser.run(f.read() + "; 0")
        for dark, width, phone in ((False, 1440, False), (True, 1440, False), (False, 390, True), (True, 390, True)):
            self.browser.look(width, 900, dark, phone)
            found = self.browser.run(
                "axe.run().then(r => r.violations.map(v => [v.impact, v.id, v.help, v.nodes.length,"
                " v.nodes[0].html.slice(0, 200), v.nodes[0].failureSummary]))")
            checked = self.browser.run("axe.run('.actions').then(r => r.passes.length)")
            for fault in found:
                print(*fault, sep=" | ")
            print(f"{'dark' if dark else 'light'}, {width} wide: {checked} rules hold for the buttons,"
                  f" {len(found)} faults on the page")
            self.assertEqual([f for f in found if f[0] in ("serious", "critical")], [])
            self.assertGreater(checked, 5)
        self.browser.look(*self.browser.size)
        self.undo()

    @unittest.skipUnless(SCREENSHOTS, "LEASTWISE_SCREENSHOTS is not set")
    def test_picture(self):
        for _ in range(40):
            self.nginx.get("/ok")
        self.all_kinds()
        self.browser.look(1440, 860)
        self.browser.run("document.querySelector('.pool').scrollIntoView()")
        self.browser.screenshot(os.path.join(SCREENSHOTS, "control.png"))
        self.browser.look(*self.browser.size)
        self.undo()

    def undo(self):
        self.open("/leastwise")
        self.browser.run("document.querySelectorAll('td.server button')[1].click()")
        self.browser.wait_for("document.querySelectorAll('.actions').length === 2")
        self.browser.run("[...document.querySelectorAll('.actions button')]"
                         ".forEach(b => b.textContent === 'Undo all' && b.click())")
        for port in (A, B):
            harness.wait_for(lambda p=port: self.peer(p)["state"] == "up", "all to be as configured")

    def test_without_control_there_are_no_buttons_and_what_is_denied_is_said(self):
        self.open("/plain")
        self.assertEqual(self.browser.run("document.querySelectorAll('.actions').length"), 0)
        self.open("/locked")
        self.assertEqual(self.press("Drain"), "refused, 403")
        self.assertEqual(self.peer()["state"], "up")
        answer = self.nginx.get("/leastwise?json")
        self.assertEqual(answer.headers["Leastwise-Control"], "/control/")
        self.assertNotIn("Leastwise-Control", self.nginx.get("/plain?json").headers)


if __name__ == "__main__":
    unittest.main()
