"""Starts a real nginx with the module under test, each in a folder of its own.

The module comes from LEASTWISE_NGINX_MODULE. LEASTWISE_NGINX_PRELOAD, if set, is what the
dynamic loader loads before nginx itself: the sanitizers' runtime.
"""

import collections
import contextlib
import http.client
import json
import mmap
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

MODULE = os.environ["LEASTWISE_NGINX_MODULE"]
NGINX = os.environ.get("LEASTWISE_NGINX", "/usr/sbin/nginx")
PRELOAD = os.environ.get("LEASTWISE_NGINX_PRELOAD", "")
SANITIZED = bool(PRELOAD)
# Long loops in full: 200 kills, 1,000 seeds, 2,000 failing allocations (CONTRIBUTING.md).
FULL = os.environ.get("LEASTWISE_FAULTS") == "full"
# Debian's other modules, and what it builds modules with, fit only that.
IS_PACKAGED = os.path.realpath(NGINX) == "/usr/sbin/nginx"
VERSION = tuple(int(n) for n in re.search(
    r"nginx/(\d+)\.(\d+)\.(\d+)", subprocess.run([NGINX, "-v"], stderr=subprocess.PIPE, text=True,
                                                 check=True).stderr).groups())
# In an upstream{}: each request has a connection of its own, as it had by default before 1.29.7. What a
# server does on a kept one may be taken for that of one that was closed in between.
UNKEPT = "keepalive 0;" if VERSION >= (1, 29, 7) else ""

CONFIG = """\
load_module {module};
{user}
worker_processes {workers};
error_log {folder}/error.log info;
pid {folder}/nginx.pid;
daemon off;
{main}
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {http}
}}
"""

Response = collections.namedtuple("Response", "status headers body")


