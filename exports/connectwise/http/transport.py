"""One GET out, one bounded answer in (H1): the only module that speaks HTTP.

requests' adapter without its Session: what a Session adds (redirects, cookies, proxies and
passwords from the environment) is what H1 forbids, and it reads a redirect's body without limit.
"""

from __future__ import annotations

import os
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final
from urllib.parse import SplitResult, urlsplit

from requests import Request
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import DecodeError, HTTPError

from exports.connectwise.http.addresses import AddressPolicy
from exports.connectwise.http.errors import AnswerTooLargeError, CertificateError, StoppedError
from exports.connectwise.http.network_errors import FOREIGN_ERRORS, own_error
from exports.connectwise.http.sockets import (
    DeadlineError,
    Stop,
    StopRequestedError,
    Watch,
    WatchedSocket,
    WatchedTLSContext,
    dial,
)
from exports.connectwise.language import gettext as _
from exports.connectwise.language import grouped

_CHUNK_BYTES: Final = 256 * 1024
_ERROR_BODY_BYTES: Final = 64 * 1024
_PORTS: Final = {"http": 80, "https": 443}
_making_context: Final = threading.Lock()


@dataclass(frozen=True)
class Limits:
    """Seconds and decoded bytes that one request may take (H1)."""

    connect: float = 10
    read: float = 60
    total: float = 180
    max_body_bytes: int = 16_000_000


@dataclass(frozen=True)
class Answer:
    """A whole answer. `seconds` is how long it took from the first packet to the last byte.

    The body of anything but a 200 is only its beginning, as far as it could be read.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


class Transport:
    """Keeps a connection per host open; belongs to one thread, knows no cookie and no redirect."""

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        stop: Stop,
        limits: Limits,
        ca_file: str | None = None,
    ) -> None:
        self._policy = policy
        self._watch = Watch(stop)
        self._limits = limits
        self._ca_file = ca_file
        self._adapters: dict[str, _Adapter] = {}

    def get(self, url: str, headers: Mapping[str, str], *, step: str) -> Answer:
        """Ask once. Raises the ConnectWiseErrors that need no look at the answer's content."""
        parts = urlsplit(url)
        begun = time.monotonic()
        with self._own_errors(parts.netloc, step):
            adapter = self._adapter(parts, step)
            self._watch.begin(self._limits.total)
            self._watch.check()
            response = adapter.send(
                Request("GET", url, {**headers, "Accept-Encoding": "gzip"}).prepare(),
                stream=True,
                timeout=(self._limits.connect, self._limits.read),
            )
            body = self._read(response.raw, step)
        return Answer(url, response.status_code, response.headers, body, time.monotonic() - begun)

    def pause(self, seconds: float, *, step: str) -> None:
        """Wait between two requests; raises StoppedError within a tick of a stop (H4)."""
        with self._own_errors("", step):
            self._watch.pause(seconds)

    def close(self) -> None:
        for adapter in self._adapters.values():
            adapter.close()
        self._adapters.clear()

    def _adapter(self, parts: SplitResult, step: str) -> _Adapter:
        key = f"{parts.scheme}://{parts.netloc}"
        if key not in self._adapters:
            host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
            dialling: dict[str, Any] = {"policy": self._policy, "watch": self._watch}
            if parts.scheme == "https":
                context = _tls_context(self._ca_file, step)
                pool: HTTPConnectionPool = _HTTPSPool(host, port, ssl_context=context, **dialling)
            else:
                pool = _HTTPPool(host, port, **dialling)
            self._adapters[key] = _Adapter(pool)
        return self._adapters[key]

    def _read(self, response: BaseHTTPResponse, step: str) -> bytes:
        try:
            if response.status != 200:
                return _read_beginning(response)
            body = _read_whole(response, self._limits.max_body_bytes, step)
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
            raise own_error(error, host=host, step=step) from error


def read_authorities(ca_file: str | None) -> None:
    """Read the certificates to be trusted, so that the first request need not wait for it.

    A file that cannot be read is told by that request.
    """
    with suppress(CertificateError, ssl.SSLError):
        _tls_context(ca_file, step="")


def _tls_context(ca_file: str | None, step: str) -> ssl.SSLContext:
    if not ca_file:
        return _shared_tls_context("", 0)
    try:
        # A renewed file is read anew.
        return _shared_tls_context(ca_file, os.stat(ca_file).st_mtime_ns)
    except OSError as error:
        raise CertificateError(
            _("the CA file %(file)s cannot be used: %(reason)s")
            % {"file": ca_file, "reason": error.strerror or error},
            _("It holds certificates in PEM format and is readable for the exporter."),
            step=step,
        ) from error


class _Adapter(HTTPAdapter):
    """Sends through one of our pools, whose sockets and TLS context do the checking."""

    def __init__(self, pool: HTTPConnectionPool) -> None:
        super().__init__(max_retries=0)
        self._pool = pool

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        return self._pool

    def close(self) -> None:
        self._pool.close()

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to add: the pool's TLS context verifies names and authorities by itself."""


class _DialledConnection(HTTPConnection):
    """Takes its socket from `dial`, the rest from urllib3."""

    scheme: ClassVar[str] = "http"

    def __init__(self, *args: Any, policy: AddressPolicy, watch: Watch, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._policy = policy
        self._watch = watch

    def _new_conn(self) -> WatchedSocket:
        return dial(
            self._dns_host,
            self.port,
            scheme=self.scheme,
            policy=self._policy,
            watch=self._watch,
            seconds=float(self.timeout or Limits.connect),
        )


class _DialledTLSConnection(_DialledConnection, HTTPSConnection):
    scheme = "https"


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _DialledConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _DialledTLSConnection


def _shared_tls_context(ca_file: str, changed_at: int) -> ssl.SSLContext:
    # One after the other: clients that start together would each make one.
    with _making_context:
        return _made_tls_context(ca_file, changed_at)


@lru_cache(maxsize=4)
def _made_tls_context(ca_file: str, _changed_at: int) -> ssl.SSLContext:
    """Trusts the system's authorities, and besides them those of `ca_file` if there is one.

    Names and authorities are checked, as PROTOCOL_TLS_CLIENT has it.
    """
    context = WatchedTLSContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    # A small machine may have no authorities of its own.
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


def _read_whole(response: BaseHTTPResponse, max_bytes: int, step: str) -> bytes:
    if not _is_decodable(response):
        raise DecodeError("the answer came in an encoding that was not asked for")
    parts: list[bytes] = []
    size = 0
    # urllib3 (from 2.6 on) decodes no more than this at a time, whatever a packet would inflate to.
    while part := response.read(_CHUNK_BYTES, decode_content=True):
        size += len(part)
        if size > max_bytes:
            raise AnswerTooLargeError(
                _("the answer is larger than %(size)s bytes") % {"size": grouped(max_bytes)},
                _("Choose a smaller page size."),
                step=step,
                status=response.status,
            )
        parts.append(part)
    return b"".join(parts)


def _read_beginning(response: BaseHTTPResponse) -> bytes:
    """As much of an error's body as a message needs; its faults must not hide the status."""
    body = b""
    if _is_decodable(response):
        with suppress(HTTPError, OSError, DeadlineError):
            body = response.read(_ERROR_BODY_BYTES, decode_content=True)
    # What may be left unread would otherwise begin the next answer on this connection.
    response.close()
    return body


def _is_decodable(response: BaseHTTPResponse) -> bool:
    """Only gzip was asked for; other decoders are not known to keep within limits."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    return encoding in ("", "identity", "gzip", "x-gzip")
