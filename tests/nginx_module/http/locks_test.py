"""A worker that dies while it holds nginx's locks on an upstream's servers hangs nobody: nothing
here waits for them where the list of servers can not change."""

import http.client
import http.server
import os
import ssl
import subprocess
import threading
import unittest

import backend
import harness

PORT = 20250
A, B, C = 20251, 20252, 20253
REQUESTS = 12


def config(method, scheme="http", extra=""):
    return (f"upstream app {{ zone app 64k; {method} server 127.0.0.1:{A};"
            f" server 127.0.0.1:{B}; server 127.0.0.1:{C} backup; }}"
            f" server {{ listen 127.0.0.1:{PORT};"
            f" location / {{ proxy_pass {scheme}://app; {extra} }}"
            " location = /die { die_holding_locks_of app; }"
            " location = /leastwise { leastwise_status; } }")


def main():
    return f"load_module {os.environ['LEASTWISE_DIE_MODULE']};"


class Locks(unittest.TestCase):
    def nginx(self, *arguments, **options):
        return self.enterContext(harness.Nginx(PORT, config(*arguments, **options), main(),
                                               workers=2))

    def die(self, nginx):
        before = set(nginx.children())
        with self.assertRaises((http.client.HTTPException, ConnectionError)):
            nginx.get("/die")
        harness.wait_for(lambda: len(nginx.children()) == 2 and set(nginx.children()) != before,
                         "a new worker")

    def test_nobody_hangs(self):
        self.enterContext(backend.Backends(A, B, C))
        nginx = self.nginx("leastwise;")
        self.assertEqual(nginx.get().status, 200)
        self.die(nginx)
        answers = []
        for path in ("/ok", f"/status/503/{A}", f"/reset/x/{A}"):
            for _ in range(REQUESTS):
                answers.append(nginx.get(path, timeout=3).status)
        self.assertEqual(answers.count(200) + answers.count(503), len(answers))
        self.assertEqual(answers[:REQUESTS], [200] * REQUESTS)
        self.assertEqual(nginx.in_flight(), 0)
        self.assertLess(set(nginx.peers()), {A, B, C, 0})
        print(f"{len(answers)} requests after a death with all locks, {len(answers)} answered")

    def test_tls_sessions_need_no_lock_and_are_used_again(self):
        nginx = self.nginx("leastwise;", "https", "proxy_ssl_session_reuse on;")
        reused = [serve_tls(self, port, nginx.folder) for port in (A, B, C)]
        self.assertEqual({nginx.get().status for _ in range(REQUESTS)}, {200})
        self.die(nginx)
        for _ in range(2 * REQUESTS):
            self.assertEqual(nginx.get(timeout=3).status, 200)
        print(f"TLS sessions used again: {[sum(r) for r in reused]} of {[len(r) for r in reused]}")
        for seen in reused[:2]:  # each of two workers has to learn a session of its own
            self.assertGreater(sum(seen), len(seen) - 6)


def serve_tls(test, port, folder):
    """A server of one request per connection; whether each used a session again."""
    key, cert = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    if not os.path.exists(cert):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                        "-out", cert, "-days", "2", "-subj", "/CN=app"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    reused = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            reused.append(self.connection.session_reused)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def stop():
        server.shutdown()
        thread.join()
        server.server_close()
    test.addCleanup(stop)
    return reused


if __name__ == "__main__":
    unittest.main()
