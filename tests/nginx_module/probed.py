"""Servers for probes: each is told how to answer, by a word, and keeps what it was asked.

    ok, 503      that status, with a body
    hang         takes the request and says nothing
    flood        a header without an end
    endless      a body without an end
    garbage      a line that is no HTTP
    close        closes without a word
"""

import collections
import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
import time

Probe = collections.namedtuple("Probe", "time pid head")  # pid: unix sockets only

OK = b"HTTP/1.1 %d X\r\nContent-Length: 11\r\nConnection: close\r\n\r\nall is well"


class Server:
    """One server, on a port or at a path; use as a context manager."""

    def __init__(self, at, mode="ok", tls=None):
        self.at, self.mode, self.tls = at, mode, tls
        self.probes = []  # requests by the probe, in order of arrival
        self.requests = 0  # of others
        self.sent = 0  # the most that one connection took
        self._socket = None
        self._threads = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.mode = "ok"
        if self._socket is not None:
            self.stop()
        for t in self._threads:
            t.join(10)

    def start(self):
        unix = isinstance(self.at, str)
        self._socket = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        if unix:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.at)
        else:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # So that what was sent is what was taken.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        self._socket.bind(self.at if unix else ("127.0.0.1", self.at))
        self._socket.listen(512)
        self._run(self._accept)

    def stop(self):
        """Refuses from now on."""
        # Else accept() would go on with it.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._socket = None

    def _run(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        listening = self._socket
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            self._run(self._serve, connection)

    def _serve(self, connection):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            pid = None
            if isinstance(self.at, str):
                pid = struct.unpack("3i", connection.getsockopt(
                    socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
            came = time.monotonic()
            if self.tls:
                connection = stack.enter_context(
                    self.tls.wrap_socket(connection, server_side=True))
            connection.settimeout(10)
            head = connection.recv(4096)
            # A probe of TCP says nothing.
            if not head or b"leastwise-probe" in head:
                self.probes.append(Probe(came, pid, head.decode("latin-1")))
            else:
                self.requests += 1
            if head:
                self._answer(connection)

    def _answer(self, connection):
        mode = self.mode
        if mode in ("ok", "503"):
            connection.sendall(OK % (200 if mode == "ok" else 503))
        elif mode == "hang":
            while self.mode == mode and connection.recv(4096):
                pass
        elif mode == "garbage":
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        elif mode in ("flood", "endless"):
            connection.sendall(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if mode == "endless" else b"X-A: "))
            sent = 0
            with contextlib.suppress(OSError):
                while self.mode == mode:
                    sent += connection.send(b"x" * 4096)
            self.sent = max(self.sent, sent)


class Process:
    """A server in a process of its own, which can be stopped; use as a context manager."""

    def __init__(self, port):
        self.port = port
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, __file__, str(self.port)])
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)


if __name__ == "__main__":
    with Server(int(sys.argv[1])):
        threading.Event().wait()
