"""What is compared: each picks by pick(), hears what became of it by done(), and learns by tick()."""
import base64
import mmap
import pathlib
import select
import socket
import subprocess
import tempfile

import harness
import traces

PLAYER = CLOCK = None  # set by the test's command line
PORT = 22500
ROOT = pathlib.Path(__file__).resolve().parents[2]


class Player:
    """The agent or the simulator: differential-player."""

    def __init__(self, kind, setting, servers):
        words = [f"{s.address}={s.weight}" + ("=remote" if s.remote else "") for s in servers]
        self.process = subprocess.Popen([PLAYER, kind, setting, *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()
        assert self.process.returncode == 0

    def pick(self, now, r):
        headers = ",".join(f"{n.lower()}={v}" for n, v in r.headers.items()) or "-"
        self.process.stdin.write(f"pick {now} {r.id} {r.path} {r.client} {headers}\n")
        return int(self.process.stdout.readline())

    def done(self, now, r, took, ending, report):
        report = base64.b64encode(report.encode()).decode() or "-"
        self.process.stdin.write(f"done {now} {r.id} {took} {ending} {report}\n")

    def tick(self, now):
        self.process.stdin.write(f"tick {now}\n")


def simulator(policy, script, servers):
    return Player("simulator", f"lua:{script}" if script else policy, servers)


class Agent(Player):
    def __init__(self, policy, script, servers):
        self.folder = tempfile.TemporaryDirectory()
        config = pathlib.Path(self.folder.name) / "leastwise.conf"
        near = near_of(servers)
        config.write_text("listen unix:/run/none.sock; backend app { " +
                          (f"lua {script};" if script else f"policy {policy};") +
                          (f" locality {near};" if any(s.remote for s in servers) else "") +
                          (" report on;" if any(s.report for s in servers) else "") + " }")
        super().__init__("agent", str(config), servers)

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        self.folder.cleanup()


ANSWERS = {name: f"HTTP/1.1 {head}\r\n\r\n{body}" for name, head, body in (
    ("ok", "200 OK\r\nContent-Length: 2", "ok"), ("error", "500 Failed\r\nContent-Length: 2", "no"),
    ("missing", "404 Not Found\r\nContent-Length: 2", "no"), ("moved", "302 Found\r\nLocation: /\r\nContent-Length: 2", "no"),
    ("empty", "200 OK\r\nContent-Length: 0", ""), ("nothing", "204 No Content", ""),
    ("cut", "200 OK\r\nContent-Length: 9", "begin"))}
ANSWERS["reset"] = "HTTP/1.1 2"  # some of it: a kept connection that ends without a byte was closed in between


class ClockedNginx(harness.Nginx):
    """One whose clock is ours, its event loop's as well: timers run when we say so."""

    def set_time(self, ms):
        self.clock[:8] = (ms * 1000).to_bytes(8, "little")

    def __enter__(self):
        with open(self.path("clock"), "w+b") as file:
            file.write(bytes(8))
            file.flush()
            self.clock = mmap.mmap(file.fileno(), 8)
        self.set_time(traces.START_MS)
        return super().__enter__()

    def environment(self):
        env = super().environment()
        env["LD_PRELOAD"] = " ".join(filter(None, (env.get("LD_PRELOAD"), CLOCK)))
        env["LEASTWISE_CLOCK"] = self.path("clock")
        return env


class Nginx:
    """A real one, with real connections to it and to servers that answer when we say so."""

    def __init__(self, policy, script, servers):
        near = near_of(servers)
        self.servers = servers
        self.nginx = ClockedNginx(PORT, "\n".join((
            f"upstream app {{ leastwise {'' if script else policy};", f"leastwise_lua {script};" if script else "",
            "leastwise_route $uri;", f"leastwise_locality {near};" if any(s.remote for s in servers) else "",
            "leastwise_report on;" if any(s.report for s in servers) else "",
            *(f"server {s.address} weight={s.weight} max_fails=0;" for s in servers),
            "keepalive 256; keepalive_requests 1000000; }",
            f"server {{ listen 127.0.0.1:{PORT}; keepalive_requests 1000000; keepalive_timeout 1h;",
            "set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP;",
            "location = /turn { return 204; } location = /leastwise { leastwise_status; }",
            'location / { proxy_pass http://app; proxy_next_upstream off; proxy_http_version 1.1; proxy_set_header Connection ""; } }')))
        self.poller = select.epoll()
        self.known = {}    # by descriptor: socket and server, None where it listens
        self.waiting = {}  # by request: the client's socket and the server's
        self.idle = []     # clients' sockets

    def __enter__(self):
        for number, server in enumerate(self.servers):
            host, port = server.address.split(":")
            self.watch(socket.create_server((host, int(port)), backlog=512), number, True)
        self.nginx.__enter__()
        self.control = self.connect()
        self.turn()
        return self

    def __exit__(self, *arguments):
        self.control.close()
        for client in self.idle:
            client.close()
        for s, *_ in self.known.values():
            s.close()
        self.poller.close()
        self.nginx.__exit__(*arguments)

    def watch(self, s, server, listens):
        self.known[s.fileno()] = (s, server, listens)
        self.poller.register(s.fileno(), select.EPOLLIN)

    @staticmethod
    def connect():
        s = socket.create_connection(("127.0.0.1", PORT), timeout=20)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def turn(self):
        """nginx's event loop is done with all that came before."""
        self.control.sendall(b"GET /turn HTTP/1.1\r\nHost: a\r\n\r\n")
        receive(self.control, b"\r\n\r\n")

    def tick(self, now):
        self.nginx.set_time(now)
        self.turn()  # timers run after what came
        self.turn()

    def pick(self, now, r):
        self.nginx.set_time(now)
        client = self.idle.pop() if self.idle else self.connect()
        headers = {"Host": "a", "X-Real-IP": r.client, "X-Id": str(r.id), **r.headers}
        client.sendall((f"GET {r.path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) +
                        "\r\n").encode())
        upstream, server = self.next_request()
        self.waiting[r.id] = (client, upstream)
        return server

    def next_request(self):
        while True:
            ready = self.poller.poll(20)
            assert ready, self.nginx.log()
            for number, _ in ready:
                s, server, listens = self.known[number]
                if listens:
                    connection = s.accept()[0]
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.watch(connection, server, False)
                else:
                    receive(s, b"\r\n\r\n")
                    return s, server

    def done(self, now, r, took, ending, report):
        del took  # the clock tells
        self.nginx.set_time(now)
        client, upstream = self.waiting.pop(r.id)
        if ending == "left":
            client.close()
            self.turn()  # before its server is gone, too
        else:
            report = f"endpoint-load-metrics: {report}\r\n" if report else ""
            upstream.sendall(ANSWERS[ending].replace("\r\n", "\r\n" + report, 1).encode())
        if ending in ("left", "cut", "reset"):
            self.forget(upstream)
        if ending == "cut":
            read_to_end(client)
            client.close()
        elif ending != "left":
            body = "</html>\r\n" if ending == "reset" else ANSWERS[ending].partition("\r\n\r\n")[2]
            receive(client, body.encode() or b"\r\n\r\n")
            self.idle.append(client)
        self.turn()

    def forget(self, upstream):
        self.poller.unregister(upstream.fileno())
        del self.known[upstream.fileno()]
        upstream.close()


def read_to_end(s):
    data = b""
    while part := s.recv(65536):
        data += part
    return data


def near_of(servers):
    return ",".join(s.address.split(":")[0] for s in servers if not s.remote)


def receive(s, end):
    data = b""
    while not data.endswith(end):
        part = s.recv(65536)
        assert part, "closed"
        data += part
    return data