def wait_for(condition, what, seconds=10.0):
    """Returns the first true value of condition()."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)


def listens(port):
    with contextlib.closing(socket.socket()) as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class SharedBytes(contextlib.ExitStack):
    """Sixteen bytes of a file that a library of preload/ reads and writes; a context manager."""

    def __init__(self):
        super().__init__()
        file = self.enter_context(tempfile.NamedTemporaryFile(prefix="leastwise_bytes_"))
        file.write(bytes(16))
        file.flush()
        self.name = file.name
        self.memory = self.enter_context(mmap.mmap(file.fileno(), 16))


class Nginx:
    """One nginx; use as a context manager."""

    def __init__(self, port, http="", main="", workers=1, preload="", environment=None):
        self.port = port
        self.preload, self.more_environment = preload, environment or {}
        self.workers = workers
        self.folder = tempfile.mkdtemp(prefix="leastwise_nginx_")
        self.process = None
        self.configure(http, main)

    def configure(self, http, main=""):
        text = CONFIG.format(
            module=MODULE, folder=self.folder, workers=self.workers, http=http, main=main,
            user="user root;" if os.getuid() == 0 else "")
        with open(self.path("nginx.conf"), "w", encoding="ascii") as f:
            f.write(text)

    def path(self, name):
        return os.path.join(self.folder, name)

    def command(self, *arguments):
        return [NGINX, "-p", self.folder, "-c", self.path("nginx.conf"), *arguments]

    def environment(self):
        env = dict(os.environ) | self.more_environment
        if PRELOAD or self.preload:
            env["LD_PRELOAD"] = f"{PRELOAD} {self.preload}".strip()
        if PRELOAD:
            # nginx frees little at its end; what it is asked is about the module.
            env["ASAN_OPTIONS"] = "detect_leaks=0:abort_on_error=1"
            # Each of nginx's modules has variables of the same names, which an instrumented nginx has, too.
            if not IS_PACKAGED:
                env["ASAN_OPTIONS"] += ":detect_odr_violation=0"
            env["UBSAN_OPTIONS"] = "print_stacktrace=1"
        return env

    def check(self):
        """nginx -t: (exit code, what it says)."""
        done = subprocess.run(self.command("-t"), env=self.environment(), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout

    def __enter__(self):
        with open(self.path("output"), "wb") as output:
            self.process = subprocess.Popen(self.command(), env=self.environment(),
                                            stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_for(lambda: listens(self.port) or self.process.poll() is not None,
                     "nginx to listen", 30)
            assert self.process.poll() is None, "nginx did not start: " + self.log()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        log = self.log()
        shutil.rmtree(self.folder, ignore_errors=True)
        for bad in ("AddressSanitizer", "runtime error:", "exited on signal 11",
                    "exited on signal 6"):
            assert bad not in log, log

    def log(self):
        text = ""
        for name in ("error.log", "output"):
            with contextlib.suppress(FileNotFoundError):
                with open(self.path(name), encoding="utf-8", errors="replace") as f:
                    text += f.read()
        return text

    def children(self):
        """Process ids of the workers."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children",
                  encoding="ascii") as f:
            return [int(pid) for pid in f.read().split()]

    def reload(self):
        """Reloads, and waits until the new workers alone serve."""
        # It listens before it has any, and a signal that comes earlier waits for the next one.
        wait_for(lambda: len(self.children()) >= self.workers, "the first workers", 30)
        old = set(self.children())
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(set(self.children()) - old) >= self.workers, "new workers", 30)
        wait_for(lambda: not old & set(self.children()), "old workers to leave", 30)

    def get(self, path="/", method="GET", headers=None, timeout=20):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            try:
                body = answer.read()
            except http.client.IncompleteRead as cut:
                body = cut.partial
            return Response(answer.status, dict(answer.getheaders()), body.decode("latin-1"))
        finally:
            connection.close()

    def status(self, upstream="app"):
        page = self.get("/leastwise")
        assert page.status == 200, page
        return json.loads(page.body)["upstreams"][upstream]

    def peers(self, upstream="app"):
        """By port."""
        return {int(p["server"].rsplit(":", 1)[1]): p for p in self.status(upstream)["peers"]}

    def picks(self, upstream="app"):
        """By port."""
        return {port: p["leastwise"]["picks"] for port, p in self.peers(upstream).items()}

    def in_flight(self, upstream="app"):
        return sum(p["active"] for p in self.status(upstream)["peers"])


class Load:
    """Clients that ask again and again until stopped; each asks one thing at a time."""

    def __init__(self, port, clients=8, path="/"):
        self.port, self.path = port, path
        self.sent = 0
        self.failures = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def __enter__(self):
        for t in self._threads:
            t.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for t in self._threads:
            t.join()

    def _ask(self):
        # A connection for each request: whether an idle one may be closed under a client
        # is between nginx and the client, not the balancer's.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", self.path, headers={"Connection": "close"})
            answer = connection.getresponse()
            answer.read()
            return None if answer.status == 200 else f"status {answer.status}"
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        finally:
            connection.close()

    def _run(self):
        while not self._stop.is_set():
            failure = self._ask()
            with self._lock:
                self.sent += 1
                if failure:
                    self.failures.append(failure)


def workers_of(master):
    """Process ids of the workers of a master, be it one of ours or not."""
    found = []
    is_gone = contextlib.suppress(FileNotFoundError, ProcessLookupError)  # before it is opened, or read
    with is_gone:
        with open(f"/proc/{master}/task/{master}/children", encoding="ascii") as f:
            children = f.read().split()
        for child in children:
            with is_gone, open(f"/proc/{child}/cmdline", "rb") as f:
                if f.read().startswith(b"nginx: worker"):
                    found.append(int(child))
    return found


def shares(before, after):
    """Of each server, by port, of what was picked between two looks at Nginx.picks()."""
    picks = {port: n - before.get(port, 0) for port, n in after.items()}
    return {port: n / max(1, sum(picks.values())) for port, n in picks.items()}
