"""The address that a request is counted by."""

import re
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

from django.conf import settings
from django.http import HttpRequest

# What cannot be read is one address for all who send such.
UNKNOWN: Final = "0.0.0.0"  # noqa: S104 (nothing listens here)
# One subscriber has as many IPv6 addresses as this network holds.
_SUBSCRIBER_BITS: Final = 64
_WITH_PORT: Final = re.compile(r"\[([^\]]+)\](?::\d+)?|([\d.]+):\d+")


def client_address(request: HttpRequest) -> str:
    """Who is calling; the first address of its network for IPv6.

    Each proxy adds to the right of X-Forwarded-For whoever called it, so with two of them the
    second from the right is the client. Whatever stands further left anybody may have written.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if proxy_count := settings.CWEXPORT_TRUSTED_PROXIES:
        hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        # Fewer than the proxies: one of them was gone around, or does not say who called it.
        if len(hops) >= proxy_count and hops != [""]:
            address = hops[-proxy_count]
    return _counted(address)


def _counted(text: str) -> str:
    text = text.strip().strip('"')
    if match := _WITH_PORT.fullmatch(text):
        text = match[1] or match[2]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(IPv6Network((int(address), _SUBSCRIBER_BITS), strict=False).network_address)
    return str(address)
