"""Starts leastwise-companion with a configuration of its own."""

import contextlib
import http.client
import os
import pathlib
import re
import signal
import subprocess

import harness

PROGRAM = os.environ["LEASTWISE_COMPANION"]

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: test
contexts: [{{name: test, context: {{cluster: c, user: u, namespace: default}}}}]
clusters: [{{name: c, cluster: {{server: "https://127.0.0.1:{port}/", certificate-authority: ca.crt}}}}]
users: [{{name: u, user: {{tokenFile: token}}}}]
"""


def get(port, path):
    """(status, text) of the companion's `status` port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


class Companion:
    """Use as a context manager. Its files are in `folder`."""

    def __init__(self, folder, text):
        self.folder = pathlib.Path(folder)
        self.config = self.folder / "companion.conf"
        self.config.write_text(text, encoding="ascii")
        self.process = None
        self._log = self.folder / "companion.log"
        self._log.write_bytes(b"")

    def write_kubeconfig(self, port, token):
        (self.folder / "kubeconfig").write_text(KUBECONFIG.format(port=port), encoding="ascii")
        self.write_token(token)

    def write_token(self, token):
        new = self.folder / "token.new"
        new.write_text(token + "\n", encoding="ascii")
        new.rename(self.folder / "token")

    def __enter__(self):
        with open(self._log, "ab") as log:
            self.process = subprocess.Popen([PROGRAM, "-c", str(self.config)], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        harness.wait_for(lambda: "started" in self.log() or self.process.poll() is not None, "the companion to start")
        assert self.process.poll() is None, self.log()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            assert self.process.wait(10) == (0 if how == signal.SIGTERM else -how), self.log()
        assert "AddressSanitizer" not in self.log() and "runtime error" not in self.log(), self.log()

    def log(self):
        return self._log.read_text(encoding="utf-8")

    def clear_log(self):
        os.truncate(self._log, 0)

    def wait_for_log(self, pattern, seconds=10.0):
        def found():
            return re.search(pattern, self.log())
        try:
            return harness.wait_for(found, "a line in the log: " + pattern, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None
