"""A real WebDAV server (wsgidav) that also fails."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cheroot import wsgi
from cheroot.server import HTTPConnection
from wsgidav.wsgidav_app import WsgiDAVApp

from tests.delivery.strikes import Strike, watched

USER, PASSWORD = "acme", "pa55-word-for-acme"


class DavSink:
    """A WebDAV folder at `/in/`; `fault` is what becomes of requests of `method`.

    refuse, full, locked, drop (half read), hang, lose (done, but never answered), truncate (half
    kept), untold (no size in the answer), or "".
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.fault = ""
        self.method = "PUT"
        self.strike = Strike()

    @contextmanager
    def running(self) -> Iterator["DavSink"]:
        app = WsgiDAVApp(
            {
                "provider_mapping": {"/": str(self.root)},
                "simple_dc": {"user_mapping": {"*": {USER: {"password": PASSWORD}}}},
                "http_authenticator": {
                    "accept_basic": True,
                    "accept_digest": False,
                    "default_to_digest": False,
                },
                "verbose": 0,
                "logging": {"enable": False},
                "property_manager": True,
                "lock_storage": True,
            }
        )
        server = wsgi.Server(
            ("127.0.0.1", 0), watched(_Faulty(self, app), self.strike, "MOVE"), numthreads=4
        )
        server.gateway, server.ConnectionClass = _Gateway, _Connection
        server.prepare()
        self.port = server.bind_addr[1]
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.fault = ""
            server.stop()
            thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in/"


class _Connection(HTTPConnection):  # type: ignore[misc]
    """Sends the rest while it can: Python 3.13 complains of a writer that is freed first."""

    def close(self) -> None:
        with suppress(OSError):
            self.wfile.close()
        super().close()


class _Gateway(wsgi.Gateway_10):  # type: ignore[misc]
    """Lets the application cut the connection."""

    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), "tests.socket": self.req.conn.socket}


class _Faulty:
    """Stands before the WebDAV server and spoils what is written."""

    def __init__(self, sink: DavSink, app: Any) -> None:
        self._sink, self._app = sink, app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        fault = self._sink.fault if environ["REQUEST_METHOD"] == self._sink.method else ""
        if not fault:
            return self._app(environ, start_response)
        return getattr(self, f"_{fault}")(environ, start_response)

    def _refuse(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        return _answer(environ, start_response, "403 Forbidden")

    def _full(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        return _answer(environ, start_response, "507 Insufficient Storage")

    def _locked(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        status = b"<D:response><D:status>HTTP/1.1 423 Locked</D:status></D:response>"
        body = b'<D:multistatus xmlns:D="DAV:">' + status + b"</D:multistatus>"
        return _answer(environ, start_response, "207 Multi-Status", body)

    def _drop(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environ["wsgi.input"].read(_size(environ) // 2)
        return _cut(environ)

    def _hang(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        while self._sink.fault:
            time.sleep(0.05)
        return _cut(environ)

    def _lose(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        list(self._app(environ, lambda *_args: None))
        return _cut(environ)

    def _truncate(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        content = environ["wsgi.input"].read(_size(environ))
        path = self._sink.root / environ["PATH_INFO"].lstrip("/")
        path.write_bytes(content[: len(content) // 2])
        return _answer(environ, start_response, "201 Created")

    def _untold(self, environ: dict[str, Any], start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            left = [one for one in headers if one[0].lower() != "content-length"]
            return start_response(status, left, *rest)

        return self._app(environ, start)


def _answer(
    environ: dict[str, Any], start_response: Any, status: str, body: bytes = b""
) -> list[bytes]:
    environ["wsgi.input"].read(_size(environ))
    start_response(status, [("Content-Length", str(len(body)))])
    return [body]


def _cut(environ: dict[str, Any]) -> list[bytes]:
    environ["tests.socket"].shutdown(socket.SHUT_RDWR)
    return []


def _size(environ: dict[str, Any]) -> int:
    return int(environ.get("CONTENT_LENGTH") or 0)
