"""What speaks other protocols than HTTP/1.1 to a server, or to a client, is balanced alike."""

import contextlib
import json
import shutil
import socketserver
import struct
import subprocess
import tempfile
import threading
import unittest

import backend
import harness

PORT, DEAD, SERVER = 20140, 20142, 20143
CGI = b"Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nhello"


def output_of(*command):
    return subprocess.run(command, timeout=30, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True).stdout


def fastcgi(_request):
    def record(kind, content):
        return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content
    return record(6, CGI) + record(6, b"") + record(3, bytes(8))


ANSWERS = {
    "fastcgi": fastcgi,
    "scgi": lambda _request: CGI,
    "uwsgi": lambda _request: b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello",
    "memcached": lambda request: b"VALUE " + request.split()[1] + b" 0 5\r\nhello\r\nEND\r\n",
}


@contextlib.contextmanager
def server(answer):
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(answer(self.request.recv(65536)))

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", SERVER), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield
        finally:
            running.shutdown()
            thread.join()


def config(location, listen="", servers=(DEAD, SERVER), host="127.0.0.1", extra=""):
    lines = "".join(f"server {host}:{p}; " for p in servers)
    return (f"upstream app {{ leastwise; {lines} {extra} }} server {{ listen 127.0.0.1:{PORT} {listen};"
            f" location / {{ {location} }} location = /leastwise {{ leastwise_status; }} }}")


class Protocols(unittest.TestCase):
    def check(self, name, extra=""):
        """A server that is dead is passed over, one that answers is learned from."""
        with server(ANSWERS[name]), harness.Nginx(PORT, config(extra + f"{name}_pass app;")) as nginx:
            for _ in range(4):
                answer = nginx.get()
                self.assertEqual((answer.status, answer.body), (200, "hello"))
            self.assertEqual(nginx.peers()[DEAD]["fails"], 1)
            self.assertEqual(nginx.peers()[SERVER]["leastwise"]["results"]["ok"], 4)
            self.assertEqual(nginx.in_flight(), 0)

    def test_fastcgi_servers(self):
        self.check("fastcgi")

    def test_scgi_servers(self):
        self.check("scgi")

    def test_uwsgi_servers(self):
        self.check("uwsgi")

    def test_memcached_servers(self):
        self.check("memcached", "set $memcached_key some; ")

    @unittest.skipIf(harness.VERSION < (1, 29, 4), "nginx speaks HTTP/1 alone to servers before 1.29.4")
    def test_servers_that_speak_http2(self):
        proxy = "proxy_http_version 2; proxy_pass http://app;"
        server_2 = f" server {{ listen 127.0.0.1:{SERVER} http2; return 200 $server_protocol; }}"
        for location in (proxy, proxy + " proxy_buffering off;"):
            for kept in ("", "keepalive 0;"):
                text = config(location, extra=kept) + server_2
                with self.subTest(location=location, kept=kept), harness.Nginx(PORT, text) as nginx:
                    self.assertEqual([nginx.get().body for _ in range(4)], ["HTTP/2.0"] * 4)
                    self.assertEqual(nginx.peers()[DEAD]["fails"], 1)
                    results = nginx.peers()[SERVER]["leastwise"]["results"]
                    self.assertEqual(results["ok"], 4, results)
                    self.assertEqual(nginx.in_flight(), 0)

    def test_servers_with_ipv6_addresses(self):
        with (backend.Backends(SERVER, host="::1"),
              harness.Nginx(PORT, config("proxy_pass http://app;", host="[::1]")) as nginx):
            self.assertEqual([nginx.get().body for _ in range(3)], [str(SERVER)] * 3)
            self.assertEqual(nginx.peers()[SERVER]["name"], f"http/app/[::1]:{SERVER}")
            self.assertEqual(nginx.peers()[SERVER]["leastwise"]["results"]["ok"], 3)

    @unittest.skipUnless(shutil.which("curl"), "needs curl")
    def test_requests_by_http2(self):
        ports = (SERVER, SERVER + 1)
        text = config("proxy_pass http://app;", listen="http2", servers=ports)
        with backend.Backends(*ports), harness.Nginx(PORT, text):
            url = f"http://127.0.0.1:{PORT}"
            self.assertEqual([self.curl("-w", " by %{http_version}", url) for _ in range(4)],
                             [f"{ports[n % 2]} by 2" for n in range(4)])
            self.assertEqual(self.curl(url + "/leastwise").count('"active":0'), 2)

    @unittest.skipUnless(shutil.which("curl") and "HTTP3" in output_of("curl", "-V"),
                         "needs a curl that speaks HTTP/3")
    @unittest.skipUnless("http_v3" in output_of(harness.NGINX, "-V"), "needs an nginx with http_v3")
    def test_requests_by_http3(self):
        ports = (SERVER, SERVER + 1)
        with tempfile.TemporaryDirectory() as folder, backend.Backends(*ports):
            output_of("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=app",
                      "-keyout", folder + "/key", "-out", folder + "/cert")
            keys = f"ssl_certificate {folder}/cert; ssl_certificate_key {folder}/key;"
            text = config("proxy_pass http://app;", servers=ports,
                          listen=f"ssl; listen 127.0.0.1:{PORT} quic; {keys} http3 on")
            with harness.Nginx(PORT, text):
                url = f"https://127.0.0.1:{PORT}"
                self.assertEqual([self.curl3("-w", " by %{http_version}", url) for _ in range(4)],
                                 [f"{ports[n % 2]} by 3" for n in range(4)])
                page = json.loads(self.curl3(url + "/leastwise"))["upstreams"]["app"]["peers"]
                self.assertEqual([p["leastwise"]["results"]["ok"] for p in page], [2, 2])
                self.assertEqual([p["active"] for p in page], [0, 0])

    @staticmethod
    def curl(*arguments):
        return output_of("curl", "-sS", "--http2-prior-knowledge", *arguments)

    @staticmethod
    def curl3(*arguments):
        return output_of("curl", "-sSk", "--http3-only", *arguments)


if __name__ == "__main__":
    unittest.main()
