"""Two agents that tell each other what they have in flight by a real Redis that speaks TLS, and what they say of one
that is not the right one.

Usage: share_tls_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import redis_server
import redis_tls
import share_test
import stack
from redis_server import SLOW_PORT
from share_test import Pair
from stack import load, say, until


class Server(threading.Thread):
    """What stands for a Redis that `talks` wrongly, by one connection at a time."""

    def __init__(self, talk):
        super().__init__(daemon=True)
        self.talk, self.accepted = talk, 0
        self.listener = socket.create_server(("127.0.0.1", SLOW_PORT))
        self.start()

    def run(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.accepted += 1
            with connection:
                try:
                    self.talk(connection)
                except OSError:
                    pass


class Tls(share_test.Trouble):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="leastwise-tls-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.certificates = redis_tls.Certificates(self.folder)

    def pair(self, *options, **share):
        return Pair(self.certificates.share(**share), options or self.certificates.of_redis())

    def test_killed_and_back_with_certificates_of_another_ca(self):
        with self.pair() as s:
            def start_anew():
                self.certificates = redis_tls.Certificates(self.folder)
                s.start_redis()
            self.trouble(s, lambda: s.end("redis"), start_anew)
            self.assertIn("sharing by rediss://127.0.0.1:", s.log("agent"))

    def test_frozen_in_the_handshake(self):
        with self.pair() as s:
            self.trouble(s, lambda: s.send_signal("redis", signal.SIGSTOP),
                         lambda: s.send_signal("redis", signal.SIGCONT), 4)
            self.assertIn("no answer to a TLS handshake within 0.5 s", s.log("agent"))

    def test_by_its_name_and_with_a_certificate_of_ours(self):
        with self.pair(*self.certificates.of_redis(wants_ours=True), host="localhost", ours="client") as s:
            until(s.is_heard, 5)
            self.assertEqual(load("--connections", 8, "--seconds", 1)["all"]["failed"], 0)

    def test_what_64_servers_take_of_the_network(self):
        with Pair(self.certificates.share(), self.certificates.of_redis(), servers=64) as s:
            self.check_what_64_servers_take(s)

    def refused(self, why, *options, **share):
        """Balancing goes on, and the log says why nothing is shared."""
        with self.pair(*options, **share) as s:
            until(lambda: why in s.log("agent"), 5)
            result = load("--connections", 8, "--seconds", 1)["all"]
            say(self, log=next(line for line in s.log("agent").splitlines() if "sharing:" in line),
                requests=result["requests"], failed=result["failed"])
            self.assertEqual(result["failed"], 0)
            until(lambda: s.share()["errors"] >= 8, 10)
            told = [line for line in s.log("agent").splitlines() if "balancing goes on without" in line]
            self.assertLessEqual(len(told), 3, "each cause once")
            self.assertFalse(s.share()["connected"])
            self.assertEqual(s.share()["told"], 0)

    def test_a_ca_that_is_not_trusted(self):
        self.refused("its certificate is refused: self-signed certificate in certificate chain; share_tls_ca_cert_file",
                     ca="other_ca.crt")

    def test_the_cas_of_the_system_do_not_know_it(self):
        self.refused("its certificate is refused: ", ca=None)

    def test_another_name(self):
        self.refused("its certificate is refused: IP address mismatch; the host of share has to be",
                     *self.certificates.of_redis("elsewhere"))
        self.refused("its certificate is refused: hostname mismatch; the host of share has to be",
                     *self.certificates.of_redis("elsewhere"), host="localhost")

    def test_expired(self):
        self.refused("its certificate is refused: certificate has expired", *self.certificates.of_redis("expired"))

    def test_it_wants_a_certificate(self):
        self.refused("does it want a certificate? share_tls_cert_file is one",
                     *self.certificates.of_redis(wants_ours=True))

    def test_no_tls_at_that_port(self):
        self.refused("TLS at this port", port=redis_server.PORT)

    def test_tls_at_that_port(self):
        with Pair(f"redis://127.0.0.1:{redis_tls.PORT}/test", self.certificates.of_redis()) as s:
            until(lambda: "has it TLS at this port? rediss:// does" in s.log("agent"), 5)
            say(self, log=next(line for line in s.log("agent").splitlines() if "sharing:" in line))
            self.assertEqual(load("--connections", 8, "--seconds", 1)["all"]["failed"], 0)

    def test_it_answers_a_byte_at_a_time(self):
        """Each byte comes in time, and the whole never does."""
        def talk(connection, begin):
            connection.sendall(begin)
            while True:
                time.sleep(0.1)
                connection.sendall(b"\1")
        for begin, share in ((b"\x16\x03\x03\x40\x00", self.certificates.share(port=SLOW_PORT)),
                             (b"$100000\r\n", f"redis://127.0.0.1:{SLOW_PORT}/test")):
            server = Server(lambda connection, b=begin: talk(connection, b))
            self.addCleanup(server.listener.close)
            with Pair(share) as s:
                until(lambda: "within 0.5 s" in s.log("agent"), 5)
                accepted = server.accepted
                time.sleep(3)
                say(self, tried_in_3_s=server.accepted - accepted)
                self.assertGreaterEqual(server.accepted - accepted, 4)  # of two agents, 0.5 s each and 0.5 s between
                started = time.monotonic()
                self.assertEqual(s.end("agent", signal.SIGTERM), 0)
                self.assertLess(time.monotonic() - started, 2)
            server.listener.shutdown(socket.SHUT_RDWR)
            server.join()

    def test_it_is_asked_for_by_its_name(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates.file("server.crt"), self.certificates.file("server.key"))
        names, versions = set(), set()
        context.sni_callback = lambda _, name, __: names.add(name)

        def talk(connection):
            with context.wrap_socket(connection, server_side=True) as c:
                versions.add(c.version())
        server = Server(talk)
        self.addCleanup(server.listener.close)
        for host, name in (("localhost", "localhost"), ("127.0.0.1", None)):
            names.clear()
            with Pair(self.certificates.share(host=host, port=SLOW_PORT)):
                until(lambda n=name: n in names, 5)
            self.assertEqual(names, {name})
        self.assertEqual(versions, {"TLSv1.3"})

    def test_files_that_can_not_be_used_are_refused_at_the_start(self):
        config = self.folder / "leastwise.conf"
        (self.folder / "garbage").write_text("no PEM\n", encoding="ascii")
        start = "listen 127.0.0.1:1;\nbackend app {}\nshare rediss://127.0.0.1;\n"
        for more, why in ((f"share_tls_ca_cert_file {self.folder}/none;", f"share_tls_ca_cert_file: {self.folder}/none: No such file"),
                          (f"share_tls_ca_cert_file {self.folder}/garbage;", f"share_tls_ca_cert_file: {self.folder}/garbage: "),
                          (self.certificates.share(ours="client").split(";\n", 1)[1].replace("client.key", "server.key") + ";",
                           f"share_tls_key_file: {self.folder}/server.key: key values mismatch")):
            config.write_text(start + more, encoding="ascii")
            done = subprocess.run([stack.AGENT, "--check-config", "-c", str(config)], capture_output=True, text=True, check=False)
            say(self, said=done.stderr.strip())
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(why, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
