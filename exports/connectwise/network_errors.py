"""What the libraries below raise, in the words of a person (H3)."""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPException, IncompleteRead
from typing import Final

from urllib3.exceptions import DecodeError, HTTPError

from .addresses import AddressRefusedError
from .errors import (
    AddressBlockedError,
    CertificateError,
    ConnectWiseError,
    UnreachableError,
    WrongShapeError,
)
from .sockets import DeadlineError

FOREIGN_ERRORS: Final = (DeadlineError, AddressRefusedError, HTTPError, OSError)


def own_error(error: Exception, *, host: str, step: str) -> ConnectWiseError:
    """The ConnectWiseError for one of FOREIGN_ERRORS; `host` is how the user knows the site."""
    if isinstance(error, AddressRefusedError):
        return AddressBlockedError(f"{host} was not called", str(error), step=step)
    if isinstance(error, DecodeError):
        return WrongShapeError(
            f"the answer of {host} could not be decompressed",
            "Run again; if it stays so, look for a proxy that changes answers.",
            step=step,
            status=200,
        )
    causes = _causes(error)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CertificateError(
                f"the certificate of {host} was not accepted: {cause.verify_message}",
                "Check the site's name; for a certificate of your own authority the operator "
                "configures its CA file.",
                step=step,
            )
    return UnreachableError(*_words(causes, host), step=step)


def _words(causes: list[BaseException], host: str) -> tuple[str, str]:
    if isinstance(causes[0], DeadlineError):
        return (
            f"{host} had not answered in full after {causes[0].seconds:g} seconds",
            "Run again, perhaps with a smaller page size.",
        )
    for kind, problem, advice in _WORDS:
        if any(isinstance(cause, kind) for cause in causes):
            return problem.format(host=host), advice
    reason = getattr(causes[-1], "strerror", None) or type(causes[-1]).__name__
    return f"the connection to {host} failed: {reason}", "Check the site and the network."


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what led to it; urllib3 wraps most of what comes from below."""
    causes = [error]
    while below := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        error = below
        causes.append(error)
    return causes


_WORDS: Final[tuple[tuple[type[BaseException], str, str], ...]] = (
    (IncompleteRead, "the answer of {host} was cut short", "Run again, and check the network."),
    (
        socket.gaierror,
        "the name of {host} could not be looked up",
        "Check the spelling of the site, and the name server of this machine.",
    ),
    (
        ConnectionRefusedError,
        "{host} refused the connection",
        "Check the site and its port, and that the server is up.",
    ),
    (
        ConnectionError,
        "{host} closed the connection before it had answered",
        "Run again; if it stays so, check the site and what stands between, such as a firewall.",
    ),
    (
        TimeoutError,
        "{host} did not answer in time",
        "Check the site and the network, or run again when ConnectWise is less busy.",
    ),
    (
        ssl.SSLError,
        "no secure connection to {host} came about",
        "Check that the site's port speaks https.",
    ),
    (
        HTTPException,
        "{host} sent what no web server sends",
        "Check the site and its port.",
    ),
)
