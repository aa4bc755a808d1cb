"""Reads hosts, ports and URLs as people type them, and refuses what may not be called (rule C6)."""

from typing import Any
from urllib.parse import urlsplit

from exports.connectwise.http.addresses import AddressRefusedError
from exports.connectwise.http.sites import SiteError, parse_site
from exports.connectwise.language import gettext as _
from exports.delivery.kind import FieldError
from exports.delivery.network_faults import address_blocked
from exports.models.addresses import address_policy, read_site
from exports.outside_numbers import read_number


def read_host(field: str, typed: str) -> str:
    """A canonical host name or address, without scheme, port and path. Raises FieldError."""
    text = typed.strip()
    try:
        if any(character in text for character in "/@?#"):
            raise SiteError(text)
        site = parse_site(f"[{text}]" if text.count(":") > 1 else text, allow_http=False)
        if site.port is not None:
            raise SiteError(text)
        address_policy().check_site(site)
    except AddressRefusedError as error:
        raise FieldError(field, str(address_blocked(text))) from error
    except SiteError as error:
        message = _("Type the name of the host alone, for example sftp.example.com.")
        raise FieldError(field, message) from error
    return site.host


def read_port(field: str, typed: Any) -> int:
    """Raises FieldError."""
    port = read_number(str(typed).strip(), most=65535)
    if not port:
        raise FieldError(field, _("A port is a whole number from 1 to 65535."))
    return port


def read_url(field: str, typed: str) -> str:
    """A canonical URL without user, query marks kept. Raises FieldError."""
    text = typed.strip()
    parts = urlsplit(text if "://" in text else f"https://{text}")
    try:
        site = read_site(f"{parts.scheme}://{parts.netloc}")
        address_policy().check_site(site)
    except AddressRefusedError as error:
        raise FieldError(field, str(address_blocked(parts.hostname or ""))) from error
    except SiteError as error:
        raise FieldError(field, str(error)) from error
    if parts.fragment or not text.isprintable() or " " in text:
        raise FieldError(field, _("A URL holds no blanks and no #."))
    query = f"?{parts.query}" if parts.query else ""
    return f"{site}{parts.path or '/'}{query}"
