"""A real Chromium without a window, told what to do over a pipe (its DevTools protocol)."""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PATH = os.environ.get("LEASTWISE_CHROMIUM") or shutil.which("chromium")

# Before any script of a page: what its policy refused, and how long its own functions took.
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation",
    e => window.violations.push(e.violatedDirective + " " + e.blockedURI));
"""


class Chromium:
    """One page of one browser; use as a context manager."""

    def __init__(self, width=1440, height=1000):
        self.size = width, height
        self.folder = tempfile.mkdtemp(prefix="leastwise_chromium_")
        self.number = 0
        self.text = b""
        self.events = []

    def __enter__(self):
        to_read, self.write_end = os.pipe()
        self.read_end, to_write = os.pipe()
        # The two ends are 3 and 4 there, whatever they are here.
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec 3<&{to_read} 4>&{to_write}; exec "$@"', "bash", PATH,
             "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--disable-extensions", "--disable-sync", "--hide-scrollbars",
             f"--user-data-dir={self.folder}", "about:blank"],
            pass_fds=(to_read, to_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")
        self.call("Performance.enable", timeDomain="threadTicks")  # of the processor: others use it, too
        self.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        self.look(*self.size)
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Exception):
            self.session = None
            self.call("Browser.close", seconds=5)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.write_end)
        os.close(self.read_end)
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, method, seconds=30, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + seconds
        while True:
            answer = self.receive(end - time.monotonic(), method)
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self.events.append(answer)

    def receive(self, seconds, what):
        while b"\0" not in self.text:
            ready, _, _ = select.select([self.read_end], [], [], max(0, seconds))
            assert ready, f"Chromium did not answer {what}"
            piece = os.read(self.read_end, 1 << 20)
            assert piece, "Chromium ended"
            self.text += piece
        message, _, self.text = self.text.partition(b"\0")
        return json.loads(message)

    def look(self, width, height, dark=False, phone=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=2 if phone else 1, mobile=phone)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url):
        self.call("Page.navigate", url=url)

    def run(self, expression):
        """The value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        assert "exceptionDetails" not in answer, (expression, answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait_for(self, expression, seconds=20):
        end = time.monotonic() + seconds
        while not (value := self.run(expression)):
            assert time.monotonic() < end, f"waited {seconds} s in vain for {expression}"
            time.sleep(0.05)
        return value

    def metric(self, name):
        """Durations are what the page's thread had of a processor, in seconds."""
        return next(m["value"] for m in self.call("Performance.getMetrics")["metrics"]
                    if m["name"] == name)

    def faults(self):
        """What the console complains of, exceptions among it."""
        self.run("0")
        found = [e["params"]["entry"]["text"] for e in self.events
                 if e["method"] == "Log.entryAdded" and e["params"]["entry"]["level"] == "error"]
        return found + [str(e["params"]["exceptionDetails"]) for e in self.events
                        if e["method"] == "Runtime.exceptionThrown"]

    def screenshot(self, path, whole=False):
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        with open(path, "wb") as f:
            f.write(base64.b64decode(shot["data"]))
