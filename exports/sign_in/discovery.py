"""What the provider says of itself: its endpoints and the keys it signs with, kept for an hour."""

import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
from django.conf import settings

from exports.sign_in.errors import SignOnError, SignOnErrorCode
from exports.sign_in.provider_calls import get_object
from exports.sign_in.registration import SignOn

_KEPT_SECONDS: Final = 3600
# A key that is not known yet is looked for again, though not at everybody's word.
_FEWEST_SECONDS: Final = 30
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_KEY_TYPES: Final = ("RSA", "EC", "OKP")

# By address: when it was read, and what was answered.
_answers: dict[str, tuple[float, dict[str, Any]]] = {}


def forget_answers() -> None:
    """For tests: the next sign-on asks the provider anew."""
    _answers.clear()


def sign_on() -> SignOn:
    """The settings of single sign-on, where it is set up."""
    found = settings.CWEXPORT_SIGN_ON
    if not isinstance(found, SignOn):
        raise SignOnError(SignOnErrorCode.REFUSED_THERE, "single sign-on is not set up")
    return found


def provider_config() -> Mapping[str, Any]:
    """The provider's own description. Raises SignOnError."""
    wanted = sign_on()
    config = _read(wanted.discovery_url, _KEPT_SECONDS)
    if str(config.get("issuer", "")).rstrip("/") != wanted.issuer:
        _answers.pop(wanted.discovery_url, None)
        raise SignOnError(
            SignOnErrorCode.OTHER_ISSUER, f"it calls itself {str(config.get('issuer'))[:200]}"
        )
    for name in _ENDPOINTS:
        if not _is_address(config.get(name)):
            _answers.pop(wanted.discovery_url, None)
            raise SignOnError(SignOnErrorCode.NONSENSE, f"no {name}")
    return config


def is_other_origin(url: str) -> bool:
    """Whether a browser would not follow a form to it: the page allows the issuer's alone."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" != sign_on().origin


def signing_key(token: str) -> Any:
    """The provider's public key for this token. Raises SignOnError, jwt.PyJWTError."""
    wanted = jwt.get_unverified_header(token).get("kid")
    address = provider_config()["jwks_uri"]
    for seconds in (_KEPT_SECONDS, _FEWEST_SECONDS):
        keys = _public_keys(_read(address, seconds))
        matching = [key for key in keys if key.key_id == wanted]
        if wanted is None and len(keys) == 1:
            matching = keys
        if matching:
            return matching[0].key
    raise SignOnError(SignOnErrorCode.BAD_SIGNATURE, "signed with a key it does not publish")


def _public_keys(answer: Mapping[str, Any]) -> list[jwt.PyJWK]:
    listed = answer.get("keys")
    keys = []
    for entry in listed if isinstance(listed, list) else []:
        if not isinstance(entry, dict) or entry.get("kty") not in _KEY_TYPES:
            continue
        try:
            keys.append(jwt.PyJWK.from_dict(entry))
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
    return keys


def _read(url: str, seconds: float) -> dict[str, Any]:
    now = time.monotonic()
    kept = _answers.get(url)
    if kept is None or now - kept[0] > seconds:
        kept = _answers[url] = (now, get_object(url))
    return kept[1]


def _is_address(value: object) -> bool:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    is_plain = bool(parts.hostname) and not parts.fragment
    # An issuer with https has no part without.
    return is_plain and parts.scheme in {"https", urlsplit(sign_on().issuer).scheme}
