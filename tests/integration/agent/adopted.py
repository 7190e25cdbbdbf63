"""A configuration that somebody has already, plain or with what `leastwise-spoa --haproxy-config` prints pasted into it."""
import http.client
import re
import socket
import subprocess
import time

import stack
from printed import Printed
from stack import FEEDBACK, STATUS, WEB, Stack

SYSLOG = 21005

HEAD = f"""
global
    log 127.0.0.1:{SYSLOG} local0
    stats socket FOLDER/admin.sock mode 600 level admin

defaults
    log global
    mode http
    option httplog
    timeout connect 1s
    timeout client 30s
    timeout server 30s
"""


def frontend(lines, backend, kind="backend app"):
    return HEAD + f"\nfrontend web\n    bind 127.0.0.1:{WEB}\n{lines}" + \
        f"    default_backend app\n\n{kind}\n{backend}"


def servers(options=("", "", "")):
    return "".join(f"    server s{i + 1} 127.0.0.1:{21010 + i} check {text}\n"
                   for i, text in enumerate(options))


class Adopted(Stack):
    """Not the example but `config`, as it is (`plain`) or with what was printed for it."""

    def __init__(self, config, plain=False, backends=("app",), mode="pick"):
        super().__init__()
        self.config, self.plain, self.backends, self.mode = config, plain, backends, mode
        self.printed = None
        self.syslog = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.syslog.bind(("127.0.0.1", SYSLOG))
        self.syslog.settimeout(5)

    def __enter__(self):
        try:
            self.write_files()
            self.start_backends()
            if not self.plain:
                self.start_agent()
            self.start_haproxy()
            time.sleep(0.5 if self.plain else 1.2)  # checks pass, the agent knows the servers
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        super().__exit__()
        self.syslog.close()

    def print(self):
        return subprocess.run(
            [stack.AGENT, "-c", "leastwise.conf", "--haproxy-config", *self.backends,
             *(["--mode", "weights"] if self.mode == "weights" else []), "--haproxy-cfg", "haproxy.cfg", "--haproxy-version", version()],
            check=True, capture_output=True, text=True, cwd=self.folder).stdout

    def write_files(self):
        file = self.folder / "haproxy.cfg"
        config = self.config.replace("FOLDER", str(self.folder))
        file.write_text(config)
        if self.plain:
            return
        text = self.print()
        assert (f"#### {self.folder}/leastwise.spoe.conf: new" in text) == (self.mode == "pick"), text
        for old, new in [("/run/leastwise/", f"{self.folder}/"), ("127.0.0.1:9877", f"127.0.0.1:{FEEDBACK}"),
                         ("127.0.0.1:9878", f"127.0.0.1:{STATUS}"),
                         ("state /var/lib/leastwise/", f"state {self.folder}/")]:
            text = text.replace(old, new)
        self.printed = Printed(text)
        file.write_text(self.printed.paste(config))
        for name in self.printed.parts.keys() - {"haproxy.cfg"}:
            (self.folder / name).write_text(self.printed.parts[name][0])
        # -dW: zero-warning.
        check = subprocess.run([stack.HAPROXY, "-dW", "-c", "-f", str(file)], text=True, check=False,
                               capture_output=True)
        assert check.returncode == 0, check.stderr + file.read_text()

    def logged(self, word):
        """The user's own next line with that word in it."""
        while True:
            line = self.syslog.recv(9000).decode()
            if word in line:
                return line

    def picked(self, backend="app"):
        peers = self.status()["upstreams"][backend]["peers"]
        return {p["server"].split("@")[0]: p["leastwise"]["picks"] for p in peers}


def version():
    found = subprocess.run([stack.HAPROXY, "-v"], capture_output=True, text=True, check=True).stdout
    return re.search(r"\d+\.\d+", found)[0]


class Browser:
    """Keeps cookies, and has an address of its own."""

    def __init__(self, number=1):
        self.address, self.cookie = f"127.0.1.{number}", None

    def get(self, path="/"):
        connection = http.client.HTTPConnection("127.0.0.1", WEB, timeout=10,
                                                source_address=(self.address, 0))
        try:
            connection.request("GET", path, headers={"Cookie": self.cookie} if self.cookie else {})
            answer = connection.getresponse()
            answer.read()
            if answer.getheader("set-cookie"):
                self.cookie = answer.getheader("set-cookie").split(";")[0]
            return answer.status, answer.getheader("x-server")
        finally:
            connection.close()
