#!/usr/bin/env python3
"""The agent as a process, and all that others' agents died of: scanners, wrong versions, frames cut or too long,
clients that leave. Each is refused with the code of the specification (3.5), and the next client is served.

    torture_test.py AGENT [unittest arguments]

refusal_test.cc has the whole table, by the byte; this is the socket, the descriptors and the memory around it.
"""
import os
import pathlib
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

AGENT = sys.argv[1]
HAPROXY = os.environ.get("LEASTWISE_HAPROXY") or shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
FRAMES = int(os.environ.get("LEASTWISE_TORTURE_FRAMES", "1000000"))
FEEDBACK = 21001
HELLO, DISCONNECT, NOTIFY = 1, 2, 3
AGENT_HELLO, AGENT_DISCONNECT, ACK = 101, 102, 103
OK, TOO_BIG, INVALID, NO_VERSION, NO_SIZE, NO_CAPABILITIES, BAD_VERSION, BAD_SIZE, FRAGMENT = 0, 3, 4, 5, 6, 7, 8, 9, 10


def varint(n):
    if n < 240:
        return bytes([n])
    out = [240 + n % 16]
    n = (n - 240) // 16
    while n >= 128:
        out.append(128 + n % 128)
        n = (n - 128) // 128
    return bytes([*out, n])


def text(s):
    return varint(len(s)) + s.encode()


def string(s):
    return b"\x08" + text(s)


def number(n):
    return b"\x03" + varint(n)


def frame(kind, payload, flags=1, stream=0, number_=0):
    body = bytes([kind]) + struct.pack(">I", flags) + varint(stream) + varint(number_) + payload
    return struct.pack(">I", len(body)) + body


def hello(version=string("2.0"), size=number(16380), capabilities=string("pipelining")):
    items = (("supported-versions", version), ("max-frame-size", size), ("capabilities", capabilities))
    return frame(HELLO, b"".join(text(n) + v for n, v in items if v is not None))


def pick(id_, more=b"", count=2, **options):
    payload = text("leastwise-pick") + bytes([count]) + text("id") + string(id_) + text("backend") + string("app") + more
    return frame(NOTIFY, payload, stream=7, number_=1, **options)


# What, whether after the handshake, and the code it is refused with.
REFUSED = (
    ("http", False, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", TOO_BIG),
    ("tls", False, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40), TOO_BIG),
    ("zeros", False, bytes(64), INVALID),
    ("of size 0", True, bytes(4), INVALID),
    ("longer than agreed", True, struct.pack(">I", 16381), TOO_BIG),
    ("longer than any buffer", True, struct.pack(">I", 50331648), TOO_BIG),
    ("longer than it says", True, pick("a", b"x"), INVALID),
    ("no FIN", True, pick("a", flags=0), FRAGMENT),
    ("no FIN in the hello", False, frame(HELLO, b"", flags=0), FRAGMENT),
    ("a rest of a fragment", True, frame(0, b"x", stream=7, number_=1), FRAGMENT),
    ("unknown type", True, frame(42, b"", stream=7, number_=1), INVALID),
    ("a question before the hello", False, pick("a"), INVALID),
    ("a second hello", True, hello(), INVALID),
    ("version 1.0", False, hello(string("1.0")), BAD_VERSION),
    ("version 99", False, hello(string("99")), BAD_VERSION),
    ("version empty", False, hello(string("")), BAD_VERSION),
    ("version a number", False, hello(number(2)), BAD_VERSION),
    ("no version", False, hello(None), NO_VERSION),
    ("part of the key", False, frame(HELLO, text("ver") + string("2.0")), NO_VERSION),
    ("no size", False, hello(size=None), NO_SIZE),
    ("size too small", False, hello(size=number(255)), BAD_SIZE),
    ("no capabilities", False, hello(capabilities=None), NO_CAPABILITIES),
    ("an argument cut off", True, pick("a", text("key") + b"\x08\x7fabc", 3), INVALID),
    ("an argument of no type", True, pick("a", text("key") + b"\x0a", 3), INVALID),
    ("a length that wraps", True, pick("a", text("key") + b"\x08" + b"\xff" * 9 + b"\x7f", 3), INVALID),
    ("arguments that never come", True, pick("a", count=255), INVALID))


