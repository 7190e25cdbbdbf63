"""Servers that misbehave on request: the path says how.

    /status/503/20101   that status, if the server's port is 20101; 200 from the others
    /ok                 200 with the server's port for a body
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
import urllib.parse

BIG = 1_000_000


class Backends:
    """One server per port on `host`, in a thread; use as a context manager."""

    def __init__(self, *ports, host="127.0.0.1", slots=2):
        self.ports = ports
        self.slots = slots  # of each server, for /work and /tokens
        self.host = host
        self.requests = []  # (port, path), in order of arrival
        self._random = random.Random(1)
        self._loop = asyncio.new_event_loop()
        self._servers = {}
        self._slots = {}
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
        async def listen():
            self._slots[port] = asyncio.Semaphore(self.slots)
            return await asyncio.start_server(self._serve, self.host, port, backlog=511)
        self._servers[port] = self._call(listen())

    def stop(self, port):
        """The port refuses connections from now on."""
        async def close(server):
            server.close()
        self._call(close(self._servers.pop(port)))

    async def _serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError,
                                 asyncio.CancelledError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader, writer):
        port = writer.get_extra_info("sockname")[1]
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            method, path = head.split()[:2]
            self.requests.append((port, path.decode()))
            words = path.decode().strip("/").split("/") + ["", "", ""]
            name, argument, only = words[:3]
            if only.isdigit() and int(only) != port:
                name = "ok"
            if name == "upload":
                await reader.readexactly(10)
            act = getattr(self, "_do_" + name, self._do_ok)
            if not await act(writer, argument, port, method == b"HEAD"):
                return

    @staticmethod
    async def _send(writer, text):
        writer.write(text.encode())
        await writer.drain()

    @staticmethod
    def _reset(writer):
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async def _answer(self, writer, status, body, head, extra=""):
        text = f"HTTP/1.1 {status} X\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        await self._send(writer, text if head else text + body)
        return True

    async def _do_ok(self, writer, _argument, port, head):
        return await self._answer(writer, 200, str(port), head)

    async def _do_upload(self, writer, _argument, port, head):
        """Answers when the ten bytes of the request's body have come."""
        return await self._answer(writer, 200, str(port), head)

    async def _do_status(self, writer, argument, port, head):
        return await self._answer(writer, int(argument), str(port), head)

    async def _do_report(self, writer, argument, port, head):
        """A load report; `~` stands for a space."""
        report = urllib.parse.unquote(argument).replace("~", " ")
        return await self._answer(writer, 200, str(port), head,
                                  f"endpoint-load-metrics: {report}\r\n")

    async def _do_sleep(self, writer, argument, port, head):
        await asyncio.sleep(float(argument))
        return await self._answer(writer, 200, str(port), head)

    async def _do_wait(self, writer, argument, port, head):
        """On that port three of ten requests wait 83 ms for those of others before their 10 ms; elsewhere all take 35."""
        waits = self._random.choices((0.093, 0.01), (3, 7))[0] if port == int(argument) else 0.035
        await asyncio.sleep(waits)
        return await self._answer(writer, 200, str(port), head)

    async def _do_api(self, writer, argument, port, head):
        """Two kinds of work below one first segment: 10 and 100 ms."""
        await asyncio.sleep({"list": 0.01, "report": 0.1}.get(argument, 0))
        return await self._answer(writer, 200, str(port), head)

    async def _do_brief(self, writer, argument, port, head):
        """On the last port that status at once, 200 without a body for 200; the others make a
        page within 20 ms."""
        if port == self.ports[-1]:
            return await self._answer(writer, int(argument), "", head)
        await asyncio.sleep(self._random.expovariate(1 / 0.02))
        return await self._answer(writer, 200, "x" * 2000, head)

    async def _do_serve(self, writer, argument, port, head):
        """Takes one of the server's slots for so many seconds; who finds none free waits."""
        async with self._slots[port]:
            await asyncio.sleep(float(argument))
        return await self._answer(writer, 200, str(port), head)

    async def _do_tokens(self, writer, argument, port, _head):
        """An event stream that keeps one of the server's slots to its end."""
        async with self._slots[port]:
            await self._do_events(writer, argument)
        return False

    async def _do_poll(self, writer, argument, port, head):
        """Waits for news that take so long to come, and for nothing of the server's."""
        return await self._do_sleep(writer, argument, port, head)

    async def _do_random(self, writer, argument, port, head):
        """As /sleep, of random length, and twice as long on the first port."""
        mean = float(argument) * (2 if port == self.ports[0] else 1)
        await asyncio.sleep(self._random.expovariate(1 / mean))
        return await self._answer(writer, 200, str(port), head)

    async def _do_cache(self, writer, argument, port, head):
        return await self._answer(writer, 200, str(port), head,
                                  f"Cache-Control: max-age={argument}\r\n")

    async def _do_accel(self, writer, _argument, port, head):
        return await self._answer(writer, 200, str(port), head, "X-Accel-Redirect: /inner\r\n")

    async def _do_latereset(self, writer, argument, *_):
        """Takes the request, works on it, and drops it."""
        await asyncio.sleep(float(argument))
        self._reset(writer)
        return False

    async def _do_lateclose(self, _writer, argument, *_):
        await asyncio.sleep(float(argument))
        return False

    async def _do_reset(self, writer, *_):
        self._reset(writer)
        return False

    async def _do_close(self, *_):
        return False

    async def _do_once(self, writer, _argument, port, head):
        """A good answer, and then the connection is closed without a word about it."""
        await self._answer(writer, 200, str(port), head)
        return False

    async def _do_garbage(self, writer, *_):
        await self._send(writer, "hello\r\n\r\n")
        return False

    async def _do_badheader(self, writer, *_):
        await self._send(writer, "HTTP/1.1 200 OK\r\n\x01\x02: 1\r\n\r\n")
        return False

    async def _do_hang(self, *_):
        await asyncio.sleep(60)
        return False

    async def _do_truncate(self, writer, *_):
        await self._send(writer, "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nxxx")
        await asyncio.sleep(0.05)
        return False

    async def _do_truncatechunk(self, writer, *_):
        await self._send(writer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nxx")
        await asyncio.sleep(0.05)
        return False

    async def _do_midreset(self, writer, *_):
        await self._send(writer, "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nxxx")
        await asyncio.sleep(0.05)
        self._reset(writer)
        return False

    async def _do_midhang(self, writer, *_):
        await self._send(writer, "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nxxx")
        await asyncio.sleep(60)
        return False

    async def _do_chunked(self, writer, *_):
        await self._send(writer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "2\r\nok\r\n0\r\n\r\n")
        return True

    async def _do_untilclose(self, writer, *_):
        await self._send(writer, "HTTP/1.0 200 OK\r\n\r\nok")
        return False

    async def _do_slow(self, writer, argument, *_):
        """The header at once, the body within `argument` seconds."""
        await self._send(writer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        for _ in range(10):
            await asyncio.sleep(float(argument) / 10)
            await self._send(writer, "y")
        return True

    async def _do_burst(self, writer, argument, *_):
        """Half of a body at once, more than nginx holds back, the rest later."""
        await self._send(writer, f"HTTP/1.1 200 OK\r\nContent-Length: {BIG}\r\n\r\n"
                         + "z" * (BIG // 2))
        await asyncio.sleep(float(argument))
        await self._send(writer, "z" * (BIG // 2))
        return True

    async def _do_slowcache(self, writer, argument, *_):
        await self._send(writer, "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n"
                         "Content-Length: 10\r\n\r\n")
        for _ in range(10):
            await asyncio.sleep(float(argument) / 10)
            await self._send(writer, "y")
        return True

    async def _do_big(self, writer, *_):
        await self._send(writer, f"HTTP/1.1 200 OK\r\nContent-Length: {BIG}\r\n\r\n" + "z" * BIG)
        return True

    async def _do_websocket(self, writer, argument, *_):
        await self._send(writer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                         "Connection: upgrade\r\n\r\nhello")
        await asyncio.sleep(float(argument))
        return False

    async def _do_events(self, writer, argument, *_):
        await self._send(writer, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                         "data: 1\n\n")
        await asyncio.sleep(float(argument))
        return False
