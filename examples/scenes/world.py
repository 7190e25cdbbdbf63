"""The world of the game: servers that answer at the ticks of their clock, and players."""

import asyncio
import collections
import random
import threading
import time

PATIENCE = 1.0   # seconds, after which an answer is lost
ARRIVALS = 40    # players per second
STAY = 1.0       # seconds


class Found:
    def __init__(self):
        self.times, self.lost, self.servers = [], 0, collections.Counter()

    def add(self, began, answer):
        self.times.append(1000 * (time.monotonic() - began))
        self.servers[answer.decode().split()[0]] += 1

    def percentile(self, p):
        ordered = sorted(self.times) or [0]
        return ordered[min(len(ordered) - 1, len(ordered) * p // 100)]


def until_tick(tick):
    """Seconds to the next tick of that clock, and what the server does then."""
    return tick - time.monotonic() % tick


class UdpServer(asyncio.DatagramProtocol):
    def __init__(self, name, tick):
        self.name, self.tick, self.transport = name, tick, None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        asyncio.get_running_loop().call_later(
            until_tick(self.tick), self.transport.sendto, self.name + b" " + data, addr)


class Servers:
    """In a thread of their own: {port: (name, seconds of a tick)}, over TCP and UDP."""

    def __init__(self, servers):
        self.servers = servers
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    async def _start(self):
        for port, (name, tick) in self.servers.items():
            name = name.encode()

            async def serve(reader, writer, name=name, tick=tick):
                try:
                    while line := await reader.readline():
                        await asyncio.sleep(until_tick(tick))
                        writer.write(name + b" " + line)
                        await writer.drain()
                except ConnectionError:
                    pass
                finally:
                    writer.close()

            await asyncio.start_server(serve, "127.0.0.1", port, backlog=1024)
            await self.loop.create_datagram_endpoint(lambda n=name, t=tick: UdpServer(n, t),
                                                     local_addr=("127.0.0.1", port))

    def __enter__(self):
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(10)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)


async def join(port, found):
    """A player connects, says who it is, and stays."""
    began = time.monotonic()
    writer = None
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), PATIENCE)
        writer.write(b"join\n")
        answer = await asyncio.wait_for(reader.readline(), PATIENCE)
        if not answer:
            raise ConnectionError
        found.add(began, answer)
        await asyncio.sleep(random.uniform(0.5, 1.5) * STAY)
    except (OSError, asyncio.TimeoutError):
        found.lost += 1
    finally:
        if writer is not None:
            writer.close()


class Player(asyncio.DatagramProtocol):
    def __init__(self):
        self.transport, self.answer = None, None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc):
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(exc)


async def inputs(port, found):
    """A player sends an input, waits for the answer, and goes on."""
    loop = asyncio.get_running_loop()
    transport, player = await loop.create_datagram_endpoint(Player, remote_addr=("127.0.0.1", port))
    end = time.monotonic() + STAY
    while time.monotonic() < end:
        player.answer, began = loop.create_future(), time.monotonic()
        transport.sendto(b"input\n")
        try:
            found.add(began, await asyncio.wait_for(player.answer, PATIENCE))
        except (OSError, asyncio.TimeoutError):
            found.lost += 1
        await asyncio.sleep(0.1)
    transport.close()


async def _play(players, port, seconds, found):
    tasks, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        tasks.append(asyncio.ensure_future(players(port, found)))
        await asyncio.sleep(random.expovariate(ARRIVALS))
    await asyncio.gather(*tasks, return_exceptions=True)


def measure(players, port, seconds):
    """After a third of the time in which it is not looked."""
    random.seed(1)
    found = Found()
    asyncio.run(_play(players, port, seconds / 3, Found()))
    asyncio.run(_play(players, port, seconds * 2 / 3, found))
    return found


class Background:
    """A few players, for as long as the stage is there."""

    def __init__(self, port):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, args=(port,), daemon=True)

    def _run(self, port):
        async def both():
            await asyncio.gather(_play(join, port, 3600, Found()), _play(inputs, port, 3600, Found()))
        self.loop.run_until_complete(both())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        pass  # a daemon: it ends with the process
