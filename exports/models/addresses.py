"""Which addresses this installation calls: what the core decides, with the operator's settings."""

from django.conf import settings

from exports.connectwise.http.addresses import AddressPolicy
from exports.connectwise.http.sites import Site, parse_site


def read_site(text: str) -> Site:
    """A site as people paste it. Raises SiteError."""
    return parse_site(text, allow_http=settings.CWEXPORT_ALLOW_HTTP)


def read_callable_site(text: str) -> Site:
    """A site whose address may be called, as far as can be said before it is looked up.

    Raises SiteError, AddressRefusedError.
    """
    site = read_site(text)
    address_policy().check_site(site)
    return site


def address_policy() -> AddressPolicy:
    return AddressPolicy(tuple(settings.CWEXPORT_ALLOWED_NETWORKS))
