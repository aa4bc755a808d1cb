"""One fence for every outgoing connection (rule C6).

Once `install` was called, this process opens a connection or looks up a name only inside `allow`:

    with outgoing.allow("hooks.example.com", 443, "the channel Ops", policy=address_policy()):
        requests.post("https://hooks.example.com/…", timeout=10)

Everything else that a library opens on its own (a redirect to another host, a proxy of the
environment, telemetry) raises `OutgoingRefusedError`, an OSError, before a packet leaves, and is
logged once per host.

What to know:

- The address that is connected to is judged by `policy` at that moment, whatever the name resolved
  to before. `policy=None` is for hosts the operator chose by a setting (SMTP, a proxy).
- `scheme="http"` says that the connection is not encrypted; the policy then asks for a listed
  network. For SFTP or SMTP with TLS leave it at "https".
- It holds for the current thread only: give libraries with threads of their own an open socket
  (paramiko: `sock=`), or switch their threads off (boto3: `put_object`, or `use_threads=False`).
- It covers Python's `socket` module. Sockets opened in C (libpq for PostgreSQL) and other programs
  are not seen, Unix sockets not judged.
"""

from __future__ import annotations

import errno
import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from exports.connectwise.http.addresses import AddressPolicy, AddressRefusedError
from exports.connectwise.language import gettext as _

logger = logging.getLogger(__name__)

_MAX_HOSTS: Final = 1_000
_LOCAL_FAMILIES: Final = frozenset(
    getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK", "AF_ALG") if hasattr(socket, name)
)


class OutgoingRefusedError(PermissionError):
    """No part of the program has declared this connection; libraries see an OSError."""

    def __init__(self, message: str) -> None:
        super().__init__(errno.EACCES, message)

    def __str__(self) -> str:
        return str(self.strerror)


@dataclass(frozen=True)
class _Allowance:
    host: str
    port: int
    reason: str
    policy: AddressPolicy | None
    scheme: str

    def refusal(self, host: str, port: int) -> str | None:
        """None when `host`, an address or a name, may be connected to; else why not, or ""."""
        address = _address(host)
        is_other = host != self.host and (address is None or _address(self.host) is not None)
        if is_other or port != self.port:
            return ""
        if self.policy is None:
            return None
        if address is None:
            return _("its name must be looked up first, so that its address can be judged")
        try:
            self.policy.check(address, scheme=self.scheme)
        except AddressRefusedError as error:
            return str(error)
        return None


_allowed: ContextVar[tuple[_Allowance, ...]] = ContextVar("allowed", default=())
_refused_hosts: set[str] = set()
_is_installed = False


@contextmanager
def allow(
    host: str, port: int, reason: str, *, policy: AddressPolicy | None, scheme: str = "https"
) -> Iterator[None]:
    """Let this thread look up `host` and connect to that port of it; `reason` is for the log."""
    allowance = _Allowance(_plain(host), port, reason, policy, scheme)
    token = _allowed.set((*_allowed.get(), allowance))
    try:
        yield
    finally:
        _allowed.reset(token)


def install() -> None:
    """Put up the fence in this process, for good. Call it where a process starts."""
    global _is_installed
    if not _is_installed:
        _is_installed = True
        sys.addaudithook(_judge)


def is_installed() -> bool:
    """Whether the fence stands in this process."""
    return _is_installed


def _judge(event: str, args: tuple[Any, ...]) -> None:
    """Called for every audit event of the process, so the first line decides for nearly all."""
    if event in _EVENTS:
        _EVENTS[event](args)


def _judge_address(args: tuple[Any, ...]) -> None:
    sock, target = args[0], args[1]
    if target is None or sock.family in _LOCAL_FAMILIES:
        return
    if not isinstance(target, tuple) or sock.family not in (socket.AF_INET, socket.AF_INET6):
        _refuse(str(target), None, [])
    host, port = _plain(target[0]), target[1]
    reasons = [allowance.refusal(host, port) for allowance in _allowed.get()]
    if None not in reasons:
        _refuse(host, port, [reason for reason in reasons if reason])


def _judge_name(args: tuple[Any, ...]) -> None:
    host = _plain(args[0])
    # An address needs no look-up; the connection to it is judged.
    if _address(host) or host in ("", "localhost", _plain(socket.gethostname())):
        return
    if not any(allowance.host == host for allowance in _allowed.get()):
        _refuse(host, None, [])


_EVENTS: Final = {
    "socket.connect": _judge_address,
    "socket.sendto": _judge_address,
    "socket.sendmsg": _judge_address,
    "socket.getaddrinfo": _judge_name,
    "socket.gethostbyname": _judge_name,
    "socket.gethostbyaddr": _judge_name,
}


def _refuse(host: str, port: int | None, reasons: list[str]) -> None:
    shown = host if port is None else f"{host}:{port}"
    message = _("%(host)s was not called: no part of this program has declared it.")
    params: dict[str, Any] = {"host": shown}
    if reasons:
        message = _("%(host)s was not called: %(reason)s")
        params["reason"] = reasons[0]
    elif allowed := [f"{row.host}:{row.port} ({row.reason})" for row in _allowed.get()]:
        message = _("%(host)s was not called: only %(allowed)s may be called here.")
        params["allowed"] = ", ".join(allowed)
    error = OutgoingRefusedError(message % params)
    if host not in _refused_hosts and len(_refused_hosts) < _MAX_HOSTS:
        # Noted first, as the log itself may be sent somewhere.
        _refused_hosts.add(host)
        logger.warning(_("%(error)s Asked by %(module)s."), {"error": error, "module": _caller()})
    raise error


def _caller() -> str:
    """The first module on the stack that is neither this one nor Python's own."""
    frame = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", "?"))
        if name != __name__ and name.partition(".")[0] not in sys.stdlib_module_names:
            return name
        frame = frame.f_back  # type: ignore[assignment]
    return "?"


def _plain(host: object) -> str:
    """A host in one form: lower-case ASCII, addresses canonical."""
    text = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else host
    name = str(text or "").lower().removesuffix(".")
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return name
    return _address(name) or name


def _address(host: str) -> str | None:
    try:
        return str(ip_address(host))
    except ValueError:
        return None
