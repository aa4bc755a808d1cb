"""Which addresses are public, and which IPv4 addresses an IPv6 address stands for (rule C6)."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

from exports.connectwise.language import gettext_noop

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Table = tuple[tuple[Network, str], ...]


def never_called_reason(address: Address) -> str:
    """Why this address is never called, even if listed, in English; "" when it may be."""
    return _reason(_NEVER, address) or _outside_reason(address)


def not_public_reason(address: Address) -> str:
    """Why this address must be listed by the operator, in English; "" when public."""
    return _reason(_ONLY_WHEN_LISTED, address)


def meant_addresses(address: Address) -> list[Address]:
    """The IPv4 addresses an IPv6 one stands for (mapped, 6to4, NAT64, Teredo), else itself."""
    if isinstance(address, IPv4Address):
        return [address]
    if embedded := address.ipv4_mapped or address.sixtofour:
        return [embedded]
    if address in _NAT64:
        return [_low_ipv4(int(address))]
    if address in _NAT64_LOCAL:
        return _local_nat64_addresses(int(address))
    return list(address.teredo or [address])


def _local_nat64_addresses(number: int) -> list[Address]:
    """The IPv4 addresses in both places that RFC 6052 allows; a gateway may use either."""
    last = _low_ipv4(number)
    middle = IPv4Address((number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF)
    # 0.x.y.z in one place means that the address is in the other.
    return [place for place in (last, middle) if place not in _THIS_NETWORK] or [last]


def _low_ipv4(number: int) -> IPv4Address:
    return IPv4Address(number & 0xFFFFFFFF)


def _outside_reason(address: Address) -> str:
    if isinstance(address, IPv4Address) or any(address in used for used in _USED_IPV6):
        return ""
    return _RESERVED


def _reason(table: Table, address: Address) -> str:
    return next((reason for network, reason in table if address in network), "")


def _table(rows: dict[str, str]) -> Table:
    return tuple(
        (ip_network(network), reason)
        for reason, networks in rows.items()
        for network in networks.split()
    )


_THIS_NETWORK: Final = IPv4Network("0.0.0.0/8")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = IPv6Network("64:ff9b:1::/48")
_USED_IPV6: Final = tuple(map(IPv6Network, ("2000::/3", "fc00::/7", "::1/128")))

_RESERVED: Final = gettext_noop("it is reserved")
# Own tables instead of ipaddress.is_private and the like, which change between patch releases.
_NEVER: Final = _table(
    {
        gettext_noop("it names no host"): "0.0.0.0/8 ::/128",
        gettext_noop("it is the metadata service of a cloud"): (
            "169.254.169.254 100.100.100.200 168.63.129.16 192.0.0.192 fd00:ec2::/32 fd20:ce::254"
        ),
        gettext_noop("it is link-local"): "169.254.0.0/16 fe80::/10",
        gettext_noop("it is multicast"): "224.0.0.0/4 ff00::/8",
        gettext_noop("it is the broadcast address"): "255.255.255.255",
        _RESERVED: "192.0.0.0/24 240.0.0.0/4",
    }
)
_ONLY_WHEN_LISTED: Final = _table(
    {
        gettext_noop("it is this machine itself"): "127.0.0.0/8 ::1",
        gettext_noop("it is a private network"): "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7",
        gettext_noop("it is a provider's inner network"): "100.64.0.0/10",
        gettext_noop("it is a test network"): "198.18.0.0/15",
        gettext_noop("it is kept for documentation"): (
            "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20"
        ),
        gettext_noop("it is kept for protocols"): "2001::/23",
    }
)
