"""Sockets that end within a tick on a stop, and at a deadline even for slow responses (H1, H4).

A timeout of the standard library restarts with every byte. So these sockets wait in ticks and check
the request's `Watch` in between.
"""

from __future__ import annotations

import os
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from errno import EINPROGRESS
from ipaddress import ip_address
from typing import Any, Final, TypeVar

from urllib3.util.wait import wait_for_write

from exports.connectwise.http import outgoing
from exports.connectwise.http.addresses import AddressPolicy, AddressRefusedError

Stop = Callable[[], bool] | threading.Event
_T = TypeVar("_T")

TICK: Final = 0.1
_REASON: Final = "dial"  # as the fence names this module


class StopRequestedError(Exception):
    """The caller asked to stop. Not an OSError, so that libraries do not handle it as a fault."""


class DeadlineError(Exception):
    """A request exceeded its total time, which is `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Watch:
    """The caller's stop and the deadline of the current request."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop.is_set if isinstance(stop, threading.Event) else stop
        self.begin(float("inf"))

    def begin(self, seconds: float) -> None:
        """Start a request that may take this many seconds in total."""
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._next_look = 0.0

    def check(self) -> None:
        """Raise StopRequestedError or DeadlineError when due; fast enough for every packet."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + TICK
            if self._stop():
                raise StopRequestedError
        if now >= self._deadline:
            raise DeadlineError(self._seconds)

    def pause(self, seconds: float) -> None:
        """Sleep between requests; StopRequestedError ends it early."""
        self.begin(float("inf"))
        end = time.monotonic() + seconds
        self.check()
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, TICK))
            self.check()


class WatchedSocket(socket.socket):
    """A TCP socket that waits in ticks; its timeouts work as usual."""

    watch: Watch
    _patience: float | None = None

    def settimeout(self, value: float | None) -> None:
        self._patience = value
        super().settimeout(TICK if value is None else min(value, TICK))

    def gettimeout(self) -> float | None:
        return self._patience

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        return self._in_ticks(lambda: super(WatchedSocket, self).recv_into(*args, **kwargs))

    def send(self, *args: Any, **kwargs: Any) -> int:
        return self._in_ticks(lambda: super(WatchedSocket, self).send(*args, **kwargs))

    def sendall(self, data: Any, flags: int = 0) -> None:
        left = memoryview(data).cast("B")
        while left:
            left = left[self.send(left, flags) :]

    def _in_ticks(self, call: Callable[[], _T]) -> _T:
        end = None if self._patience is None else time.monotonic() + self._patience
        while True:
            self.watch.check()
            try:
                return call()
            except TimeoutError:
                if end is not None and time.monotonic() >= end:
                    raise


class WatchedTLSContext(ssl.SSLContext):
    """Makes TLS sockets that obey the watch of the socket they wrap.

    All clients share one context, as loading the authorities takes 16 ms or more.
    """

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        watch: Watch = sock.watch  # type: ignore[attr-defined]  # always a WatchedSocket
        wrapped: ssl.SSLSocket = _tls_socket_class(watch)._create(  # type: ignore[attr-defined]
            sock, *args, context=self, **kwargs
        )
        return wrapped


def _tls_socket_class(watch: Watch) -> type[ssl.SSLSocket]:
    """A class per watch, as the handshake starts before the new socket can be given one."""

    class WatchedTLSSocket(WatchedSocket, ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            try:
                self._in_ticks(lambda: super(WatchedTLSSocket, self).do_handshake(block))
            except BaseException:
                self.close()  # the ssl module closes it only for an OSError
                raise

        def send(self, *args: Any, **kwargs: Any) -> int:
            try:
                return super().send(*args, **kwargs)
            except (ConnectionError, ssl.SSLError):
                # With TLS 1.3 a server refuses a missing client certificate only after the
                # handshake: its reason may be here already, unread.
                self.recv_into(bytearray(1))
                raise

    WatchedTLSSocket.watch = watch
    return WatchedTLSSocket


def dial(
    host: str,
    port: int,
    *,
    scheme: str,
    policy: AddressPolicy | None,
    watch: Watch,
    seconds: float,
) -> WatchedSocket:
    """Connect to the first address of `host` that answers, out of those the policy allows.

    The name is resolved once and the checked address itself is connected to, so that a name that
    resolves differently later does not matter (C6). `seconds` is for all addresses together.
    Raises OSError, AddressRefusedError when no address may be called, and what `watch` raises.
    """
    end = time.monotonic() + seconds
    found = _resolve(host, port, watch, seconds)
    failures: list[Exception] = []
    for index, (family, address) in enumerate(found):
        left = end - time.monotonic()
        try:
            if policy:
                policy.check(address[0], scheme=scheme)
            connected = _connect(family, address, watch, left / (len(found) - index))
        except (OSError, AddressRefusedError) as error:
            failures.append(error)
        else:
            connected.settimeout(seconds)
            return connected
    raise next((error for error in failures if isinstance(error, OSError)), failures[0])


def _resolve(host: str, port: int, watch: Watch, seconds: float) -> list[tuple[int, Any]]:
    if _is_address(host):
        return _look_up(host, port, socket.AI_NUMERICHOST)
    found: queue.SimpleQueue[list[tuple[int, Any]] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found.put(_look_up(host, port))
        except (OSError, UnicodeError) as error:
            found.put(error)

    # The resolver has no timeout and cannot be interrupted; its thread can only be abandoned.
    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    end = time.monotonic() + seconds
    while True:
        watch.check()
        try:
            result = found.get(timeout=TICK)
        except queue.Empty:
            if time.monotonic() >= end:
                raise socket.gaierror(
                    socket.EAI_AGAIN, "the name server did not answer in time"
                ) from None
            continue
        if isinstance(result, UnicodeError):
            raise socket.gaierror(socket.EAI_NONAME, "not a name") from result
        if isinstance(result, Exception):
            raise result
        return result


def _look_up(host: str, port: int, flags: int = 0) -> list[tuple[int, Any]]:
    with outgoing.allow(host, port, _REASON, policy=None):
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _connect(family: int, address: Any, watch: Watch, seconds: float) -> WatchedSocket:
    end = time.monotonic() + seconds
    sock = WatchedSocket(family, socket.SOCK_STREAM)
    try:
        sock.watch = watch
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        # `dial` has judged this address, so nothing else about it matters.
        with outgoing.allow(address[0], address[1], _REASON, policy=None):
            failed = sock.connect_ex(address)
        if failed == EINPROGRESS:
            while not wait_for_write(sock, timeout=TICK):
                watch.check()
                if time.monotonic() >= end:
                    raise TimeoutError("no connection in time")
            failed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            raise OSError(failed, os.strerror(failed))
    except BaseException:
        sock.close()
        raise
    return sock
