"""nginx, servers at 127.0.1.x, and the companion that tells it of them; what stands for an API server."""

import collections
import contextlib
import http.client
import json
import pathlib
import socket
import tempfile
import unittest

import api_server
import backend
import companion
import harness

PORT, API, SERVERS = 21500, 21501, 21502

NGINX = """
    log_format own '$msec $upstream_addr $status';
    upstream app {{
        leastwise {policy};
        leastwise_slots {slots};
        server 127.0.0.1:9 down;
        keepalive 16;
    }}
    server {{
        listen 127.0.0.1:{port};
        access_log {folder}/access.log own;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location / {{ proxy_pass http://app; }}
        location = /leastwise {{ leastwise_status; access_log off; }}
    }}
    server {{
        listen unix:{folder}/control.sock;
        access_log off;
        location / {{ leastwise_control; }}
    }}
"""


def ip(n):
    return f"127.0.1.{n}"


def up(*numbers):
    return [api_server.endpoint(ip(n)) for n in numbers]


def going(*numbers):
    return [api_server.endpoint(ip(n), ready=False, serving=True, terminating=True) for n in numbers]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self._path)


class NginxStack(unittest.TestCase):
    """A fresh companion for each test; nginx and the servers are there for all."""
    SLOTS = 210
    POLICY = "round_robin"
    POOL = "discover kubernetes web:http;"
    SETTINGS = ""

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.start_servers()
        cls.nginx = harness.Nginx(PORT, workers=2)
        cls.nginx.configure(NGINX.format(slots=cls.SLOTS, policy=cls.POLICY, port=PORT, folder=cls.nginx.folder))
        cls.stack.enter_context(cls.nginx)

    @classmethod
    def start_servers(cls):
        cls.stack.enter_context(backend.Backends(SERVERS, host="0.0.0.0"))

    def new_companion(self, port, token):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="leastwise_companion_"))
        self.companion = companion.Companion(self.folder, f"""
            nginx_socket {self.nginx.path('control.sock')};
            kubeconfig {self.folder}/kubeconfig;
            log_level debug;
            {self.SETTINGS}
            upstream app {{ {self.POOL} }}
        """)
        self.companion.write_kubeconfig(port, token)

    def tearDown(self):
        for server in self.servers():
            if server["leastwise"]["added"]:
                self.control("DELETE", f"/{server['id']}")

    def control(self, method, path="", body=None):
        with contextlib.closing(UnixConnection(self.nginx.path("control.sock"))) as connection:
            connection.request(method, "/9/http/upstreams/app/servers" + path,
                               body=json.dumps(body) if body is not None else None)
            answer = connection.getresponse()
            return json.loads(answer.read())

    def servers(self):
        return self.control("GET")

    def added(self):
        """The last number of each address -> whether it drains."""
        return {int(s["server"].split(":")[0].rsplit(".", 1)[1]): s["drain"] for s in self.servers()
                if s["leastwise"]["added"]}

    def expect(self, *ups, drains=(), seconds=5.0):
        wanted = {n: False for n in ups} | {n: True for n in drains}
        try:
            harness.wait_for(lambda: self.added() == wanted, f"the servers {wanted}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; there are {self.added()}\n{self.companion.log()}") from None

    def picks(self):
        """Per server the times of its requests, from the log."""
        times = collections.defaultdict(list)
        for line in pathlib.Path(self.nginx.path("access.log")).read_text(encoding="ascii").splitlines():
            at, address, _ = line.split(" ", 2)
            if address == "app":  # nobody could be asked
                continue
            times[int(address.split(":")[0].rsplit(".", 1)[1])].append(float(at))
        return times

    def answers(self, n=20):
        return [self.nginx.get("/ok").status for _ in range(n)]


class Stack(NginxStack):
    """With what stands for an API server."""

    def setUp(self):
        self.new_companion(API, api_server.TOKEN)
        self.api = self.enterContext(api_server.ApiServer(self.folder, API))

    def slice(self, name, endpoints, ports=(("http", SERVERS),), **more):
        self.api.set(name, endpoints, ports, **more)
