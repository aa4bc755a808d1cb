"""A server on loopback that answers with exactly the bytes a test gives it.

For faults that an HTTP server would not produce: answers that are cut, drip, lie or never come.
"""

import gzip
import json
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self

Reply = bytes | Callable[[socket.socket, threading.Event], None]
"""Bytes to send, or what to do with the connection until done or the event says the test is over.
A connection is closed after a callable, and kept after bytes."""


class RawServer:
    """Answers each request with the next of `replies`, and repeats the last one for ever.

    `requests` holds the heads of all requests, `connection_count` includes connections without one.
    A `greeting` is sent before any request.
    """

    def __init__(
        self, *replies: Reply, tls: ssl.SSLContext | None = None, greeting: bytes = b""
    ) -> None:
        self.requests: list[str] = []
        self.connection_count = 0
        self._replies: Sequence[Reply] = replies or (b"",)
        self._tls = tls
        self._greeting = greeting
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def targets(self) -> list[str]:
        return [head.split(" ")[1] for head in self.requests]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._connections:
                _break_off(connection)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self.connection_count += 1
                self._connections.append(connection)
                self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        # The client may disconnect at any moment, as many of these tests want.
        with connection, suppress(OSError):
            connection.sendall(self._greeting)
            if self._tls is None:
                self._converse(connection)
            else:
                with self._tls.wrap_socket(connection, server_side=True) as secured:
                    self._converse(secured)

    def _converse(self, connection: socket.socket) -> None:
        while head := _read_head(connection):
            with self._lock:
                self.requests.append(head)
                reply = self._replies[min(len(self.requests), len(self._replies)) - 1]
            if callable(reply):
                return reply(connection, self._over)
            connection.sendall(reply)


def answer(
    status: int = 200, body: bytes | str = b"", headers: dict[str, str] | None = None
) -> bytes:
    """A well-formed answer with any content."""
    content = body.encode() if isinstance(body, str) else body
    all_headers = {"Content-Length": str(len(content)), **(headers or {})}
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{n}: {v}" for n, v in all_headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> bytes:
    return answer(
        status, json.dumps(value), {"Content-Type": "application/json", **(headers or {})}
    )


def gzip_answer(content: bytes) -> bytes:
    return answer(body=gzip.compress(content), headers={"Content-Encoding": "gzip"})


def closing(sent: bytes) -> Reply:
    """Send this and close, whatever length was announced."""
    return lambda connection, over: connection.sendall(sent)


def resetting(connection: socket.socket, over: threading.Event) -> None:
    """Answer with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def silent(connection: socket.socket, over: threading.Event) -> None:
    """Accept the request and never answer."""
    over.wait()


def dripping(beginning: bytes, drop: bytes = b" ", seconds: float = 0.02) -> Reply:
    """Send the beginning, then the same piece again and again."""

    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(beginning)
        while not over.wait(seconds):
            connection.sendall(drop)

    return drip


def _read_head(connection: socket.socket) -> str:
    received = b""
    while b"\r\n\r\n" not in received:
        packet = connection.recv(65536)
        if not packet:
            return ""
        received += packet
    return received.decode("latin-1")


def _break_off(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
