"""Sockets, threads and TLS of the stand-in: HTTP/1.1 with keep-alive, by default on loopback."""

import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler
from socket import SHUT_RDWR, socket
from socketserver import ThreadingTCPServer
from threading import Event, Lock, Thread, current_thread
from typing import Any

from exports.demo.wires import Wire

Respond = Callable[[str, str, "Message[str, str]", Wire], None]
"""Answers one call: method, target (path and query), headers, the wire to answer on."""

_LARGEST_SENT_BODY = 1_000_000
_STOP_SECONDS = 5.0


class Listener(ThreadingTCPServer):
    """Listens at `address` once created; `serve` and `stop` may be called once each.

    Raises OSError when the port is taken. Mistakes of the stand-in itself are added to `failures`.
    """

    allow_reuse_address = True
    allow_reuse_port = False  # a taken port must raise an error
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: str,
        port: int,
        respond: Respond,
        context: ssl.SSLContext | None,
        failures: list[BaseException],
    ) -> None:
        super().__init__((address, port), _Handler)
        self.respond = respond
        self.stopping = Event()
        self.failures = failures
        self._context = context
        self._open: dict[socket, Thread] = {}
        self._lock = Lock()
        self._thread = Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def serve(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and wait for their threads; then the port is free."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            threads = list(self._open.values())
            for connection in self._open:
                _shut(connection)
        for thread in threads:
            if thread is not current_thread():  # a hook may stop the server that calls it
                thread.join(_STOP_SECONDS)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread, so that a slow handshake blocks no other connection."""
        connection = request
        if self._context:
            connection = self._context.wrap_socket(
                request, server_side=True, do_handshake_on_connect=False
            )
        with self._lock:
            self._open[connection] = current_thread()
        try:
            if self._context:
                connection.do_handshake()
            if not self.stopping.is_set():
                _Handler(connection, client_address, self)
        finally:
            with self._lock:
                del self._open[connection]
            connection.close()

    def shutdown_request(self, request: Any) -> None:
        """Only close: the usual shutdown would send FIN before, where tests want RST."""
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep the stand-in's own mistakes; it is normal that clients hang up."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            self.failures.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def do_GET(self) -> None:
        sent_body_length = self.headers.get("Content-Length", "0")
        if sent_body_length.isdigit() and int(sent_body_length) <= _LARGEST_SENT_BODY:
            self.rfile.read(int(sent_body_length))
        else:
            self.close_connection = True
        wire = Wire(self.connection, self.server.stopping)
        self.server.respond(self.command, self.path, self.headers, wire)
        self.close_connection = self.close_connection or wire.ended

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Silent, as the stand-in has its own request log."""


def _shut(connection: socket) -> None:
    with suppress(OSError):  # the client may have closed it first
        # On the raw socket: the TLS shutdown would wait for the thread that is reading.
        socket.shutdown(connection, SHUT_RDWR)
