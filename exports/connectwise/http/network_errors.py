"""Turns network errors of libraries into ConnectWiseErrors with readable messages (H3)."""

from __future__ import annotations

import errno
import socket
import ssl
from http.client import BadStatusLine, HTTPException, IncompleteRead
from typing import Final

from urllib3.exceptions import DecodeError, HTTPError

from exports.connectwise.http.addresses import AddressRefusedError
from exports.connectwise.http.errors import (
    AddressBlockedError,
    CertificateError,
    ConnectWiseError,
    UnreachableError,
    WrongShapeError,
)
from exports.connectwise.http.sockets import DeadlineError
from exports.connectwise.http.tunnel import ProxyRefusedError, ProxyUnreachableError
from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop, joined, message_of

_Kinds = type[BaseException] | tuple[type[BaseException], ...]
# ValueError and OverflowError come from lengths and numbers that the libraries do not expect.
FOREIGN_ERRORS: Final = (
    DeadlineError,
    AddressRefusedError,
    HTTPError,
    HTTPException,
    OSError,
    ValueError,
    OverflowError,
)


def own_error(error: Exception, *, host: str, step: str, hint: str = "") -> ConnectWiseError:
    """The ConnectWiseError for one of FOREIGN_ERRORS; `host` is the host the user entered.

    `hint` is added to the advice when no connection was made.
    """
    if isinstance(error, AddressRefusedError):
        problem = _("%(host)s was not called") % {"host": host}
        return AddressBlockedError(problem, message_of(error), step=step)
    if isinstance(error, DecodeError):
        return WrongShapeError(
            _("the answer of %(host)s could not be decompressed") % {"host": host},
            _("Run again; if it stays so, look for a proxy that changes answers."),
            step=step,
            status=200,
        )
    causes = _causes(error)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CertificateError(
                _("the certificate of %(host)s was not accepted: %(reason)s")
                % {"host": host, "reason": cause.verify_message},
                _(
                    "Check the site's name; for a certificate of your own authority the operator "
                    "configures its CA file."
                ),
                step=step,
            )
    for cause in causes:
        if isinstance(cause, ProxyRefusedError | ProxyUnreachableError):
            return _proxy_error(cause, host, step)
        if found := _tls_problem(cause):
            refused = UnreachableError(_(found[0]) % {"host": host}, _(found[1]), step=step)
            refused.is_lasting = True
            return refused
    fault, advice = _problem(causes, host)
    if hint and any(map(_is_without_connection, causes)):
        advice = joined([advice, hint])
    return UnreachableError(fault, advice, step=step)


def _is_without_connection(cause: BaseException) -> bool:
    if isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return True
    return isinstance(cause, socket.gaierror | ConnectionRefusedError | TimeoutError)


def _proxy_error(
    cause: ProxyRefusedError | ProxyUnreachableError, host: str, step: str
) -> UnreachableError:
    params = {"proxy": cause.proxy, "host": host}
    if isinstance(cause, ProxyUnreachableError):
        return UnreachableError(
            _("the proxy %(proxy)s, by which %(host)s is called, could not be reached") % params,
            _("Check CWEXPORT_PROXY, and that the proxy is up."),
            step=step,
        )
    if not cause.status:
        problem = _("the proxy %(proxy)s did not answer as a proxy when asked for %(host)s")
        advice = _("Check the address and the port in CWEXPORT_PROXY.")
    elif cause.status == 407:
        problem = _("the proxy %(proxy)s did not accept the user and password of CWEXPORT_PROXY")
        advice = _("The operator corrects them there: http://user:password@host:port.")
    else:
        problem = _("the proxy %(proxy)s did not connect to %(host)s: it answered %(status)s")
        advice = _("Ask who runs the proxy to allow it, and check the site.")
    refused = UnreachableError(problem % {**params, "status": cause.status}, advice, step=step)
    refused.is_lasting = cause.status // 100 == 4
    return refused


def _tls_problem(cause: BaseException) -> tuple[str, str] | None:
    """Problem and advice when the TLS handshake would fail every time, else None."""
    if isinstance(cause, BadStatusLine) and str(cause)[:2] in _TLS_RECORDS:
        return _HTTPS_ON_HTTP
    if not isinstance(cause, ssl.SSLError):
        return None
    return next(
        (found for reasons, found in _HANDSHAKES if getattr(cause, "reason", None) in reasons), None
    )


