"""Decides which addresses may be called (rule C6)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar

from exports.connectwise.http.networks import (
    Address,
    Network,
    meant_addresses,
    never_called_reason,
    not_public_reason,
)
from exports.connectwise.http.sites import Site, literal_address
from exports.connectwise.language import gettext as _


class AddressRefusedError(ValueError):
    """The address may not be called from this installation."""

    code: ClassVar[str] = "connectwise.address_blocked"


@dataclass(frozen=True)
class AddressPolicy:
    """Decides which IP addresses may be connected to (C6).

    Only in the operator's `allowed_networks` may loopback and private addresses be called, and http
    be used. Some addresses are never called, even if listed.
    """

    allowed_networks: tuple[Network, ...] = ()

    def check(self, address: str, *, scheme: str) -> None:
        """Raise AddressRefusedError unless this IP address may be called with this scheme."""
        for meant in meant_addresses(ip_address(address.partition("%")[0])):
            self._check_meant(meant, address, scheme)

    def check_site(self, site: Site) -> None:
        """Check a site that is an IP address before sending; names are checked once resolved."""
        literal = literal_address(site.host)
        if literal is not None:
            self.check(str(literal), scheme=site.scheme)

    def _check_meant(self, meant: Address, address: str, scheme: str) -> None:
        shown = address
        if str(meant) != address:
            shown = _("%(address)s (that is %(meant)s)") % {"address": address, "meant": meant}
        if never := never_called_reason(meant):
            raise AddressRefusedError(
                _("The address %(address)s is never called: %(reason)s.")
                % {"address": shown, "reason": _(never)}
            )
        if any(meant in network for network in self.allowed_networks):
            return
        if private := not_public_reason(meant):
            raise AddressRefusedError(
                _(
                    "The address %(address)s is not public: %(reason)s. If ConnectWise really "
                    "stands there, the operator lists its network in CWEXPORT_ALLOWED_NETWORKS."
                )
                % {"address": shown, "reason": _(private)}
            )
        if scheme != "https":
            raise AddressRefusedError(
                _(
                    "The address %(address)s may only be called with https: use an https:// site. "
                    "Plain http is for networks the operator lists in CWEXPORT_ALLOWED_NETWORKS."
                )
                % {"address": shown}
            )
