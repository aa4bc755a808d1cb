"""Speaks to the mail server of the settings, over sockets that obey a deadline and a stop (H4).

A server that greets and never answers, or answers a byte a minute, holds nobody.
"""

import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from django.conf import settings

from exports.connectwise.http.sockets import (
    Watch,
    WatchedSocket,
    dial,
)
from exports.connectwise.http.tls import tls_context
from exports.connectwise.language import gettext as _
from exports.models.codes import ChannelErrorCode
from exports.notifications.errors import ChannelError
from exports.notifications.smtp_errors import own_errors, partly_refused, quoted_answer

# For one answer, and for a whole mail with its file.
ANSWER_SECONDS: Final = 20.0
SECONDS_IN_ALL: Final = 90.0
_OWN_NAME: Final = "cwexport"


class _Client(smtplib.SMTP):
    """Connects by `dial`; greets with a fixed name instead of looking up its own."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        super().__init__(local_hostname=_own_name(), timeout=ANSWER_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        # The operator chose this host by a setting, so its address is not judged.
        sock = dial(host, port, scheme="https", policy=None, watch=self._watch, seconds=timeout)
        return self.secured(sock, host)

    def secured(self, sock: WatchedSocket, host: str) -> socket.socket:
        return sock


class _TLSClient(_Client):
    def secured(self, sock: WatchedSocket, host: str) -> socket.socket:
        wrapped: socket.socket = _context().wrap_socket(sock, server_hostname=host)
        return wrapped


class MailServer:
    """One conversation with the mail server. Methods raise ChannelError, SendingStoppedError."""

    def __init__(self, is_over: Callable[[], bool]) -> None:
        self._watch = Watch(is_over)
        self._watch.begin(SECONDS_IN_ALL)
        kind = _TLSClient if settings.CWEXPORT_SMTP_TLS == "tls" else _Client
        with own_errors():
            self._client = kind(self._watch)

    def connect(self) -> str:
        """Connect, secure the connection, and return the greeting."""
        host, port = settings.CWEXPORT_SMTP_HOST, settings.CWEXPORT_SMTP_PORT
        # smtplib reads the name for the certificate from here.
        self._client._host = host  # type: ignore[attr-defined]
        with own_errors():
            code, greeting = self._client.connect(host, port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, greeting)
            self._client.ehlo_or_helo_if_needed()
            if settings.CWEXPORT_SMTP_TLS == "starttls":
                self._start_tls()
        return quoted_answer(greeting)

    def log_in(self) -> str:
        if not settings.CWEXPORT_SMTP_USER:
            return _("None is asked for: CWEXPORT_SMTP_USER is not set.")
        with own_errors():
            user, password = settings.CWEXPORT_SMTP_USER, settings.CWEXPORT_SMTP_PASSWORD
            code, said = self._client.login(user, password)
        return f"{code} {quoted_answer(said)}"

    def send(self, sender: str, recipients: Sequence[str], mail: bytes) -> str:
        """Hand the mail over and return what the server said."""
        refused: dict[str, tuple[int, bytes]] = {}
        with own_errors():
            _expect(self._client.mail(sender, [f"size={len(mail)}"] if self._knows_size() else []))
            for recipient in recipients:
                code, said = self._client.rcpt(recipient)
                if code // 100 != 2:
                    refused[recipient] = (code, said)
            if len(refused) == len(recipients):
                raise smtplib.SMTPRecipientsRefused(refused)
            answer = _expect(self._client.data(mail))
        if refused:
            raise partly_refused(refused, answer)
        return answer

    def close(self) -> None:
        with suppress(Exception):
            self._client.close()

    def _start_tls(self) -> None:
        if not self._client.has_extn("starttls"):
            raise ChannelError(
                ChannelErrorCode.CERTIFICATE,
                _(
                    "%(server)s offers no encryption at this port. Use the port for mail programs "
                    "(587, or 465 with CWEXPORT_SMTP_TLS=tls)."
                )
                % {"server": settings.CWEXPORT_SMTP_HOST},
            )
        self._client.starttls(context=_context())
        self._client.ehlo_or_helo_if_needed()

    def _knows_size(self) -> bool:
        return bool(self._client.has_extn("size"))


def _context() -> ssl.SSLContext:
    return tls_context(settings.CWEXPORT_CA_FILE or None, step="address")


def _own_name() -> str:
    name = socket.gethostname()
    return name if name.isascii() and "." in name else f"{_OWN_NAME}.invalid"


def _expect(answer: tuple[int, bytes]) -> str:
    code, said = answer
    if code // 100 != 2:
        raise smtplib.SMTPResponseException(code, said)
    return f"{code} {quoted_answer(said)}"
