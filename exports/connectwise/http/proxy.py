"""The outgoing proxy, and which hosts are called through it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from exports.connectwise.language import gettext as _


@dataclass(frozen=True)
class Proxy:
    """A proxy for CONNECT, used only for `hosts`; `*.` stands for any subdomain.

    It resolves names itself, so addresses cannot be checked (C6). So the operator lists the hosts.
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
    """How requests leave this machine: directly or by a proxy.

    `is_environment_ignored` says that HTTPS_PROXY is set. It is not used, as it is meant for
    programs that may call any host.
    """

    proxy: Proxy | None = None
    is_environment_ignored: bool = False

    def proxy_for(self, scheme: str, host: str) -> Proxy | None:
        if self.proxy and scheme == "https" and self.proxy.serves(host):
            return self.proxy
        return None

    def hint(self, host: str) -> str:
        """Extra advice about proxies when no connection to `host` was possible."""
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
    """Parse `http://user:password@host:port`. The ValueError contains no part of it."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # its message may quote a part of the password
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
    """A host, or `*.` and a domain of at least two parts, so that no entry matches all hosts."""
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
