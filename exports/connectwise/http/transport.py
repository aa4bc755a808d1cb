"""Sends one request and reads a response of limited size: the only module that uses HTTP (H1).

Uses requests' adapter without its Session. A Session would add redirects, cookies, and proxies and
passwords from the environment, none of which we want, and it reads a redirect's whole body.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, parse_headers
from typing import Any, ClassVar, Final
from urllib.parse import SplitResult, urlsplit

from requests import Request
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool
from urllib3 import HTTPResponse as PooledResponse
from urllib3.connection import HTTPConnection, HTTPSConnection

from exports.connectwise.http.addresses import AddressPolicy
from exports.connectwise.http.bodies import read_beginning, read_whole
from exports.connectwise.http.errors import StoppedError
from exports.connectwise.http.network_errors import FOREIGN_ERRORS, own_error
from exports.connectwise.http.proxy import Proxy, Route
from exports.connectwise.http.sockets import (
    Stop,
    StopRequestedError,
    Watch,
    WatchedSocket,
    dial,
)
from exports.connectwise.http.tls import tls_context
from exports.connectwise.http.tunnel import dial_through

_MAX_INTERIM_RESPONSES: Final = 20
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Limits:
    """Limits of one request: seconds and decoded bytes (H1)."""

    connect: float = 10
    read: float = 60
    total: float = 180
    max_body_bytes: int = 16_000_000


@dataclass(frozen=True)
class Response:
    """A whole response. `seconds` is how long it took from the first packet to the last byte.

    For a status other than 200, `body` is only the beginning that could be read.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


class Transport:
    """Keeps one connection per host open; for one thread, without cookies and redirects."""

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        stop: Stop,
        limits: Limits,
        ca_file: str | None = None,
        route: Route | None = None,
    ) -> None:
        self._policy = policy
        self._route = route or Route()
        self._watch = Watch(stop)
        self._limits = limits
        self._ca_file = ca_file
        self._adapters: dict[str, _Adapter] = {}

    def get(self, url: str, headers: Mapping[str, str], *, step: str) -> Response:
        """Send one request. Raises ConnectWiseErrors for network faults and size limits."""
        return self._send("GET", url, headers, None, step)

    def post(self, url: str, headers: Mapping[str, str], body: bytes, *, step: str) -> Response:
        """Send a body, to be told about something (N1); raises as `get`."""
        return self._send("POST", url, headers, body, step)

    def pause(self, seconds: float, *, step: str) -> None:
        """Wait between two requests; raises StoppedError within a tick after a stop (H4)."""
        with self._own_errors("", step):
            self._watch.pause(seconds)

    def close(self) -> None:
        for adapter in self._adapters.values():
            adapter.close()
        self._adapters.clear()

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, step: str
    ) -> Response:
        parts = urlsplit(url)
        begun = time.monotonic()
        with self._own_errors(parts.netloc, step):
            adapter = self._adapter(parts, step)
            self._watch.begin(self._limits.total)
            self._watch.check()
            response = adapter.send(
                Request(method, url, {**headers, "Accept-Encoding": "gzip"}, data=body).prepare(),
                stream=True,
                timeout=(self._limits.connect, self._limits.read),
            )
            answer = self._read(response.raw, step)
        seconds = time.monotonic() - begun
        return Response(url, response.status_code, response.headers, answer, seconds)

    def _adapter(self, parts: SplitResult, step: str) -> _Adapter:
        key = f"{parts.scheme}://{parts.netloc}"
        if key not in self._adapters:
            host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
            dialling: dict[str, Any] = {
                "policy": self._policy,
                "proxy": self._route.proxy_for(parts.scheme, host),
                "watch": self._watch,
            }
            if parts.scheme == "https":
                context = tls_context(self._ca_file, step)
                pool: HTTPConnectionPool = _HTTPSPool(host, port, ssl_context=context, **dialling)
            else:
                pool = _HTTPPool(host, port, **dialling)
            self._adapters[key] = _Adapter(pool)
        return self._adapters[key]

    def _read(self, response: BaseHTTPResponse, step: str) -> bytes:
        try:
            if response.status != 200:
                return read_beginning(response)
            body = read_whole(response, self._limits.max_body_bytes, step)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return body

    @contextmanager
    def _own_errors(self, host: str, step: str) -> Iterator[None]:
        try:
            yield
        except StopRequestedError as error:
            raise StoppedError(step=step) from error
        except FOREIGN_ERRORS as error:
            hint = self._route.hint(urlsplit(f"//{host}").hostname or "")
            raise own_error(error, host=host, step=step, hint=hint) from error


class _Adapter(HTTPAdapter):
    """Sends through one of our pools, whose sockets and TLS contexts do the checks."""

    def __init__(self, pool: HTTPConnectionPool) -> None:
        super().__init__(max_retries=0)
        self._pool = pool

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        return self._pool

    def close(self) -> None:
        self._pool.close()

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing: the pool's TLS context verifies names and authorities."""


class _FinalResponse(HTTPResponse):
    """Skips interim responses such as 102 and 103; the library skips only 100."""

    def _read_status(self) -> tuple[str, int, str]:
        for _count in range(_MAX_INTERIM_RESPONSES):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 101 < status < 200:
                return version, status, reason
            parse_headers(self.fp)
        raise HTTPException("too many interim responses")


class _DialledConnection(HTTPConnection):
    """urllib3's connection with a socket from `dial`."""

    scheme: ClassVar[str] = "http"
    response_class = _FinalResponse

    def __init__(
        self,
        *args: Any,
        policy: AddressPolicy,
        proxy: Proxy | None,
        watch: Watch,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._way = proxy
        self._policy = policy
        self._watch = watch

    def getresponse(self) -> PooledResponse:  # type: ignore[override]
        if self.sock is None:
            # The library goes on after a pipe that broke while the body was sent.
            raise ConnectionResetError("closed before the request was sent")
        return super().getresponse()

    def _new_conn(self) -> WatchedSocket:
        seconds = float(self.timeout or Limits.connect)
        host, port, watch = self._dns_host, self.port, self._watch
        if self._way:
            return dial_through(self._way, host, port, watch=watch, seconds=seconds)
        return dial(
            host, port, scheme=self.scheme, policy=self._policy, watch=watch, seconds=seconds
        )


class _DialledTLSConnection(_DialledConnection, HTTPSConnection):
    scheme = "https"


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _DialledConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _DialledTLSConnection
