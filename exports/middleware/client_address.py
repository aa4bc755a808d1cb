"""Who is calling: the address to count requests by, and the one to compare with networks."""

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from django.conf import settings
from django.http import HttpRequest

# All clients with an unreadable address share this one.
UNKNOWN: Final = "0.0.0.0"  # noqa: S104 (nothing listens here)
# One subscriber usually has a whole /64 of IPv6 addresses.
_SUBSCRIBER_BITS: Final = 64
_WITH_PORT: Final = re.compile(r"\[([^\]]+)\](?::\d+)?|([\d.]+):\d+")


def client_address(request: HttpRequest) -> str:
    """The client's address; for IPv6 the first address of its network.

    Each proxy appends the address that called it to X-Forwarded-For, so with two proxies the second
    from the right is the client. Anything further left can be forged.
    """
    return _counted(calling_ip(request))


def calling_ip(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """The client's own address; None when it cannot be read."""
    address = request.META.get("REMOTE_ADDR", "")
    if proxy_count := settings.CWEXPORT_TRUSTED_PROXIES:
        hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        # Fewer entries than proxies: one was bypassed, or does not add its caller.
        if len(hops) >= proxy_count and hops != [""]:
            address = hops[-proxy_count]
    return _parsed(address)


def _counted(address: IPv4Address | IPv6Address | None) -> str:
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), _SUBSCRIBER_BITS), strict=False).network_address)
    return str(address)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    text = text.strip().strip('"')
    if match := _WITH_PORT.fullmatch(text):
        text = match[1] or match[2]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
