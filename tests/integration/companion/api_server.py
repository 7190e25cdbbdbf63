"""The EndpointSlices of an API server of Kubernetes, over TLS: LIST and WATCH with bookmarks, 410, tokens.

What it answers has the form of what a real kube-apiserver was recorded to answer (recorded/); a test may also have
those recordings answered as they are.
"""

import collections
import contextlib
import http.server
import json
import pathlib
import ssl
import subprocess
import threading
import time
import urllib.parse

TOKEN = "token-of-the-test"
Asked = collections.namedtuple("Asked", "at kind path query status")


def make_certificates(folder):
    """A CA, and a certificate of it for 127.0.0.1."""
    folder = pathlib.Path(folder)

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, stderr=subprocess.DEVNULL, timeout=60)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj")
    openssl("req", "-x509", *key, "/CN=test CA", "-keyout", "ca.key", "-out", "ca.crt", "-days", "2")
    openssl("req", *key, "/CN=api", "-keyout", "api.key", "-out", "api.csr")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n", encoding="ascii")
    openssl("x509", "-req", "-in", "api.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "names", "-out", "api.crt")


def endpoint(ip, ready=True, serving=None, terminating=False, zone="zone-a"):
    return {"addresses": [ip], "zone": zone,
            "conditions": {"ready": ready, "serving": ready if serving is None else serving, "terminating": terminating}}


class ApiServer:
    """Use as a context manager; stop() and start() keep what it knows."""

    def __init__(self, folder, port):
        self.folder, self.port = pathlib.Path(folder), port
        self.token = TOKEN
        self.version = 100
        self.slices = {}
        self.oldest = 0         # a watch from before is told 410
        self.fault = None       # kind -> (status, headers, text) or None
        self.recorded = None    # (text of the list, lines of the watch)
        self.bookmark_every = 0.2
        self.asked = []
        self._events = []       # (version, line)
        self._changed = threading.Condition()
        self._server = None
        self._connections = set()
        self.watches = set()
        self._thread = None
        make_certificates(folder)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "api.crt", self.folder / "api.key")
        owner = self

        class Server(http.server.ThreadingHTTPServer):
            # stop() waits for them: Python may crash when it ends with one of them in OpenSSL.
            daemon_threads = False
            allow_reuse_address = True

            def get_request(self):
                connection, address = super().get_request()
                connection.settimeout(30)
                connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                owner._connections.add(connection)
                return connection, address

            def handle_error(self, *_):
                pass

        class Handler(_Handler):
            api = owner
        self._server = Server(("127.0.0.1", self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self):
        """As kill -9: the port refuses, connections are cut."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.socket.close()
        self._thread.join()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(2)
        self._connections.clear()
        self._server.server_close()
        self._server = None

    # ---- what it knows

    def set(self, name, endpoints, ports=(("http", 8080),), address_type="IPv4", service="web"):
        kind = "MODIFIED" if name in self.slices else "ADDED"
        with self._changed:
            self.version += 1
            self.slices[name] = {
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": address_type,
                "metadata": {"name": name, "namespace": "default", "resourceVersion": str(self.version),
                             "labels": {"kubernetes.io/service-name": service}},
                "endpoints": endpoints or None,
                "ports": [{"name": n, "port": p, "protocol": "TCP"} for n, p in ports] or None}
            self._note(kind, self.slices[name])

    def delete(self, name):
        with self._changed:
            self.version += 1
            gone = self.slices.pop(name)
            gone["metadata"]["resourceVersion"] = str(self.version)
            self._note("DELETED", gone)

    def _note(self, kind, item):
        self._events.append((self.version, json.dumps({"type": kind, "object": item})))
        self._changed.notify_all()

    def forget_history(self):
        """etcd was compacted: who has not seen the present has to list anew."""
        with self._changed:
            self.oldest = self.version

    def cut_watches(self):
        """No others: who is being asked something else on one would ask it once more."""
        for connection in list(self.watches):
            with contextlib.suppress(OSError):
                connection.shutdown(2)

    def count(self, kind, status=200):
        return sum(1 for a in list(self.asked) if a.kind == kind and a.status == status)

    # ---- what it answers

    def list(self):
        if self.recorded:
            return self.recorded[0]
        with self._changed:
            return json.dumps({"kind": "EndpointSliceList", "apiVersion": "discovery.k8s.io/v1",
                               "metadata": {"resourceVersion": str(self.version), "continue": ""},
                               "items": list(self.slices.values())})

    def watch(self, since, seconds, bookmarks):
        """Yields lines."""
        if self.recorded:
            yield from self.recorded[1]
            time.sleep(0.3)
            return
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self._changed:
                if since < self.oldest:
                    yield json.dumps({"type": "ERROR", "object": {
                        "kind": "Status", "status": "Failure", "reason": "Expired", "code": 410,
                        "message": f"too old resource version: {since} ({self.version})"}})
                    return
                if not any(v > since for v, _ in self._events):
                    self._changed.wait(min(self.bookmark_every, max(0.0, end - time.monotonic())))
                lines = [line for v, line in self._events if v > since]
                quiet = not lines
                since = max(since, self.version)
            yield from lines
            if quiet and bookmarks:
                yield json.dumps({"type": "BOOKMARK", "object": {
                    "kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1",
                    "metadata": {"resourceVersion": str(since)}}})


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        kind = "watch" if query.get("watch") else "list"
        fault = self.api.fault and self.api.fault(kind)
        if self.headers.get("Authorization") != "Bearer " + self.api.token:
            fault = (401, {}, '{"kind":"Status","message":"Unauthorized","code":401}')
        self.api.asked.append(Asked(time.monotonic(), kind, url.path, query, fault[0] if fault else 200))
        if fault:
            status, headers, text = fault
            self._answer(status, text, headers)
        elif kind == "list":
            self._answer(200, self.api.list())
        else:
            self._stream(self.api.watch(int(query["resourceVersion"]), float(query["timeoutSeconds"]),
                                        "allowWatchBookmarks" in query))

    def _answer(self, status, text, headers=()):
        body = text.encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, lines):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.api.watches.add(self.connection)
        try:
            for line in lines:
                chunk = line.encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.write(b"0\r\n\r\n")
        finally:
            self.api.watches.discard(self.connection)
