"""The companion's own figures, and its file read again."""

import shutil
import signal
import subprocess
import time
import unittest

import companion
import harness
from stack import SERVERS, Stack, going, up

STATUS = 21530
PROMTOOL = shutil.which("promtool")


class Status(Stack):
    SETTINGS = f"status 127.0.0.1:{STATUS};"

    def get(self, path):
        return companion.get(STATUS, path)

    def figures(self):
        lines = [line.rsplit(" ", 1) for line in self.get("/metrics")[1].splitlines() if not line.startswith("#")]
        return {name.removeprefix("leastwise_companion_").replace('kind="upstream",pool="app"', ""): float(value)
                for name, value in lines}

    def wait_for_figures(self, wanted):
        harness.wait_for(lambda: wanted.items() <= self.figures().items(), f"the figures {wanted}")

    def test_its_figures_say_what_it_knows_does_and_fails_at(self):
        self.slice("a", up(1, 2) + going(3))
        with self.companion:
            self.expect(1, 2, drains=[3])
            self.wait_for_figures({'endpoints{,state="up"}': 2, 'endpoints{,state="draining"}': 1, "servers{}": 3, "source_up{}": 1,
                                   "proxy_age_seconds{}": 0, 'changes_total{,change="added"}': 3})
            self.assertEqual(self.get("/healthz"), (200, "ok\n"))
            self.assertEqual(self.get("/")[0], 404)
            if PROMTOOL:
                done = subprocess.run([PROMTOOL, "check", "metrics"], input=self.get("/metrics")[1], text=True, check=False,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                self.assertEqual((done.returncode, done.stdout), (0, ""))
            self.api.fault = lambda kind: (403, {}, "{}")
            self.api.cut_watches()
            self.companion.wait_for_log("403")
            self.wait_for_figures({"source_up{}": 0})
            self.assertGreaterEqual(self.figures()['source_errors_total{,reason="403"}'], 1)
            self.assertEqual(self.get("/healthz")[0], 503)
            before = self.figures()
            time.sleep(2.5)
            after = self.figures()
            self.assertGreater(after["source_age_seconds{}"], before["source_age_seconds{}"] + 1)
            self.assertGreater(after["proxy_requests_total{}"], before["proxy_requests_total{}"])

    def test_a_reload_takes_what_is_new_and_leaves_the_rest_as_it_is(self):
        self.slice("a", up(1, 2))
        text = self.companion.config.read_text(encoding="ascii")
        with self.companion:
            self.expect(1, 2)
            lists = self.api.count("list")
            self.reload(text.replace("log_level debug", "log_level info"), "configuration read again")
            self.slice("a", up(1, 2, 3))
            self.expect(1, 2, 3)
            self.assertEqual(self.api.count("list"), lists, "the watch went on")
            self.reload(text.replace("kubernetes web", "kubernets web"), "did you mean \"kubernetes\".*the old configuration stays")
            self.slice("a", up(1, 3))
            self.expect(1, 3)
            self.wait_for_figures({'reloads_total{result="taken"}': 1, 'reloads_total{result="refused"}': 1})
            self.reload(text.replace("web:http", f"web:{SERVERS}"), "configuration read again")
            harness.wait_for(lambda: self.api.count("list") == lists + 1, "a list for what is another pool now")
            self.slice("a", up(3, 4))
            self.expect(3, 4)
            self.wait_for_figures({'reloads_total{result="taken"}': 2, 'reloads_total{result="refused"}': 1})

    def reload(self, text, pattern):
        self.companion.clear_log()
        self.companion.config.write_text(text, encoding="ascii")
        self.companion.process.send_signal(signal.SIGHUP)
        self.companion.wait_for_log(pattern)


if __name__ == "__main__":
    unittest.main()
