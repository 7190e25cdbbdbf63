"""The agent as a service: what systemd is told and what it passes. The test takes its place: it binds
NOTIFY_SOCKET, and opens the sockets of LISTEN_FDS. No HAProxy is needed.

Usage: service_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import contextlib
import ctypes
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import stack
from crowd_test import hello
from stack import EXAMPLE, FEEDBACK, STATUS, get, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]
UNITS = [EXAMPLE / f"leastwise-spoa.{kind}" for kind in ("service", "socket")]


@contextlib.contextmanager
def frozen(pid, name):
    """Stops one thread of that process, as a deadlock would; the others go on."""
    seize, interrupt, detach, wait_for_any_thread = 0x4206, 0x4207, 17, 0x40000000
    thread = next(int(path.parent.name) for path in pathlib.Path(f"/proc/{pid}/task").glob("*/comm")
                  if path.read_text().strip() == name)
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if ptrace(seize, thread, None, None) != 0:
        raise unittest.SkipTest(f"ptrace: {os.strerror(ctypes.get_errno())}")
    ptrace(interrupt, thread, None, None)
    os.waitpid(thread, wait_for_any_thread)
    try:
        yield
    finally:
        ptrace(detach, thread, None, None)


class Service(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="leastwise-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(str(self.folder / "notify"))
        self.write_config()

    def write_config(self, backend="policy adaptive;"):
        (self.folder / "leastwise.conf").write_text(
            f"listen unix:{self.folder}/spoa.sock; feedback 127.0.0.1:{FEEDBACK};\n"
            f"status 127.0.0.1:{STATUS}; haproxy_socket {self.folder}/admin.sock;\n"
            f"backend app {{ {backend} }}\n")

    def start(self, sockets=(), **environment):
        """The agent, with `sockets` (name, socket) passed from descriptor 3 on."""
        names = ":".join(name for name, _ in sockets)
        passed = [(3 + i, fcntl.fcntl(s, fcntl.F_DUPFD, 100)) for i, (_, s) in enumerate(sockets)]
        for _, high in passed:
            self.addCleanup(os.close, high)
        moves = " ".join(f"{low}<&{high}-" for low, high in passed)
        script = f"exec {moves}; export LISTEN_PID=$$; exec \"$@\"" if sockets else 'exec "$@"'
        if sockets:
            environment.update(LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES=names)
        log = open(self.folder / "agent.log", "a", encoding="utf-8")
        self.addCleanup(log.close)
        agent = subprocess.Popen(
            ["bash", "-c", script, "agent", stack.AGENT, "-c", str(self.folder / "leastwise.conf")],
            stderr=log, pass_fds=[high for _, high in passed],
            env={**os.environ, "NOTIFY_SOCKET": str(self.folder / "notify"), **environment})
        self.addCleanup(agent.wait)
        self.addCleanup(agent.kill)
        return agent

    def log(self):
        return (self.folder / "agent.log").read_text()

    def told(self, seconds=5.0):
        """The next words of the agent by name; none when it says nothing for so long."""
        self.manager.settimeout(seconds)
        try:
            lines = self.manager.recv(65536).decode().split("\n")
        except TimeoutError:
            return {}
        return dict(line.split("=", 1) for line in lines)

    def told_until(self, name, seconds=5.0):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            words = self.told(end - time.monotonic())
            if name in words:
                return words
        self.fail(f"no {name} in {seconds} s: {self.log()}")

    def vouches(self, seconds):
        """How often it was said that the agent is well."""
        end, times = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            times += "WATCHDOG" in self.told(max(end - time.monotonic(), 0.001))
        return times

    def say_hello(self, path=None):
        peer = socket.socket(socket.AF_UNIX)
        self.addCleanup(peer.close)
        peer.settimeout(5)
        peer.connect(str(path or self.folder / "spoa.sock"))
        peer.sendall(hello())
        return peer

    def assert_refused(self, agent, words):
        self.assertEqual(agent.wait(5), 1)
        self.assertIn(words, self.log())
        self.assertEqual(self.told(0.01), {})

    # ---- notification

    def test_it_is_ready_when_it_listens_and_says_when_it_ends(self):
        agent = self.start()
        words = self.told()
        self.assertEqual(words["READY"], "1")
        self.assertIn(b"2.0", self.say_hello().recv(4096))
        self.assertEqual(get(STATUS, "/healthz")[0], 503)
        # Whichever is first: this word, or that there is no socket.
        self.assertRegex(words["STATUS"], "^backends: 1, servers: 0; HAProxy "
                         "(is not asked yet|gives no answer: .*admin.sock)")
        agent.send_signal(signal.SIGTERM)
        self.assertEqual(self.told()["STOPPING"], "1")
        self.assertEqual(agent.wait(5), 0)

    def test_a_reload_is_over_when_the_new_configuration_is_in_use(self):
        agent = self.start()
        self.told_until("READY")
        for policy in ("least_conn", "round_robin", "two_choices"):
            self.write_config(f"policy {policy};")
            before = time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6
            agent.send_signal(signal.SIGHUP)
            words = self.told()
            self.assertEqual(words["RELOADING"], "1")
            self.assertGreaterEqual(int(words["MONOTONIC_USEC"]), int(before))
            self.assertEqual(self.told()["READY"], "1")
            self.assertIn(f'"policy":"{policy}"', get(STATUS, "/status")[2])
        self.write_config("policy fastest;")
        agent.send_signal(signal.SIGHUP)
        self.assertEqual(self.told()["RELOADING"], "1")
        words = self.told()
        self.assertEqual(words["READY"], "1")
        self.assertRegex(words["STATUS"], r'conf:3: "fastest": expected .*the old configuration stays')

    def test_who_hangs_is_not_vouched_for(self):
        agent = self.start(WATCHDOG_USEC="1500000")
        self.told_until("READY")
        self.assertGreaterEqual(self.vouches(2.2), 3, "within the time that is granted, thrice")
        for thread in ("pick", "learn", "http"):
            with frozen(agent.pid, f"leastwise-{thread}"), self.subTest(thread=thread):
                until(lambda thread=thread: f"hanging: {thread}" in self.log())
                self.vouches(0.01)  # what was said before
                self.assertEqual(self.vouches(1.6), 0)
            self.told_until("WATCHDOG")
        self.assertNotIn("hanging: learn, pick", self.log())

    def test_a_flood_of_reloads_does_not_keep_the_watchdog_waiting(self):
        agent = self.start(WATCHDOG_USEC="1500000")
        self.told_until("READY")
        end, times = time.monotonic() + 1.5, 0
        while time.monotonic() < end:
            agent.send_signal(signal.SIGHUP)
            times += "WATCHDOG" in self.told(0.1)
        self.assertGreaterEqual(times, 1)

    def test_the_watchdog_of_another_process_is_not_ours(self):
        self.start(WATCHDOG_USEC="600000", WATCHDOG_PID="1")
        self.told_until("READY")
        self.assertLessEqual(self.vouches(1.2), 1, "every 5 s at most")

    def test_without_a_manager_it_runs_as_before(self):
        self.start(NOTIFY_SOCKET="")
        until((self.folder / "spoa.sock").exists)
        self.assertIn(b"2.0", self.say_hello().recv(4096))
        self.assertNotIn("NOTIFY_SOCKET", self.log())

    # ---- sockets

    def bound(self, kind, address, listens=True):
        s = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET, kind)
        self.addCleanup(s.close)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(address)
        if kind == socket.SOCK_STREAM and listens:
            s.listen(64)
        return s

    def spoa_socket(self):
        return self.bound(socket.SOCK_STREAM, str(self.folder / "spoa.sock"))

    def test_sockets_that_are_passed_are_served_by_name_or_address(self):
        spoa = self.spoa_socket()
        web = self.bound(socket.SOCK_STREAM, ("127.0.0.1", STATUS))
        lines = self.bound(socket.SOCK_DGRAM, ("127.0.0.1", FEEDBACK))
        for names in (("listen", "status", "feedback"), ("a.socket", "b.socket", "")):
            lines.sendto(b"sent before it was there", lines.getsockname())
            agent = self.start(list(zip(names, (spoa, web, lines))))
            self.told_until("READY")
            self.assertIn(b"2.0", self.say_hello().recv(4096))
            until(lambda: '"foreign":1' in get(STATUS, "/status")[2])
            agent.terminate()
            self.assertEqual(agent.wait(5), 0)
            self.assertTrue((self.folder / "spoa.sock").exists(), "it is not ours to remove")

    def test_who_comes_while_nobody_is_there_is_served_by_the_next(self):
        spoa = self.spoa_socket()
        first = self.start([("listen", spoa)])
        self.told_until("READY")
        first.kill()
        first.wait()
        waits = self.say_hello()
        self.start([("listen", spoa)])
        self.assertIn(b"2.0", waits.recv(4096))

    def test_a_link_to_the_socket_is_the_same_address(self):
        real = self.bound(socket.SOCK_STREAM, str(self.folder / "real.sock"))
        (self.folder / "spoa.sock").symlink_to(self.folder / "real.sock")
        self.start([("listen", real)])
        self.told_until("READY")
        self.assertIn(b"2.0", self.say_hello().recv(4096))

    def test_what_does_not_agree_is_refused(self):
        other = self.bound(socket.SOCK_STREAM, str(self.folder / "other.sock"))
        self.assert_refused(self.start([("listen", other)]),
                            f"is unix:{self.folder}/other.sock; both have to say the same")
        self.assert_refused(self.start([("x", other)]),
                            f'{self.folder}/other.sock (name "x") is passed, but no directive has')
        deaf = self.bound(socket.SOCK_STREAM, ("127.0.0.1", STATUS), listens=False)
        self.assert_refused(self.start([("status", deaf)]), "is no listening stream")
        stream = self.bound(socket.SOCK_STREAM, ("127.0.0.1", FEEDBACK))
        self.assert_refused(self.start([("feedback", stream)]), "is not for datagrams")

    # ---- units

    @unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze")
    def test_the_units_are_valid_and_shut_in(self):
        units = []
        for unit in UNITS:
            text = unit.read_text().replace("/usr/bin/leastwise-spoa", stack.AGENT)
            units.append(self.folder / unit.name)
            units[-1].write_text(text)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], text=True,
                              capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        done = subprocess.run(["systemd-analyze", "security", "--no-pager", "--offline=yes",
                               "--threshold=20", units[0]], text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
