"""Game servers that answer at the ticks of a clock, and players, over TCP and UDP."""

import asyncio
import contextlib
import os
import pathlib
import random
import threading
import time

import harness
import stream_servers

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples/nginx"


class Example(harness.Nginx):
    """nginx with one of the examples, on other ports and with servers of this machine."""

    def __init__(self, name, port, status, servers, change=lambda text: text):
        self.name, self.ports, self.servers, self.change = name, (port, status), servers, change
        super().__init__(status, workers=2)

    def configure(self, http, main=""):
        text = self.change((EXAMPLES / self.name).read_text(encoding="utf-8"))
        for i, port in enumerate(self.servers, 1):
            text = text.replace(f"10.0.0.{i}:7000", f"127.0.0.1:{port}")
        for old, new in {
                "modules/ngx_stream_module.so": stream_servers.NGINX_STREAM,
                "modules/ngx_stream_leastwise_module.so": stream_servers.STREAM_MODULE,
                "/var/log/nginx": self.folder,
                "listen 7000": f"listen 127.0.0.1:{self.ports[0]}",
                "127.0.0.1:9145": f"127.0.0.1:{self.ports[1]}",
                "worker_processes auto": f"worker_processes {self.workers}"}.items():
            assert old in text or old == "/var/log/nginx", (self.name, old)
            text = text.replace(old, new)
        with open(self.path("nginx.conf"), "w", encoding="utf-8") as f:
            user = "user root; " if os.getuid() == 0 else ""
            f.write(f"{user}daemon off; pid {self.folder}/nginx.pid;"
                    f" error_log {self.folder}/error.log error;\n{text}")


def with_least_conn(text):
    """The same without Leastwise."""
    lines = [line for line in text.splitlines() if "log_format" not in line
             and not line.lstrip().startswith(("leastwise_affinity", "leastwise_key", "leastwise_decay"))]
    text = "\n".join(lines)
    start, end = text.find("'expected="), text.find("access_log")
    if start >= 0:
        text = text[:text.find("                      'expected=")] + text[end:]
        text = "\n".join(line for line in text.splitlines() if "access_log" not in line)
    return text.replace("leastwise;", "least_conn;", 1)


class Ticking:
    """Servers whose answers wait for the next tick; use as a context manager."""

    def __init__(self, ticks, udp=False):
        self.ticks, self.udp = ticks, udp  # seconds, by port
        self.answered = dict.fromkeys(ticks, 0)
        self._loop = asyncio.new_event_loop()
        self._open = {}
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self):
        self._thread.start()
        for port in self.ticks:
            self._open[port] = asyncio.run_coroutine_threadsafe(
                self._start(port), self._loop).result(10)
        return self

    def __exit__(self, *_):
        for port in list(self._open):
            self.stop(port)
        # What closes does so in a later turn of the loop.
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.1), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def stop(self, port):
        server = self._open.pop(port)
        self._loop.call_soon_threadsafe(server.close)

    def at_tick(self, port, send, *arguments):
        self.answered[port] += 1
        tick = self.ticks[port]
        self._loop.call_later(tick - time.monotonic() % tick if tick else 0,
                              lambda: port in self._open and send(*arguments))

    async def _start(self, port):
        if self.udp:
            class Protocol(asyncio.DatagramProtocol):
                def connection_made(me, transport):  # noqa: N805
                    me.transport = transport

                def datagram_received(me, data, address):  # noqa: N805
                    self.at_tick(port, me.transport.sendto, b"%d" % port, address)
            return (await self._loop.create_datagram_endpoint(
                Protocol, ("127.0.0.1", port)))[0]

        class Session(asyncio.Protocol):
            def connection_made(me, transport):  # noqa: N805
                me.transport = transport

            def data_received(me, data):  # noqa: N805
                self.at_tick(port, me.transport.write, b"%d" % port)
        return await self._loop.create_server(Session, "127.0.0.1", port, backlog=1024)


async def _play(port, stay, pause, joins, moves, served):
    start = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.closing(writer):
        waits, asked = joins, start
        while time.monotonic() < start + stay:
            writer.write(b"move")
            server = int(await asyncio.wait_for(reader.read(64), 10))
            waits.append(time.monotonic() - asked)
            if waits is joins:
                served.append(server)
            waits = moves
            await asyncio.sleep(pause)
            asked = time.monotonic()


async def play_tcp(port, players, seconds, stay, pause):
    """Players who join at random times; (waits for the first answer, for others, servers)."""
    rng, joins, moves, served = random.Random(1), [], [], []

    async def one(at):
        await asyncio.sleep(at)
        await _play(port, stay, pause, joins, moves, served)
    await asyncio.gather(*(one(rng.uniform(0, seconds)) for _ in range(players)))
    return joins, moves, served


class Player(asyncio.DatagramProtocol):
    """One that sends a datagram each `pause` seconds and notes who answers each, and when."""

    def __init__(self):
        self.sent, self.answers = [], []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        if data:
            self.answers.append((time.monotonic(), int(data)))

    def error_received(self, error):
        pass


async def play_udp(port, players, rate, seconds, events=()):
    """`rate` exchanges a second by all together; events are (second, call). The players."""
    loop = asyncio.get_running_loop()
    ends = [(await loop.create_datagram_endpoint(Player, remote_addr=("127.0.0.1", port)))
            for _ in range(players)]
    start, n, pending = time.monotonic(), 0, sorted(events, key=lambda e: e[0])
    while (now := time.monotonic() - start) < seconds:
        while pending and now >= pending[0][0]:
            pending.pop(0)[1]()
        for _ in range(int(now * rate) - n):
            transport, player = ends[n % players]
            player.sent.append(time.monotonic())
            transport.sendto(b"move")
            n += 1
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.7)
    for transport, _ in ends:
        transport.close()
    return start, [player for _, player in ends]


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]
