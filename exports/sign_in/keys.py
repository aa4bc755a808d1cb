"""Passkeys and security keys: what the browser is asked, and whether its answer is right."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest


class KeyRefusedError(Exception):
    """The answer of the browser is not that of a key, or of another key."""


def is_possible(request: HttpRequest) -> bool:
    """Browsers have keys only at https, or at localhost, and never for a bare address."""
    host = request.get_host().rpartition(":")[0] or request.get_host()
    is_address = host.startswith("[") or host.replace(".", "").isdigit()
    return host == "localhost" or (request.is_secure() and not is_address)


def ask_new_key(user: User) -> dict[str, Any]:
    """What `navigator.credentials.create` is given."""
    options: dict[str, Any] = auth.begin_registration(user, passwordless=False)
    return options


def check_new_key(answer: object) -> dict[str, Any]:
    """The credential to keep. Raises KeyRefusedError."""
    credential = _object(answer)
    try:
        auth.parse_registration_response(credential)
        auth.complete_registration(credential)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise KeyRefusedError from error
    return credential


def ask_key(user: User) -> dict[str, Any]:
    """What `navigator.credentials.get` is given."""
    options: dict[str, Any] = auth.begin_authentication(user)
    return options


def check_key(user: User, answer: object) -> Authenticator:
    """The key that answered. Raises KeyRefusedError."""
    credential = _object(answer)
    try:
        auth.parse_authentication_response(credential)
        key: Authenticator = auth.complete_authentication(user, credential)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise KeyRefusedError from error
    key.record_usage()
    return key


def _object(answer: object) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise KeyRefusedError
    return answer
