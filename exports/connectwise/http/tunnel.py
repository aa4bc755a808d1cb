"""Connects through a proxy by CONNECT; TLS then goes end to end to ConnectWise."""

from __future__ import annotations

import re
from typing import Final

from exports.connectwise.http.proxy import Proxy
from exports.connectwise.http.sockets import Watch, WatchedSocket, dial

_LONGEST_HEAD: Final = 16_384


class ProxyUnreachableError(OSError):
    """No connection to the proxy itself; its cause is the reason."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(f"{proxy} could not be connected to")
        self.proxy = proxy


class ProxyRefusedError(OSError):
    """The proxy refused to connect; `status` is 0 when its answer was not HTTP."""

    def __init__(self, proxy: Proxy, status: int) -> None:
        super().__init__(f"{proxy} refused with {status}")
        self.proxy = proxy
        self.status = status


def dial_through(
    proxy: Proxy, host: str, port: int, *, watch: Watch, seconds: float
) -> WatchedSocket:
    """A socket to `host` through `proxy`. Raises what `dial` raises, and the errors above."""
    try:
        # Any address is allowed, as the operator configured the proxy.
        sock = dial(
            proxy.host, proxy.port, scheme="http", policy=None, watch=watch, seconds=seconds
        )
    except OSError as error:
        raise ProxyUnreachableError(proxy) from error
    try:
        sock.sendall(_request(proxy, host, port))
        status = _status(_read_head(sock))
        if status // 100 != 2:
            raise ProxyRefusedError(proxy, status)
    except BaseException:
        sock.close()
        raise
    return sock


def _request(proxy: Proxy, host: str, port: int) -> bytes:
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _read_head(sock: WatchedSocket) -> bytes:
    """Read the head byte by byte, as the bytes after it come from the host."""
    head, byte = b"", bytearray(1)
    while not head.endswith(b"\r\n\r\n") and len(head) < _LONGEST_HEAD and sock.recv_into(byte):
        head += byte
    return head


def _status(head: bytes) -> int:
    found = re.match(rb"HTTP/1\.[01] ([1-5]\d\d)\b", head)
    return int(found[1]) if found and head.endswith(b"\r\n\r\n") else 0
