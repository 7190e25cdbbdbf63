"""A real Redis for tests of sharing, who is asked by nobody else, and what stands in its way.

LEASTWISE_REDIS: the server, redis-server or valkey-server.
"""
import os
import socket
import struct
import threading
import time

REDIS = os.environ.get("LEASTWISE_REDIS", "redis-server")
PORT, SLOW_PORT = 21090, 21091
KEYS = "test:1:{app}:"


def command(folder, *options):
    return [REDIS, "--port", str(PORT), "--save", "", "--dir", str(folder), *options]


def ask(*words):
    """What Redis answers, by a connection of its own: one line, or the text of a value."""
    with socket.create_connection(("127.0.0.1", PORT), timeout=5) as s:
        parts = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        s.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        stream = s.makefile("rb")
        line = stream.readline().rstrip()
        return stream.read(int(line[1:])) if line.startswith(b"$") and line != b"$-1" else line


class Delay(threading.Thread):
    """Passes on what is said on SLOW_PORT to Redis, and the answers `seconds` later."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seconds = 0
        self.listener = socket.create_server(("127.0.0.1", SLOW_PORT))
        self.start()

    def end(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # or who accepts keeps the port
        self.listener.close()

    def run(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", PORT))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self.pass_on, args=(source, target, target is client),
                                 daemon=True).start()

    def pass_on(self, source, target, is_answer):
        try:
            while data := source.recv(65536):
                time.sleep(self.seconds if is_answer else 0)
                target.sendall(data)
        except OSError:
            pass
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Others(threading.Thread):
    """Eight balancers more, which report 64 servers ten times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.start()

    def run(self):
        servers = b"".join(struct.pack("<IHH", i, 16, 1) for i in range(64))
        number = 0
        while not self.over.wait(0.1):
            number += 1
            for i in range(8):
                ask("SET", KEYS + f"{i:016x}", b"LWS1" + struct.pack("<IQQ", 64, number, 1) + servers, "PX", "5000")
                ask("SADD", KEYS + "who", f"{i:016x}")


def set_password(now, new):
    """Another password from now on; who is connected has to give it."""
    with socket.create_connection(("127.0.0.1", PORT)) as c:
        c.sendall(f"AUTH {now}\r\nCONFIG SET requirepass {new}\r\nCLIENT KILL TYPE normal SKIPME yes\r\n".encode())
        time.sleep(0.2)