class Agent:
    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="leastwise-"))
        (self.folder / "leastwise.conf").write_text(
            f"listen unix:{self.folder}/spoa.sock; feedback 127.0.0.1:{FEEDBACK};\n"
            f"haproxy_socket {self.folder}/admin.sock; log_level error; backend app {{ policy adaptive; }}\n")
        (self.folder / "haproxy.cfg").write_text(
            f"global\n stats socket {self.folder}/admin.sock level admin\ndefaults\n mode http\n timeout connect 1s\n"
            " timeout server 1s\n timeout client 1s\nbackend app\n" +
            "".join(f" server s{i} 127.0.0.1:{9 + i}\n" for i in range(3)))
        self.processes = []
        if HAPROXY:
            self.start(HAPROXY, "-db", "-f", str(self.folder / "haproxy.cfg"))
        self.start(AGENT, "-c", str(self.folder / "leastwise.conf"))
        self.wait(self.listens)
        return self

    def listens(self):
        """The socket is there a moment before it takes connections."""
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(str(self.folder / "spoa.sock")) == 0

    def start(self, *command):
        log = open(self.folder / "log", "ab")
        with log:
            self.processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def __exit__(self, *_):
        agent = self.processes[-1]
        agent.terminate()
        code = agent.wait(20)
        for process in self.processes[:-1]:
            process.kill()
            process.wait()
        log = (self.folder / "log").read_text(errors="replace")
        shutil.rmtree(self.folder)
        assert code == 0 and "Sanitizer" not in log and "runtime error" not in log, (code, log)

    @staticmethod
    def wait(condition, seconds=20):
        end = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < end, condition
            time.sleep(0.02)
        return value

    def client(self):
        return Client(str(self.folder / "spoa.sock"))

    def proc(self, name):
        return pathlib.Path(f"/proc/{self.processes[-1].pid}/{name}")

    def resident(self):
        return int(next(line.split()[1] for line in self.proc("status").read_text().splitlines() if "VmRSS" in line))

    def descriptors(self):
        return len(list(self.proc("fd").iterdir()))

    def serves(self):
        with self.client() as c:
            c.send(hello() + pick("x"))
            return [c.read()[0], c.read()[0]] == [AGENT_HELLO, ACK]


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.input = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.input.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        """The type and the body of the next frame; None at the end."""
        size = self.input.read(4)
        if len(size) < 4:
            return None, b""
        body = self.input.read(struct.unpack(">I", size)[0])
        return body[0], body

    def code(self):
        """Of the AGENT-DISCONNECT that comes next, and nothing after it."""
        kind, body = self.read()
        assert kind == AGENT_DISCONNECT, (kind, body)
        at = body.index(b"\x0bstatus-code") + 12
        assert self.read()[0] is None
        return body[at + 1]


class Torture(unittest.TestCase):
    def setUp(self):
        self.agent = self.enterContext(Agent())

    def test_what_is_refused_has_its_code(self):
        for name, later, data, code in REFUSED:
            for piece in (len(data), 1):
                with self.subTest(name, piece=piece), self.agent.client() as c:
                    if later:
                        c.send(hello())
                        self.assertEqual(c.read()[0], AGENT_HELLO)
                    try:
                        for at in range(0, len(data), piece):
                            c.send(data[at:at + piece])
                    except BrokenPipeError:
                        pass  # it has had enough of it
                    self.assertEqual(c.code(), code)
        self.assertTrue(self.agent.serves())

    def test_what_is_allowed(self):
        with self.agent.client() as c:  # a larger frame than ours is agreed down
            c.send(hello(size=number(65536)))
            kind, body = c.read()
            self.assertEqual(kind, AGENT_HELLO)
            self.assertIn(text("max-frame-size") + number(16380), body)
            c.send(frame(DISCONNECT, text("status-code") + number(0) + text("message") + string("bye")))
            self.assertEqual(c.code(), OK)
        with self.agent.client() as c:  # half closed, and still answered
            c.send(hello() + pick("a") * 50)
            c.socket.shutdown(socket.SHUT_WR)
            self.assertEqual([c.read()[0] for _ in range(51)], [AGENT_HELLO] + [ACK] * 50)
        with self.agent.client() as c:
            for byte in hello() + pick("a"):
                c.send(bytes([byte]))
            self.assertEqual([c.read()[0], c.read()[0]], [AGENT_HELLO, ACK])

    def test_who_leaves_anywhere_leaves_nothing_behind(self):
        whole = hello() + pick("a") * 3
        self.assertTrue(self.agent.serves())
        before = self.agent.descriptors()
        for at in range(0, len(whole), 2):
            with self.agent.client() as c:
                c.send(whole[:at])
        self.assertTrue(self.agent.serves())
        Agent.wait(lambda: self.agent.descriptors() <= before)

    def test_bytes_at_random(self):
        draw = random.Random(7)
        whole = hello() + pick("a", text("key") + string("alice"), 3) * 2
        for _ in range(1500):
            data = bytearray(whole)
            for _ in range(draw.randint(1, 6)):
                at = draw.randrange(len(data))
                data[at:at + draw.randint(0, 3)] = draw.randbytes(draw.randint(0, 3))
            with self.agent.client() as c:
                try:
                    c.send(bytes(data))
                except BrokenPipeError:
                    pass
        self.assertTrue(self.agent.serves())

    @unittest.skipUnless(HAPROXY, "no HAProxy to tell which servers there are")
    def test_memory_is_constant(self):
        """Picks of which no log line ever tells the end, and in between frames that are refused."""
        def named():
            with self.agent.client() as c:
                c.send(hello() + pick("first"))
                c.read()
                return b"\x03srv\x08" in c.read()[1]
        Agent.wait(named)
        first = self.ask(0, FRAMES // 5)
        last = self.ask(FRAMES // 5, FRAMES)
        print(f"{FRAMES} frames: resident {first} kB after a fifth of them, {last} kB at the end", flush=True)
        if not os.environ.get("LEASTWISE_SANITIZED"):
            self.assertLess(last - first, 1024)

    def ask(self, begin, end):
        batch = 500
        template = pick("0" * 12)
        head, tail = template.split(b"0" * 12)
        with self.agent.client() as c:
            c.send(hello())
            c.read()
            for at in range(begin, end, batch):
                c.send(b"".join(head + b"%012d" % i + tail for i in range(at, at + batch)))
                if at % (40 * batch) == 0:
                    with self.agent.client() as bad:
                        bad.send(REFUSED[at // batch % len(REFUSED)][2])
                answered = 0
                while answered < batch:
                    size = struct.unpack(">I", c.input.read(4))[0]
                    c.input.read(size)
                    answered += 1
        return self.agent.resident()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
