"""Reads the provider's ID token: signature, issuer, audience, times and nonce, always all of them.

django-allauth leaves the signature out when it fetched the token itself, and knows no nonce.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt

from exports.sign_in.discovery import provider_config, sign_on, signing_key
from exports.sign_in.errors import SignOnError, SignOnErrorCode

# Only what is signed with the provider's private key: never a shared secret, never nothing.
_ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
_SECONDS_APART: Final = 60
# As long as the column of allauth.
_LONGEST_SUBJECT: Final = 191
_ERRORS: Final = (
    (jwt.ExpiredSignatureError, SignOnErrorCode.CLOCKS),
    (jwt.ImmatureSignatureError, SignOnErrorCode.CLOCKS),
    (jwt.InvalidIssuerError, SignOnErrorCode.OTHER_ISSUER),
    (jwt.InvalidAudienceError, SignOnErrorCode.OTHER_AUDIENCE),
    (jwt.InvalidSignatureError, SignOnErrorCode.BAD_SIGNATURE),
    (jwt.InvalidAlgorithmError, SignOnErrorCode.BAD_SIGNATURE),
    (jwt.InvalidKeyError, SignOnErrorCode.BAD_SIGNATURE),
)


@dataclass(frozen=True)
class Identity:
    """Who the provider says somebody is; issuer and subject never change."""

    issuer: str
    subject: str
    user_name: str
    claims: Mapping[str, Any]


def read_id_token(token: object, nonce: str) -> Identity:
    """Raises SignOnError."""
    if not isinstance(token, str):
        raise SignOnError(SignOnErrorCode.NONSENSE, "no ID token")
    try:
        claims = _decode(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        code = next((code for kind, code in _ERRORS if isinstance(error, kind)), None)
        raise SignOnError(code or SignOnErrorCode.NONSENSE, type(error).__name__) from None
    if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise SignOnError(SignOnErrorCode.OTHER_LOGIN, "another nonce")
    if not _is_strong(claims):
        raise SignOnError(SignOnErrorCode.TOO_WEAK)
    return _identity(claims)


def _decode(token: str) -> dict[str, Any]:
    wanted = sign_on()
    claims: dict[str, Any] = jwt.decode(
        token,
        key=signing_key(token),
        algorithms=list(_ALGORITHMS),
        audience=wanted.client_id,
        issuer=str(provider_config()["issuer"]),
        leeway=_SECONDS_APART,
        options={"require": ["iss", "aud", "sub", "exp", "iat"]},
    )
    if claims.get("azp", wanted.client_id) != wanted.client_id:
        raise jwt.InvalidAudienceError("azp")
    return claims


def _is_strong(claims: Mapping[str, Any]) -> bool:
    """Whether the provider states one of the ways of proof that the settings ask for."""
    wanted = sign_on().required_claims
    return not wanted or any(_states(claims.get(name), value) for name, value in wanted)


def _states(claim: object, value: str) -> bool:
    return value in claim if isinstance(claim, list) else value == claim


def _identity(claims: Mapping[str, Any]) -> Identity:
    subject = claims["sub"]
    is_text = isinstance(subject, str) and subject.isprintable()
    if not is_text or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise SignOnError(SignOnErrorCode.NONSENSE, "no usable subject")
    names = (claims.get(name) for name in ("preferred_username", "email", "name"))
    name = next((name for name in names if isinstance(name, str) and name.strip()), subject)
    return Identity(sign_on().issuer, subject, name.strip()[:150], claims)
