"""The proxy that may be the only way out, and which hosts are called by it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from exports.connectwise.language import gettext as _


@dataclass(frozen=True)
class Proxy:
    """Takes CONNECT, for `hosts` alone; `*.` stands for any subdomain.

    It looks names up itself, so no address can be checked first (C6): the operator lists the hosts.
    """

    host: str
    port: int
    authorization: str = field(default="", repr=False)
    hosts: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def serves(self, host: str) -> bool:
        if _is_address(host):
            return host in self.hosts
        return any(
            host.endswith(listed[1:]) if listed.startswith("*.") else host == listed
            for listed in self.hosts
        )


@dataclass(frozen=True)
class Route:
    """How this installation gets out. `is_environment_ignored`: HTTPS_PROXY is set, and not read.

    Proxies of the environment are meant for programs that may call anything.
    """

    proxy: Proxy | None = None
    is_environment_ignored: bool = False

    def proxy_for(self, scheme: str, host: str) -> Proxy | None:
        if self.proxy and scheme == "https" and self.proxy.serves(host):
            return self.proxy
        return None

    def hint(self, host: str) -> str:
        """What to add when `host` could not be connected to."""
        if self.proxy and not self.proxy.serves(host):
            return _(
                "It was called without the proxy of CWEXPORT_PROXY, as it is not listed in "
                "CWEXPORT_PROXY_HOSTS."
            )
        if not self.proxy and self.is_environment_ignored:
            return _(
                "HTTPS_PROXY is set on this machine, but not read: if a proxy is the only way out, "
                "the operator sets CWEXPORT_PROXY, for example http://proxy.example.com:3128."
            )
        return ""


def parse_proxy(text: str, hosts: list[str]) -> Proxy:
    """Read `http://user:password@host:port`. The ValueError shows nothing of it."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # which quotes what may be a part of the password
        raise ValueError("not a proxy") from None
    extra = parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme != "http" or not parts.hostname or not port or extra:
        raise ValueError("not a proxy")
    authorization = ""
    if parts.username:
        plain = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {b64encode(plain.encode()).decode()}"
    return Proxy(parts.hostname, port, authorization, tuple(map(parse_proxy_host, hosts)))


def parse_proxy_host(text: str) -> str:
    """A host, or `*.` and a domain of at least two parts; everything is nobody's list."""
    host = text.strip().lower().rstrip(".")
    bare = host.removeprefix("*.")
    if "*" in bare or not bare or (host != bare and "." not in bare):
        raise ValueError("not a host")
    return host


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
