"""Whose certificates are believed (C6)."""

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
    """Read the certificates to be trusted, so that the first request need not wait for it.

    A file that cannot be read is reported by that request.
    """
    with suppress(CertificateError, ssl.SSLError):
        tls_context(ca_file, step="")


def tls_context(ca_file: str | None, step: str) -> ssl.SSLContext:
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
    # A name in the subject alone vouches for nothing since RFC 2818; OpenSSL still takes it.
    context.hostname_checks_common_name = False
    context.load_default_certs()
    # A small machine may have no authorities of its own.
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    if ca_file:
        context.load_verify_locations(ca_file)
    return context
