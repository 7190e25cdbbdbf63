"""gRPC servers that fail on request, in as much HTTP/2 as that takes: what they answer goes by the
server's port, not by the request, so that nothing of the request has to be understood.
"""

import asyncio
import contextlib
import dataclasses
import struct
import threading

PREFACE = 24  # bytes
DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
END_STREAM, ACK, END_HEADERS = 1, 1, 4
MESSAGE = b"\0\0\0\0\x05hello"


@dataclasses.dataclass
class Behaviour:
    how: str = "trailers"  # trailers_only, empty (no message before the trailers), http (a status)
    status: int = 0  # of gRPC, or of HTTP for "http"
    delay: float = 0.0
    extra: tuple = ()  # headers beside grpc-status


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def fields(*pairs):
    """HPACK, each a literal with a new name."""
    return b"".join(b"\0" + bytes([len(n)]) + n.encode() + bytes([len(v)]) + v.encode()
                    for n, v in pairs)


def answer(stream, port, b):
    head = [(":status", str(b.status) if b.how == "http" else "200"),
            ("content-type", "application/grpc"), ("x-port", str(port))]
    status = [("grpc-status", str(b.status)), *b.extra]
    if b.how == "http":
        return frame(HEADERS, END_HEADERS | END_STREAM, stream, fields(*head))
    if b.how == "trailers_only":
        return frame(HEADERS, END_HEADERS | END_STREAM, stream, fields(*head, *status))
    message = frame(DATA, 0, stream, MESSAGE) if b.how == "trailers" else b""
    return (frame(HEADERS, END_HEADERS, stream, fields(*head)) + message +
            frame(HEADERS, END_HEADERS | END_STREAM, stream, fields(*status)))


class GrpcBackends:
    """One server per port, in a thread; use as a context manager."""

    def __init__(self, *ports):
        self.behaviour = {port: Behaviour() for port in ports}
        self.calls = {port: 0 for port in ports}
        self._servers = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self):
        self._thread.start()
        for port in self.behaviour:
            self._servers.append(self._call(
                asyncio.start_server(self._serve, "127.0.0.1", port, backlog=511)))
        return self

    def __exit__(self, *_):
        async def end():
            for server in self._servers:
                server.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for t in tasks:
                t.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._call(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    async def _serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError,
                                 asyncio.CancelledError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader, writer):
        port = writer.get_extra_info("sockname")[1]
        await reader.readexactly(PREFACE)
        writer.write(frame(SETTINGS, 0, 0))
        while True:
            head = await reader.readexactly(9)
            size = int.from_bytes(head[:3], "big")
            kind, flags, stream = struct.unpack(">BBI", head[3:])
            payload = await reader.readexactly(size)
            if kind == SETTINGS and not flags & ACK:
                writer.write(frame(SETTINGS, ACK, 0))
            elif kind == PING and not flags & ACK:
                writer.write(frame(PING, ACK, 0, payload))
            elif kind in (DATA, HEADERS) and flags & END_STREAM:
                self.calls[port] += 1
                asyncio.ensure_future(self._answer(writer, stream, port))

    async def _answer(self, writer, stream, port):
        b = self.behaviour[port]
        await asyncio.sleep(b.delay)
        with contextlib.suppress(ConnectionError):
            writer.write(answer(stream, port, b))
            await writer.drain()
