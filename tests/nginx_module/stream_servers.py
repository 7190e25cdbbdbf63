"""TCP and UDP servers that misbehave, and an nginx that balances them in `stream`.

    echo      sends its port for whatever it gets
    slow      the same, `delay` seconds later
    greet     TCP: sends its port at once, without being asked
    silent    takes all and says nothing
    reset     TCP: resets the connection when something comes
    close     TCP: closes it when something comes, without a word
"""

import asyncio
import collections
import contextlib
import os
import socket
import ssl
import struct
import threading

import harness

STREAM_MODULE = os.environ["LEASTWISE_NGINX_STREAM_MODULE"]
NGINX_STREAM = os.environ.get("LEASTWISE_NGINX_STREAM", "/usr/lib/nginx/modules/ngx_stream_module.so")
LOG = ("log_format own '$leastwise_endpoint|$leastwise_reason|$leastwise_first_byte_time"
       "|$leastwise_predicted_time|$leastwise_inflight|$status|$upstream_addr';")


def nginx(port, stream, location="", **options):
    """An nginx whose page /leastwise, on `port`, shows what `stream` does."""
    main = (f"load_module {NGINX_STREAM}; load_module {STREAM_MODULE}; stream {{ {LOG} {stream} }}"
            + options.pop("main", ""))
    http = (f"server {{ listen 127.0.0.1:{port}; location = /leastwise {{ leastwise_status; }}"
            f" location = /metrics {{ leastwise_status prometheus; }} {location} }}"
            + options.pop("http", ""))
    return harness.Nginx(port, http, main=main, **options)


def upstream(*servers, name="game", extra=""):
    text = "".join(s if isinstance(s, str) else f"server 127.0.0.1:{s}; " for s in servers)
    return f"upstream {name} {{ leastwise; {extra} {text} }} "


def listen(port, extra="", udp=False, to="game"):
    return (f"server {{ listen 127.0.0.1:{port}{' udp' if udp else ''};"
            f" proxy_pass {to}; {extra} }} ")


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, servers, port):
        self.servers, self.port = servers, port

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.servers.got.append((self.port, data))
        mode = self.servers.mode[self.port]
        if mode in ("echo", "slow"):
            delay = self.servers.delay if mode == "slow" else 0
            self.servers.later(delay, self.transport.sendto, b"%d" % self.port, address)


class Servers:
    """One server per port, in a thread; use as a context manager."""

    def __init__(self, *ports, udp=False, tls=None, delay=0.05):
        self.ports, self.udp, self.tls, self.delay = ports, udp, tls, delay
        self.mode = {port: "echo" for port in ports}
        self.got = []  # (port, data), in order of arrival
        self.sessions = collections.Counter()  # TCP connections, by port
        self._loop = asyncio.new_event_loop()
        self._servers = {}
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self):
        self._thread.start()
        for port in self.ports:
            self.start(port)
        return self

    def __exit__(self, *_):
        for port in list(self._servers):
            self.stop(port)
        self._call(self._cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    async def _cancel_all(self):
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for t in tasks:
            t.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def start(self, port):
        async def open_it():
            if self.udp:
                transport, _ = await self._loop.create_datagram_endpoint(
                    lambda: _Datagrams(self, port), ("127.0.0.1", port))
                return transport
            return await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=1024,
                                              ssl=self.tls)
        self._servers[port] = self._call(open_it())

    def stop(self, port):
        """The port refuses from now on; TCP sessions go on."""
        async def close(server):
            server.close()
        self._call(close(self._servers.pop(port)))

    def later(self, delay, *call):
        if delay:
            self._loop.call_later(delay, *call)
        else:
            call[0](*call[1:])

    async def _serve(self, reader, writer):
        port = writer.get_extra_info("sockname")[1]
        self.sessions[port] += 1
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await self._talk(port, reader, writer)
        writer.close()

    async def _talk(self, port, reader, writer):
        if self.mode[port] == "greet":
            writer.write(b"%d" % port)
        while data := await reader.read(65536):
            self.got.append((port, data))
            mode = self.mode[port]
            if mode == "close":
                return None
            if mode == "reset":
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return writer.transport.abort()
            if mode == "slow":
                await asyncio.sleep(self.delay)
            if mode in ("echo", "slow", "greet"):
                writer.write(b"%d" % port)


def tls_context(folder):
    """A server's context with a certificate made for the occasion."""
    import subprocess
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=game.test", "-addext", "subjectAltName=DNS:game.test",
                    "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def tcp(port, timeout=10):
    client = socket.create_connection(("127.0.0.1", port), timeout)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def udp(timeout=2):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(timeout)
    return client


def ask(port, data=b"hello"):
    """One TCP session of one exchange: the port of who answered, None if nobody did."""
    with contextlib.closing(tcp(port)) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(data)
            answer = client.recv(100)
            return int(answer) if answer else None
    return None


def ask_udp(port, data=b"hello", client=None, timeout=2):
    """One exchange of datagrams: the port of who answered, None if nobody did."""
    own = client or udp(timeout)
    try:
        own.sendto(data, ("127.0.0.1", port))
        return int(own.recv(100) or 0) or None
    except (TimeoutError, ConnectionError):
        return None
    finally:
        if client is None:
            own.close()


def results(nginx_, name="stream/game"):
    """How sessions ended, by port of the server; only what was."""
    return {port: {k: n for k, n in peer["leastwise"]["results"].items() if n}
            for port, peer in nginx_.peers(name).items()}
