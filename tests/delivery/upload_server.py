"""A real server that takes uploads, and also fails."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.delivery.strikes import BEGUN, COMMITTED, WHOLE, Strike, read_watched

TOKEN = "bearer-token-for-acme"


class UploadSink:
    """Takes PUT and POST; `fault` is drop, refuse, full, hang, redirect, or ""."""

    def __init__(self) -> None:
        self.fault = ""
        self.files: dict[str, bytes] = {}
        self.headers: list[dict[str, str]] = []
        self.released = threading.Event()
        self.strike = Strike()

    @contextmanager
    def running(self) -> Iterator["UploadSink"]:
        sink = self

        class Handler(_UploadHandler):
            pass

        Handler.sink = sink
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = False
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            server.shutdown()
            server.server_close()
            thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _UploadHandler(BaseHTTPRequestHandler):
    sink: UploadSink
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(200)

    def do_DELETE(self) -> None:
        found = self.sink.files.pop(self.path, None)
        self._answer(204 if found is not None else 404)

    def do_PUT(self) -> None:
        with self.sink.strike.request():
            self._take()

    def do_POST(self) -> None:
        self._take()

    def log_message(self, *args: Any) -> None:
        pass

    def _take(self) -> None:
        fault, size = self.sink.fault, int(self.headers.get("Content-Length", "0"))
        if fault == "drop":
            self.rfile.read(size // 2)
            self.close_connection = True
            return
        if fault == "hang":
            self.sink.released.wait(60)
            self.close_connection = True
            return
        is_lost = self.sink.strike.reach(BEGUN)
        content = read_watched(self.rfile, size, self.sink.strike)
        if is_lost or len(content) != size or self.sink.strike.reach(WHOLE):
            # A cut upload is no file.
            self.close_connection = True
            return
        if fault == "redirect":
            self._answer(307, {"Location": "http://169.254.169.254/"})
        elif fault:
            self._answer({"refuse": 403, "full": 507, "key": 401}[fault])
        else:
            self.sink.headers.append(dict(self.headers.items()))
            self.sink.files[self.path] = content
            self.sink.strike.reach(COMMITTED)
            self._answer(201)

    def _answer(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()
