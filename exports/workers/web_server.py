"""The web server: waitress with limits on slow clients and on connections per client.

A request is read whole before a thread handles it, so slow clients block no thread. They still have
a deadline, since they use a connection and memory.
"""

import argparse
import json
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any, Final

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher

# Enough for the largest form, with a hundred conditions; nothing is uploaded.
MAX_BODY_BYTES: Final = 1_000_000


_API: Final = "/api/v1/"
_TOO_LARGE: Final = 413


@dataclass(frozen=True)
class Limits:
    """How many clients are served at once, and how long to wait for each, in seconds."""

    connections: int = 256
    of_one_address: int = 64
    whole_request: float = 20
    next_request: float = 120
    stalled_reader: float = 60


# Seconds for the last answers; SIGTERM must end everything within 10 seconds (rule R3).
_LAST_ANSWERS = 5.0
_SETTINGS: Final = {
    "threads": 16,
    "ident": None,
    "asyncore_use_poll": True,
    "cleanup_interval": 1,
    # Above our own limit, which closes old connections instead of refusing new ones.
    "connection_limit": 2 * Limits.connections,
    "max_request_body_size": MAX_BODY_BYTES,
    # Bodies stay in memory, as a folder for temporary files may be missing.
    "inbuf_overflow": MAX_BODY_BYTES * 2,
    "outbuf_overflow": 32_000_000,
    "outbuf_high_watermark": 4_000_000,
    # Our own settings decide which X-Forwarded-* headers are trusted.
    "clear_untrusted_proxy_headers": False,
}


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError:  # for example a length of 5,000 digits or the address http://[
            raise ParsingError("The request line or a header cannot be read") from None


class _Refusal(ErrorTask):  # type: ignore[misc]
    """The answer to an unreadable request, with the same security headers as a page."""

    def execute(self) -> None:
        self.response_headers += [
            ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
        ]
        if _API in getattr(self.request, "path", ""):
            self._answer_program()
        else:
            super().execute()

    def _answer_program(self) -> None:
        """Programs get every refusal as a problem in JSON, as RFC 9457 describes it."""
        error = self.request.error
        code = "request.too_large" if error.code == _TOO_LARGE else "request.malformed"
        found = {
            "type": f"{_API}docs#{code}",
            "title": error.reason,
            "status": error.code,
            "detail": str(error.body),
            "code": code,
        }
        body = json.dumps(found).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/problem+json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A client's connection."""

    parser_class = _Parser
    error_task_class = _Refusal
    _was_answered = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Since when the client has sent no request, or read nothing of its answer.
        self.waiting_since = time.time()
        super().__init__(*args, **kwargs)

    @property
    def is_waiting(self) -> bool:
        """Whether no request of this client is being handled."""
        return not self.requests and not self.total_outbufs_len

    def is_late(self, now: float, limits: Limits) -> bool:
        is_idle = self._was_answered and self.request is None
        deadline = limits.next_request if is_idle else limits.whole_request
        return self.is_waiting and now - self.waiting_since > deadline

    def is_stalled(self, now: float, limits: Limits) -> bool:
        return bool(self.total_outbufs_len) and now - self.waiting_since > limits.stalled_reader

    def service(self) -> None:
        super().service()
        self.waiting_since, self._was_answered = time.time(), True

    def write_soon(self, data: Any) -> int:
        if not self.total_outbufs_len:
            self.waiting_since = time.time()
        return int(super().write_soon(data))

    def _flush_some(self, do_close: bool = True) -> bool:
        is_sent = bool(super()._flush_some(do_close))
        if is_sent:
            self.waiting_since = time.time()
        return is_sent


class WebServer(TcpWSGIServer):  # type: ignore[misc]
    """Serves one listening socket until `end` is called."""

    channel_class = Channel

    def __init__(self, application: Any, listening: socket.socket, limits: Limits) -> None:
        adjustments = Adjustments(**_SETTINGS)
        self._limits = limits
        self._ends_at: float | None = None
        # Set once it ends, for threads beside it.
        self.ending = threading.Event()
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.set_thread_count(adjustments.threads)
        super().__init__(
            application,
            _sock=listening,
            dispatcher=dispatcher,
            adj=adjustments,
            bind_socket=False,
            sockinfo=(listening.family, listening.type, listening.proto, listening.getsockname()),
        )

    def run(self) -> None:
        """Serve until `end`, then allow a few seconds for the last answers."""
        while not self._is_over():
            wasyncore.loop(timeout=1, use_poll=True, map=self._map, count=1)
        self.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map)

    def end(self) -> None:
        """May be called from a signal handler or another thread."""
        if self._ends_at is None:
            self._ends_at = time.monotonic() + _LAST_ANSWERS
            self.ending.set()
            self.accepting = False
            self.pull_trigger()

    def handle_accept(self) -> None:
        before = set(self.active_channels)
        super().handle_accept()
        for number in set(self.active_channels) - before:
            self._make_room(self.active_channels[number])

    def maintenance(self, now: float) -> None:
        for channel in list(self.active_channels.values()):
            if channel.is_late(now, self._limits):
                channel.will_close = True
            elif channel.is_stalled(now, self._limits) or channel.is_stalled(now, self._limits):
                # Its socket accepts no more data, so `will_close` would have no effect.
                channel.handle_close()

    def _is_over(self) -> bool:
        if self._ends_at is None:
            return False
        channels = list(self.active_channels.values())
        return all(channel.is_waiting for channel in channels) or time.monotonic() > self._ends_at

    def _make_room(self, newest: Channel) -> None:
        """Close the longest waiting client, of the same address if that has too many, or of all."""
        channels = [channel for channel in self.active_channels.values() if not channel.will_close]
        same = [channel for channel in channels if channel.addr[0] == newest.addr[0]]
        if len(same) > self._limits.of_one_address:
            _close_oldest(same)
        elif len(channels) > self._limits.connections:
            _close_oldest(channels)


def _close_oldest(channels: list[Channel]) -> None:
    # Close the newest if all others are being answered.
    waiting = [channel for channel in channels[:-1] if channel.is_waiting] or channels[-1:]
    min(waiting, key=lambda channel: channel.waiting_since).will_close = True


def listen(bind: str, port: int) -> socket.socket:
    address = bind.strip("[]")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    is_dual = address == "::" and socket.has_dualstack_ipv6()
    listening = socket.create_server(
        (address, port), family=family, backlog=1024, dualstack_ipv6=is_dual
    )
    listening.setblocking(False)
    return listening


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bind", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args(arguments)
    from cwexport.wsgi import application
    from exports.workers.worker_watch import start_watch

    server = WebServer(application, listen(options.bind, options.port), _limits())

    def end(signum: int, frame: FrameType | None) -> None:
        server.end()

    start_watch(server.ending)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, end)
    server.run()


def _limits() -> Limits:
    from django.conf import settings

    if settings.CWEXPORT_TRUSTED_PROXIES:
        # All connections come from the proxy, which limits its clients itself.
        return replace(Limits(), of_one_address=Limits.connections)
    return Limits()


if __name__ == "__main__":
    main(sys.argv[1:])
