"""TLS contexts: which certificate authorities are trusted (C6)."""

from __future__ import annotations

import os
import ssl
import threading
from contextlib import suppress
from functools import lru_cache
from typing import Final

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from exports.connectwise.http.errors import CertificateError
from exports.connectwise.http.sockets import WatchedTLSContext
from exports.connectwise.language import gettext as _

_making_context: Final = threading.Lock()


def read_authorities(ca_file: str | None) -> None:
    """Load the trusted certificates, so that the first request need not wait for it.

    An unreadable file is reported by the first request instead.
    """
    with suppress(CertificateError, ssl.SSLError):
        tls_context(ca_file, step="")


def tls_context(ca_file: str | None, step: str) -> ssl.SSLContext:
    if not ca_file:
        return _shared_tls_context("", 0)
    try:
        # With the time of change, so that a changed file is read again.
        return _shared_tls_context(ca_file, os.stat(ca_file).st_mtime_ns)
    except OSError as error:
        raise CertificateError(
            _("the CA file %(file)s cannot be used: %(reason)s")
            % {"file": ca_file, "reason": error.strerror or error},
            _("It holds certificates in PEM format and is readable for the exporter."),
            step=step,
        ) from error


def _shared_tls_context(ca_file: str, changed_at: int) -> ssl.SSLContext:
    # Under a lock: clients that start together would each make one.
    with _making_context:
        return _made_tls_context(ca_file, changed_at)


@lru_cache(maxsize=4)
def _made_tls_context(ca_file: str, _changed_at: int) -> ssl.SSLContext:
    """Trusts the system's authorities, and those of `ca_file` if given.

    PROTOCOL_TLS_CLIENT checks names and authorities.
    """
    context = WatchedTLSContext(ssl.PROTOCOL_TLS_CLIENT)
    # RFC 2818 deprecates a host name only in the subject, but OpenSSL still accepts it.
    context.hostname_checks_common_name = False
    context.load_default_certs()
    # A small machine may have no authorities of its own.
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    if ca_file:
        context.load_verify_locations(ca_file)
    return context
