"""A real DNS server, dnsmasq, that the test tells what to answer."""

import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

DNSMASQ = shutil.which("dnsmasq", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
SERVFAIL, REFUSED = 2, 5


class DnsServer:
    """Use as a context manager. Names below test.; answers live for a second."""

    def __init__(self, folder, port):
        self.folder, self.port = pathlib.Path(folder), port
        self.hosts = self.folder / "hosts.d"
        self.hosts.mkdir()
        self.process = None
        self._ill = self._answering = None
        self.failures = 0  # that were answered

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, *more):
        words = more or ("--local=/test/",)
        with open(self.folder / "dnsmasq.log", "ab") as log:
            self.process = subprocess.Popen(
                [DNSMASQ, "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", f"--port={self.port}",
                 "--listen-address=127.0.0.1", "--bind-interfaces", "--edns-packet-max=512", "--local-ttl=1", "--user=", "--pid-file=",
                 f"--hostsdir={self.hosts}", "--log-queries", *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 10
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            while s.connect_ex(("127.0.0.1", self.port)) != 0:
                assert time.monotonic() < end and self.process.poll() is None, self.log()
                time.sleep(0.02)

    def log(self):
        return (self.folder / "dnsmasq.log").read_text(encoding="utf-8")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(10)
        if self._ill is not None:
            self._ill = None
            self._answering.join()

    def restart(self, *more):
        self.stop()
        self.start(*more)

    def set(self, **names):
        """name=("127.0.1.1", …), for name.test; the others are gone."""
        new = self.folder / "hosts.new"
        new.write_text("".join(f"{ip} {name}.test\n" for name, ips in names.items() for ip in ips), encoding="ascii")
        new.rename(self.hosts / "hosts")

    def is_truncated(self, name):
        """Whether an answer by UDP is."""
        question = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0\0\1\0\1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.sendto(struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0) + question, ("127.0.0.1", self.port))
            return bool(struct.unpack("!H", s.recv(4096)[2:4])[0] & 0x0200)

    def silence(self):
        self.process.send_signal(signal.SIGSTOP)

    def speak(self):
        self.process.send_signal(signal.SIGCONT)

    def restart_ill(self, code=SERVFAIL):
        """In its place is one that answers so to all: dnsmasq does not let itself be made to."""
        self.stop()
        self._ill = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._ill.bind(("127.0.0.1", self.port))

        self._ill.settimeout(0.1)

        def answer(ill):
            while self._ill is ill:
                try:
                    text, client = ill.recvfrom(4096)
                except TimeoutError:
                    continue
                flags = struct.unpack("!H", text[2:4])[0]
                ill.sendto(text[:2] + struct.pack("!H", 0x8080 | (flags & 0x0100) | code) + text[4:], client)
                self.failures += 1
            ill.close()
        self._answering = threading.Thread(target=answer, args=(self._ill,))
        self._answering.start()
