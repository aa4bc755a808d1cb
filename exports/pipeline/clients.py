"""Makes the ConnectWise client for runs, previews and connection tests."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from django.conf import settings

from exports.connectwise.http.client import ConnectWiseClient, Limits, RetryPolicy, Wait
from exports.connectwise.http.credentials import Credentials
from exports.connectwise.http.sites import Site
from exports.models.addresses import address_policy
from exports.product import user_agent


def make_client(
    site: Site,
    credentials: Credentials,
    *,
    stop: Callable[[], bool],
    limits: Limits,
    retry: RetryPolicy,
    on_wait: Callable[[Wait], None] | None = None,
    semaphore: AbstractContextManager[object] | None = None,
) -> ConnectWiseClient:
    """A client with the allowed networks, proxy and CA file from the settings."""
    return ConnectWiseClient(
        site,
        credentials,
        policy=address_policy(),
        route=settings.CWEXPORT_ROUTE,
        ca_file=settings.CWEXPORT_CA_FILE or None,
        stop=stop,
        limits=limits,
        retry=retry,
        on_wait=on_wait,
        semaphore=semaphore,
        user_agent=user_agent(),
    )