def _problem(causes: list[BaseException], host: str) -> tuple[str, str]:
    if isinstance(causes[0], DeadlineError):
        seconds = f"{causes[0].seconds:g}"
        return (
            _("%(host)s had not answered in full after %(seconds)s seconds")
            % {"host": host, "seconds": seconds},
            _("Run again, perhaps with a smaller page size."),
        )
    for kind, problem, advice in _PROBLEMS:
        if any(isinstance(cause, kind) for cause in causes):
            return _(problem) % {"host": host}, _(advice)
    reason = getattr(causes[-1], "strerror", None) or type(causes[-1]).__name__
    return (
        _("the connection to %(host)s failed: %(reason)s") % {"host": host, "reason": reason},
        _("Check the site and the network."),
    )


def _causes(error: BaseException) -> list[BaseException]:
    """The error and the errors that it wraps, as urllib3 wraps most of them."""
    causes = [error]
    while below := _below(error):
        error = below
        causes.append(error)
    return causes


def _below(error: BaseException) -> BaseException | None:
    known = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    # urllib3's SSLError only names the one it stands for.
    named = error.args[0] if error.args else None
    return known or (named if isinstance(named, BaseException) else None)


# The start of a TLS alert or handshake, received in place of an HTTP status line.
_TLS_RECORDS: Final = ("\x15\x03", "\x16\x03")
_HTTPS_ON_HTTP: Final = (
    gettext_noop("%(host)s speaks https at this port, and was called with plain http"),
    gettext_noop("Type the site with https://."),
)
_HANDSHAKES: Final = (
    (
        {"TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_BAD_CERTIFICATE"},
        (
            gettext_noop("%(host)s demands a client certificate, and cwexport has none to show"),
            gettext_noop(
                "Ask who runs the server, or the proxy before it, to let this server's calls "
                "through without one."
            ),
        ),
    ),
    (
        {
            "DH_KEY_TOO_SMALL",
            "TLSV1_ALERT_PROTOCOL_VERSION",
            "UNSAFE_LEGACY_RENEGOTIATION_DISABLED",
            "UNSUPPORTED_PROTOCOL",
            "VERSION_TOO_LOW",
            "WRONG_SSL_VERSION",
        },
        (
            gettext_noop("%(host)s only speaks an old version of TLS, which is not safe any more"),
            gettext_noop("Ask who runs the server to switch on TLS 1.2 or newer."),
        ),
    ),
    (
        {"SSLV3_ALERT_HANDSHAKE_FAILURE", "NO_SHARED_CIPHER", "TLSV1_ALERT_INSUFFICIENT_SECURITY"},
        (
            gettext_noop("%(host)s and cwexport found no way of encryption that both accept"),
            gettext_noop(
                "Ask who runs the server: it may only know old ciphers, or demand a client "
                "certificate."
            ),
        ),
    ),
    (
        {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "UNEXPECTED_MESSAGE"},
        (
            gettext_noop("%(host)s does not speak https at this port"),
            gettext_noop(
                "It may be the port of plain http: check the port of the site; https usually has "
                "443."
            ),
        ),
    ),
)
_PROBLEMS: Final[tuple[tuple[_Kinds, str, str], ...]] = (
    (
        IncompleteRead,
        gettext_noop("the answer of %(host)s was cut short"),
        gettext_noop("Run again, and check the network."),
    ),
    (
        socket.gaierror,
        gettext_noop("the name of %(host)s could not be looked up"),
        gettext_noop("Check the spelling of the site, and the name server of this machine."),
    ),
    (
        ConnectionRefusedError,
        gettext_noop("%(host)s refused the connection"),
        gettext_noop("Check the site and its port, and that the server is up."),
    ),
    (
        ConnectionError,
        gettext_noop("%(host)s closed the connection before it had answered"),
        gettext_noop(
            "Run again; if it stays so, check the site and what stands between, such as a firewall."
        ),
    ),
    (
        TimeoutError,
        gettext_noop("%(host)s did not answer in time"),
        gettext_noop("Check the site and the network, or run again when ConnectWise is less busy."),
    ),
    (
        ssl.SSLError,
        gettext_noop("no secure connection to %(host)s came about"),
        gettext_noop("Check that the site's port speaks https."),
    ),
    (
        HTTPException,
        gettext_noop("%(host)s sent what no web server sends"),
        gettext_noop("Check the site and its port."),
    ),
    (
        (ValueError, OverflowError),
        gettext_noop("%(host)s sent what no web server sends"),
        gettext_noop("Check the site and its port."),
    ),
)
