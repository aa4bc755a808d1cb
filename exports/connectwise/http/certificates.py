"""Until when a server's certificate is valid, so that people know before runs fail."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import Final

from exports.connectwise.http.addresses import AddressPolicy
from exports.connectwise.http.errors import CertificateError
from exports.connectwise.http.network_errors import FOREIGN_ERRORS
from exports.connectwise.http.proxy import Route
from exports.connectwise.http.sockets import Stop, StopRequestedError, Watch, dial
from exports.connectwise.http.tls import tls_context
from exports.connectwise.http.tunnel import dial_through

_SECONDS: Final = 10.0


def certificate_ends_at(
    host: str,
    port: int,
    *,
    policy: AddressPolicy,
    stop: Stop,
    ca_file: str | None = None,
    route: Route | None = None,
) -> datetime | None:
    """None when the server cannot be asked now; why is what its runs and tests say."""
    watch = Watch(stop)
    watch.begin(2 * _SECONDS)
    proxy = (route or Route()).proxy_for("https", host)
    try:
        if proxy:
            sock = dial_through(proxy, host, port, watch=watch, seconds=_SECONDS)
        else:
            sock = dial(host, port, scheme="https", policy=policy, watch=watch, seconds=_SECONDS)
        with tls_context(ca_file, step="").wrap_socket(sock, server_hostname=host) as secured:
            shown = secured.getpeercert() or {}
    except (*FOREIGN_ERRORS, StopRequestedError, CertificateError):
        return None
    ends = shown.get("notAfter")
    if not isinstance(ends, str):
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
