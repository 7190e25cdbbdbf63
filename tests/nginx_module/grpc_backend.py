"""gRPC servers that fail on request: what they answer goes by the server's port, not by the request,
so that nothing of the request has to be understood. HTTP/2 is python3-h2's.
"""

import asyncio
import contextlib
import dataclasses
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions

MESSAGE = b"\0\0\0\0\x05hello"


@dataclasses.dataclass
class Behaviour:
    how: str = "trailers"  # trailers_only, empty (no message before the trailers), http (a status)
    status: int = 0  # of gRPC, or of HTTP for "http"
    delay: float = 0.0
    extra: tuple = ()  # headers beside grpc-status
    message: bytes = MESSAGE


def answer(connection, stream, port, b):
    head = [(":status", str(b.status) if b.how == "http" else "200"),
            ("content-type", "application/grpc"), ("x-port", str(port))]
    status = [("grpc-status", str(b.status)), *b.extra]
    if b.how == "http":
        connection.send_headers(stream, head, end_stream=True)
    elif b.how == "trailers_only":
        connection.send_headers(stream, head + status, end_stream=True)
    else:
        connection.send_headers(stream, head)
        if b.how == "trailers":
            connection.send_data(stream, b.message)
        connection.send_headers(stream, status, end_stream=True)


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
        connection = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, validate_inbound_headers=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    connection.acknowledge_received_data(event.flow_controlled_length,
                                                         event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    self.calls[port] += 1
                    asyncio.ensure_future(self._answer(connection, writer, event.stream_id, port))
            writer.write(connection.data_to_send())

    async def _answer(self, connection, writer, stream, port):
        b = self.behaviour[port]
        await asyncio.sleep(b.delay)
        # The client may have left meanwhile.
        with contextlib.suppress(ConnectionError, h2.exceptions.ProtocolError):
            answer(connection, stream, port, b)
            writer.write(connection.data_to_send())
            await writer.drain()
