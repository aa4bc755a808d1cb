"""Parses a site as people type it: scheme, host and port of a ConnectWise (rule C2)."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import ClassVar, Final
from urllib.parse import quote

from exports.connectwise.http.networks import Address
from exports.connectwise.language import gettext as _

_EXAMPLES: Final = {"cloud": "na.myconnectwise.net", "own": "cw.example.com:8443"}
_LABEL: Final = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_API_PREFIX: Final = "api-"
_CLOUD_HOSTS: Final = frozenset(
    {f"{region}.myconnectwise.net" for region in ("na", "eu", "au", "aus", "za")}
    | {"staging.connectwisedev.com"}
)


class SiteError(ValueError):
    """The typed site is not a valid address."""

    code: ClassVar[str] = "connectwise.site"


@dataclass(frozen=True)
class Site:
    """Scheme, host and port of a ConnectWise: all that is kept of a pasted URL (C2).

    `host` is lower-case ASCII, an IPv6 address without brackets; `port` is None for the scheme's
    default.
    """

    scheme: str
    host: str
    port: int | None = None

    def __str__(self) -> str:
        return self._origin(self.host)

    @property
    def is_cloud(self) -> bool:
        return self._login_host in _CLOUD_HOSTS

    @property
    def api_url(self) -> str:
        """The base URL of the API; cloud hosts answer only under their `api-` name."""
        host = f"{_API_PREFIX}{self._login_host}" if self.is_cloud else self.host
        return f"{self._origin(host)}/v4_6_release/apis/3.0"

    def company_info_url(self, company: str) -> str:
        """The login host's URL that says whether it knows a company; needs no credentials."""
        return f"{self._origin(self._login_host)}/login/companyinfo/{quote(company, safe='')}"

    @property
    def _login_host(self) -> str:
        bare = self.host.removeprefix(_API_PREFIX)
        return bare if bare in _CLOUD_HOSTS else self.host

    def _origin(self, host: str) -> str:
        bracketed = f"[{host}]" if ":" in host else host
        return f"{self.scheme}://{bracketed}" + (f":{self.port}" if self.port else "")


def parse_site(text: str, *, allow_http: bool) -> Site:
    """Parse a site as people paste it: a host, host:port or any URL on it.

    A path is dropped; anything that could send a key to another host is refused. Raises SiteError.
    """
    scheme, rest = _split_scheme(text.strip(), allow_http=allow_http)
    if any(character.isspace() or not character.isprintable() for character in rest):
        raise SiteError(
            _("A site holds no blanks or invisible characters, for example %(cloud)s or %(own)s.")
            % _EXAMPLES
        )
    if re.search(r"[?#\\]", rest):
        raise _too_much(scheme, rest)
    authority = rest.split("/", 1)[0]
    if "@" in authority:
        raise SiteError(
            _(
                "A site holds no user name or password: give the host alone and type the keys "
                "into their own fields."
            )
        )
    host, port = _split_port(authority)
    site = Site(scheme, _canonical_host(host), None if port == _DEFAULT_PORTS[scheme] else port)
    if site.is_cloud and scheme != "https":
        raise SiteError(
            _(
                "%(host)s is the ConnectWise cloud, which is called with https alone: type "
                "https://%(host)s."
            )
            % {"host": site.host}
        )
    return site


def _split_scheme(text: str, *, allow_http: bool) -> tuple[str, str]:
    if not text:
        raise SiteError(_("A site is needed, for example %(cloud)s or %(own)s.") % _EXAMPLES)
    before, separator, after = text.partition("://")
    if not separator:
        return "https", text.removeprefix("//")
    scheme = before.lower()
    if scheme not in _DEFAULT_PORTS:
        raise SiteError(
            _(
                "A site starts with https:// or with the host itself, for example %(cloud)s or "
                "%(own)s."
            )
            % _EXAMPLES
        )
    if scheme == "http" and not allow_http:
        raise SiteError(
            _(
                "Plain http would send the keys readable to everyone on the way: use https://. "
                "Only for a network of its own can the operator allow http "
                "(CWEXPORT_ALLOW_HTTP and CWEXPORT_ALLOWED_NETWORKS)."
            )
        )
    return scheme, after


def _too_much(scheme: str, rest: str) -> SiteError:
    """The error for text after the address; suggests a correction where it is clear."""
    before = re.split(r"[?#\\]", rest, maxsplit=1)[0]
    # With an @ after it, the supposed host may be a user name.
    if "@" not in rest.split("/", 1)[0]:
        try:
            meant = str(parse_site(f"{scheme}://{before}", allow_http=True))
        except SiteError:
            pass
        else:
            message = _("A site holds no ?, # or backslash. Type %(site)s.")
            return SiteError(message % {"site": meant.removeprefix("https://")})
    return SiteError(
        _(
            "A site holds no ?, # or backslash: give the host alone, for example %(cloud)s or "
            "%(own)s."
        )
        % _EXAMPLES
    )


def _split_port(authority: str) -> tuple[str, int | None]:
    if authority.count(":") > 1 and not authority.startswith("["):
        return authority, None  # an IPv6 address without brackets
    if authority.startswith("["):
        host, bracket, tail = authority[1:].partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            raise SiteError(
                _("An IPv6 address stands in brackets, like [2001:db8::1]:8443: %(host)s")
                % {"host": host}
            )
        host, port = f"[{host}]", tail[1:]
    else:
        host, _colon, port = authority.partition(":")
    if not port:
        return host, None
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise SiteError(_("The port behind the colon is a number from 1 to 65535, like :8443."))
    return host, int(port)


def _canonical_host(host: str) -> str:
    if host.startswith("[") or ":" in host:
        return _canonical_ipv6(host.strip("[]"))
    name = _to_ascii(host).lower().removesuffix(".")
    address = literal_address(name)
    if address is not None:
        return str(address)
    labels = name.split(".")
    if len(name) > 253 or not all(re.fullmatch(_LABEL, label) for label in labels):
        raise _no_host(host)
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        raise SiteError(
            _("“%(host)s” looks like an IP address but is none, for example %(cloud)s or %(own)s.")
            % {"host": host[:100], **_EXAMPLES}
        )
    return name


def _canonical_ipv6(text: str) -> str:
    try:
        if "%" in text:  # a zone id names a network card of this machine
            raise ValueError
        return str(IPv6Address(text))
    except ValueError:
        raise SiteError(
            _("“%(host)s” is not an IPv6 address: write it in brackets, like [2001:db8::1].")
            % {"host": text[:100]}
        ) from None


def _to_ascii(host: str) -> str:
    if host.isascii():
        return host
    # Python's codec follows IDNA 2003, browsers a later version. They differ in these four
    # characters, and a key must not go to another host than the one a browser shows.
    if re.search("[\u00df\u03c2\u200c\u200d]", host):
        raise SiteError(
            _("Write the host “%(host)s” in its ASCII form, which starts with xn--.")
            % {"host": host[:100]}
        )
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        raise _no_host(host) from None


def _no_host(host: str) -> SiteError:
    return SiteError(
        _("“%(host)s” is not the name of a host, for example %(cloud)s or %(own)s.")
        % {"host": host[:100], **_EXAMPLES}
    )


def literal_address(host: str) -> Address | None:
    """The IP address in `host`, in any form that resolvers accept: 127.1, 0x7f.1, 2852039166."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    if not re.fullmatch(r"[0-9a-fx.]+", host):
        return None
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None
