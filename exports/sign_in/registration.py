"""Single sign-on as the environment names it: one OpenID Connect provider, and who may do what."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

ROLES: Final = ("viewer", "operator", "admin")
_WELL_KNOWN: Final = "/.well-known/openid-configuration"
# An issuer is part of the key of each linked account, and its column is this long.
_LONGEST_ISSUER: Final = 200


@dataclass(frozen=True)
class SignOn:
    """The provider, this installation's name and secret there, and the roles its groups have."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    role_claims: tuple[str, ...]
    # From a group of the provider to the role it gives here.
    roles: dict[str, str]
    # Claims of which one must have its value, such as ("amr", "mfa"); none: the provider decides.
    required_claims: tuple[tuple[str, str], ...] = ()

    @property
    def origin(self) -> str:
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def discovery_url(self) -> str:
        return f"{self.issuer}{_WELL_KNOWN}"


def read_issuer(text: str, *, allow_http: bool) -> str:
    """The issuer without what people paste along. Raises ValueError."""
    url = text.removesuffix(_WELL_KNOWN).rstrip("/")
    parts = urlsplit(url)
    schemes = {"https", "http"} if allow_http else {"https"}
    if (
        parts.scheme not in schemes
        or not re.fullmatch(r"[a-z0-9.\-]+(:\d+)?|\[[0-9a-f:]+\](:\d+)?", parts.netloc, re.I)
        or parts.query
        or parts.fragment
        or re.search(r"[\s;,\\]", url)
        or not url.isascii()
        or len(url) > _LONGEST_ISSUER
    ):
        raise ValueError(text)
    return url


def read_role(text: str) -> tuple[str, str]:
    """A group and its role, written `role=group`. Raises ValueError."""
    role, separator, group = (part.strip() for part in text.partition("="))
    if not separator or role not in ROLES or not group:
        raise ValueError(text)
    return group, role


def read_claim(text: str) -> tuple[str, str]:
    """A claim and the value it must have, written `amr=mfa`. Raises ValueError."""
    claim, separator, value = (part.strip() for part in text.partition("="))
    if not separator or not claim or not value:
        raise ValueError(text)
    return claim, value


def highest_roles(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Each group with its highest role."""
    return dict(sorted(pairs, key=lambda pair: ROLES.index(pair[1])))
