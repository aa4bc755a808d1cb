"""Clients for a RawServer with waits of milliseconds where the product waits seconds."""

import ssl
from ipaddress import ip_network
from typing import Any

import pytest

from exports.connectwise.http.addresses import AddressPolicy
from exports.connectwise.http.client import (
    ConnectWiseClient,
    ConnectWiseError,
    Credentials,
    Limits,
    RetryPolicy,
)
from exports.connectwise.http.sites import Site
from tests.demo.certificates import Certificates

from .raw_server import RawServer

PRIVATE_KEY = 'pK-"é&<9\\z'
CREDENTIALS = Credentials("acme", "public", PRIVATE_KEY, "11111111-2222-3333-4444-555555555555")
LOOPBACK = AddressPolicy((ip_network("127.0.0.0/8"),))
QUICK = RetryPolicy(scale=0.0001)
ONCE = RetryPolicy(tries=1)
# Long enough for a busy machine; tests of a timeout use HASTY.
SMALL = Limits(connect=60, read=60, total=120, max_body_bytes=100_000)
HASTY = Limits(connect=0.3, read=0.3, total=0.6, max_body_bytes=100_000)


def client_of(
    server: RawServer | int, *, scheme: str = "http", host: str = "127.0.0.1", **options: Any
) -> ConnectWiseClient:
    credentials = options.pop("credentials", CREDENTIALS)
    defaults = {"policy": LOOPBACK, "stop": lambda: False, "limits": SMALL, "retry": QUICK}
    port = server if isinstance(server, int) else server.port
    return ConnectWiseClient(Site(scheme, host, port), credentials, **{**defaults, **options})


def ask(client: ConnectWiseClient) -> list[int]:
    """The ids of one page of batches."""
    return client.batches("", page_size=1000).ids


def failure(client: ConnectWiseClient) -> ConnectWiseError:
    """The error that a request for batches ends with."""
    with pytest.raises(ConnectWiseError) as caught:
        ask(client)
    return caught.value


def server_context(certificates: Certificates) -> ssl.SSLContext:
    """For a RawServer that speaks TLS as 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates.pair)
    return context
