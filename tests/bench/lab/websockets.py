"""Opens websockets and keeps them open; a frame goes out on one after the other.

Usage: websockets.py PORT PATH [COUNT]. Prints "ready" once all are open, ends when it is killed,
and fails when a websocket is refused or closed.
"""
import selectors
import socket
import sys
import time

SECONDS_A_ROUND = 2  # in which each of them sends a frame
FRAME = b"\x81\x82\x00\x00\x00\x00hi"  # text, masked with zeros


def open_one(port, path):
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: lab\r\nx-u: 0.5\r\nConnection: Upgrade\r\n"
                       "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        part = connection.recv(4096)
        if not part:
            break
        head += part
    if b" 101 " not in head.split(b"\r\n")[0]:
        raise SystemExit(f"no websocket at port {port}: {head[:200]!r}")
    return connection


def read_all(selector, seconds):
    """What comes is dropped, until the time is over."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            if not key.fileobj.recv(65536):
                raise SystemExit("a websocket was closed")


def main():
    port, path, count = int(sys.argv[1]), sys.argv[2], int((sys.argv[3:] or ["200"])[0])
    sockets = [open_one(port, path) for _ in range(count)]
    print("ready", flush=True)
    with selectors.DefaultSelector() as selector:
        for connection in sockets:
            selector.register(connection, selectors.EVENT_READ)
        while True:
            for connection in sockets:
                read_all(selector, SECONDS_A_ROUND / count)
                connection.sendall(FRAME)


if __name__ == "__main__":
    main()
