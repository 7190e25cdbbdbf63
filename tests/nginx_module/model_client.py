"""A client of model servers that notes when each part of an answer came."""

import contextlib
import dataclasses
import http.client
import io
import json
import socket
import time


@dataclasses.dataclass
class Answer:
    status: int = 0
    ttft: float = 0.0   # seconds, from when the request was sent
    events: list = dataclasses.field(default_factory=list)
    alone: int = 0      # events that came by themselves
    headers: str = ""

    @property
    def usage(self):
        return self.events[-1].get("usage")

    @property
    def cached(self):
        return self.usage["prompt_tokens_details"]["cached_tokens"]

    @property
    def server(self):
        return self.events[-1]["server"]


def request_of(body, path, headers=()):
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json",
             f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Received:
    """What a socket gave, for http.client to read again."""

    def __init__(self, data):
        self.data = data

    def makefile(self, *_):
        return io.BytesIO(self.data)


def body_of(text):
    answer = http.client.HTTPResponse(Received(text))
    answer.begin()
    try:
        return answer.read()
    except http.client.IncompleteRead as cut:
        return cut.partial


def stream(port, request, path="/v1/chat/completions", timeout=30, headers=()):
    """Asks for an event stream, and reads it as it comes."""
    body = json.dumps({"stream": True, "stream_options": {"include_usage": True}, **request}).encode()
    answer, text = Answer(), b""
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=timeout)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sent = time.monotonic()
        s.sendall(request_of(body, path, headers))
        while part := s.recv(65536):
            at = time.monotonic()
            n = part.count(b"data: ")
            if n and not answer.ttft:
                answer.ttft = at - sent
            answer.alone += n == 1
            text += part
    head = text.partition(b"\r\n\r\n")[0]
    answer.headers = head.decode("latin-1")
    answer.status = int(head.split()[1])
    for line in body_of(text).split(b"\n"):
        if line.startswith(b"data: {"):
            answer.events.append(json.loads(line[6:]))
    return answer


def chat(*contents, **more):
    """A request for a chat of user and assistant in turn, behind a system's message."""
    roles = ["system"] + ["user", "assistant"] * len(contents)
    return {"model": "m", "messages": [{"role": r, "content": c} for r, c in zip(roles, contents)],
            **more}


def post(port, body, path, timeout=30):
    """(status, text)"""
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=timeout)) as s:
        s.sendall(request_of(body, path))
        answer = b""
        while part := s.recv(65536):
            answer += part
    return int(answer.split()[1]), body_of(answer).decode()
