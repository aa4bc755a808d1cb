"""The connection that an answer is sent on, and the ways to send it well or badly."""

import socket
import struct
from collections.abc import Callable
from threading import Event

from exports.demo.answers import Answer


class Wire:
    """One client's connection. Every wait ends when the stand-in stops."""

    def __init__(self, connection: socket.socket, stopping: Event) -> None:
        self._connection = connection
        self._stopping = stopping
        self.ended = False

    def write(self, data: bytes) -> None:
        self._connection.sendall(data)

    def wait(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise ConnectionAbortedError("the stand-in stops")

    def end(self) -> None:
        """Close the connection after this answer."""
        self.ended = True

    def reset(self) -> None:
        """Close at once with RST, as a crashed machine or a firewall does."""
        lingering_for_no_time = struct.pack("ii", 1, 0)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering_for_no_time)
        self.ended = True


Sender = Callable[[Wire, Answer, bytes], None]
"""Puts an answer and its body on the wire."""


def send_whole(wire: Wire, answer: Answer, body: bytes) -> None:
    """The normal way: in one write, so that no small packet waits for another."""
    wire.write(answer.head(body) + body)


def never_answer(wire: Wire, answer: Answer, body: bytes) -> None:
    wire.wait(3600)
    wire.end()


def reset(wire: Wire, answer: Answer, body: bytes) -> None:
    wire.reset()


def drip_headers(interval: float) -> Sender:
    """One byte per `interval` seconds, from the status line on."""

    def send(wire: Wire, answer: Answer, body: bytes) -> None:
        _drip(wire, answer.head(body) + body, interval)

    return send


def drip_body(interval: float) -> Sender:
    """Headers at once, then one byte per `interval` seconds."""

    def send(wire: Wire, answer: Answer, body: bytes) -> None:
        wire.write(answer.head(body))
        _drip(wire, body, interval)

    return send


def cut_body(wire: Wire, answer: Answer, body: bytes) -> None:
    """Promise the whole length, send half of it and close."""
    wire.write(answer.head(body) + body[: len(body) // 2])
    wire.end()


def cut_chunk(wire: Wire, answer: Answer, body: bytes) -> None:
    """Close in the middle of a chunk."""
    answer.headers["Transfer-Encoding"] = "chunked"
    wire.write(answer.head(body) + b"%x\r\n" % len(body) + body[: len(body) // 2])
    wire.end()


def _drip(wire: Wire, data: bytes, interval: float) -> None:
    for byte in data:
        wire.write(bytes([byte]))
        wire.wait(interval)
