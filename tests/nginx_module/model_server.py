"""Model servers for tests: the OpenAI API as vLLM speaks it, by timers instead of a model.

Each port is a server with one prefix cache. A prompt's text is cut into blocks of 64 characters, 16
tokens; what begins with blocks that are cached is not computed again. Prompts are computed one at a
time, at so many tokens a second; each answer's tokens come at their own pace then (`pace`, seconds).

    POST /v1/chat/completions   messages, stream, max_tokens, stream_options; also /v1/completions
    POST /v1/early              the same, with the header, and a comment, before the first token
    POST /digest                what came, as length and SHA-256
    GET  /metrics               as vLLM's: waiting, running, share of the cache in use
"""

import asyncio
import collections
import contextlib
import hashlib
import json
import threading
import time

BLOCK = 64
TOKENS_PER_BLOCK = 16


def text_of(request):
    """What the prompt's template would be given, in order."""
    if "messages" not in request:
        return str(request.get("prompt", ""))
    return "".join(f"<{m.get('role')}>{json.dumps(m.get('content'))}" for m in request["messages"])


class PrefixCache:
    """Least recently used blocks, each known by the hash of all that it ends."""

    def __init__(self, blocks):
        self.room = blocks
        self.blocks = collections.OrderedDict()

    @staticmethod
    def _chain(salt, text):
        digest = hashlib.sha256(salt.encode()).digest()
        for at in range(0, len(text) - BLOCK + 1, BLOCK):
            digest = hashlib.sha256(digest + text[at:at + BLOCK].encode()).digest()
            yield digest

    def use(self, salt, text):
        """Enters the prompt; returns how many of its blocks were there."""
        hits, missed = 0, False
        for digest in self._chain(salt, text):
            missed = missed or digest not in self.blocks
            hits += not missed
            self.blocks[digest] = None
            self.blocks.move_to_end(digest)
        while len(self.blocks) > self.room:
            self.blocks.popitem(last=False)
        return hits


class ModelServer:
    """One server; its coroutines run in the loop of ModelServers."""

    def __init__(self, port, prefill, pace, blocks):
        self.port, self.prefill, self.pace = port, prefill, pace
        self.cache = PrefixCache(blocks)
        self.computing = asyncio.Lock()
        self.waiting = self.running = self.served = 0
        self.prompt_tokens = self.cached_tokens = 0

    async def compute(self, request):
        """Until the first token: (tokens of the prompt, of these cached)."""
        text = text_of(request)
        tokens = max(1, len(text) // (BLOCK // TOKENS_PER_BLOCK))
        self.waiting += 1
        async with self.computing:
            self.waiting -= 1
            hits = self.cache.use(str(request.get("model")) + str(request.get("cache_salt")), text)
            cached = hits * TOKENS_PER_BLOCK
            await asyncio.sleep((tokens - cached) / self.prefill + self.pace)
        self.served += 1
        self.prompt_tokens += tokens
        self.cached_tokens += cached
        return tokens, cached

    def metrics(self):
        used = len(self.cache.blocks) / self.cache.room
        return (f'vllm:num_requests_running{{model_name="m"}} {self.running}\n'
                f'vllm:num_requests_waiting{{model_name="m"}} {self.waiting}\n'
                f'vllm:kv_cache_usage_perc{{model_name="m"}} {used}\n')


async def read_body(reader, headers):
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = bytearray()
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return bytes(body)
    return await reader.readexactly(int(headers.get("content-length", 0)))


class ModelServers:
    """One server for each port, in a thread; use as a context manager."""

    def __init__(self, *ports, prefill=20_000, pace=0.005, blocks=4096):
        self.ports = ports
        self.options = {"prefill": prefill, "pace": pace, "blocks": blocks}
        self.servers = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self):
        self._thread.start()
        self._call(self._start())
        return self

    def __exit__(self, *_):
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    async def _start(self):
        self._listeners = []
        for port in self.ports:
            self.servers[port] = ModelServer(port, **self.options)
            self._listeners.append(await asyncio.start_server(
                lambda r, w, s=self.servers[port]: self._serve(s, r, w), "127.0.0.1", port,
                backlog=511, limit=1 << 20))

    async def _end(self):
        for listener in self._listeners:
            listener.close()
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for t in tasks:
            t.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, server, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError,
                                 asyncio.CancelledError, ValueError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                path = head[0].split()[1]
                headers = {k.strip().lower(): v.strip() for k, _, v in
                           (line.partition(":") for line in head[1:] if line)}
                await self._answer(server, writer, path, await read_body(reader, headers))
                await writer.drain()
        writer.close()

    async def _answer(self, server, writer, path, body):
        if path == "/metrics":
            return self._send(writer, 200, server.metrics(), "text/plain")
        if path == "/digest":
            return self._send(writer, 200, f"{len(body)} {hashlib.sha256(body).hexdigest()}",
                              "text/plain")
        try:
            request = json.loads(body)
            assert isinstance(request, dict) and isinstance(text_of(request), str)
        except (ValueError, AssertionError, RecursionError, AttributeError, TypeError) as error:
            return self._send(writer, 400, json.dumps({"error": type(error).__name__}))
        server.running += 1
        try:
            await self._complete(server, writer, path, request)
        finally:
            server.running -= 1

    async def _complete(self, server, writer, path, request):
        early = path == "/v1/early"
        if early:
            self._begin(writer)
            self._chunk(writer, ": ping\n\n")
            await writer.drain()
        prompt, cached = await server.compute(request)
        n = int(request.get("max_tokens", 8))
        usage = {"prompt_tokens": prompt, "completion_tokens": n,
                 "prompt_tokens_details": {"cached_tokens": cached}}
        if not request.get("stream") and not early:
            await asyncio.sleep(server.pace * n)
            self._send(writer, 200, json.dumps(
                {"choices": [{"message": {"content": "x" * n}}], "usage": usage,
                 "server": server.port}))
            return
        if not early:
            self._begin(writer)
        due, pace = time.monotonic(), request.get("pace", server.pace)
        for i in range(n):
            self._event(writer, {"choices": [{"delta": {"content": f"t{i} "}}],
                                 "server": server.port})
            await writer.drain()
            due += pace
            await asyncio.sleep(max(0, due - time.monotonic()))
        self._event(writer, {"choices": [], "usage": usage, "server": server.port})
        self._chunk(writer, "data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")

    @staticmethod
    def _begin(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n")

    @staticmethod
    def _chunk(writer, text):
        writer.write(f"{len(text):x}\r\n{text}\r\n".encode())

    def _event(self, writer, value):
        self._chunk(writer, f"data: {json.dumps(value)}\n\n")

    @staticmethod
    def _send(writer, status, text, kind="application/json"):
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n"
                     f"Content-Length: {len(text)}\r\n\r\n{text}".encode())
