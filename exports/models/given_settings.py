"""Which settings differ from those of the last start, for the audit log (rule L1).

Kept is a fingerprint of each secret, encrypted like all secrets: neither a value nor anything that
could be guessed at stands in the database.
"""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from cryptography.fernet import InvalidToken

from exports.models.audit import SECRET_CHANGED
from exports.models.secrets import decrypt, encrypt

# Deliberately broad: a setting that comes later is a secret unless its name says otherwise.
_SECRET_NAME: Final = re.compile(r"KEY|SECRET|PASS|TOKEN|CREDENTIAL|DATABASE_URL|PROXY$")
_LOGIN: Final = re.compile(r"://[^/@]+@")


def settings_token(given: Mapping[str, str]) -> str:
    return encrypt(json.dumps(_fingerprinted(given)))


def changed_settings(token: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Each setting that differs from those of `token`; {} at the first start."""
    if not token:
        return {}
    try:
        before: dict[str, str] = json.loads(decrypt(token))
    except (InvalidToken, ValueError):
        # What else changed with the key cannot be known.
        return {"CWEXPORT_ENCRYPTION_KEYS": SECRET_CHANGED}
    after = _fingerprinted(given)
    names = sorted({*before, *after})
    differing = [name for name in names if before.get(name, "") != after.get(name, "")]
    return {
        name: SECRET_CHANGED
        if _is_secret(name, before, given)
        else [before.get(name, ""), given.get(name, "")]
        for name in differing
    }


def _is_secret(name: str, before: Mapping[str, str], given: Mapping[str, str]) -> bool:
    was_secret = before.get(name, "").startswith("sha256:")
    return was_secret or _is_secret_value(name, given.get(name, ""))


def _is_secret_value(name: str, value: str) -> bool:
    return bool(_SECRET_NAME.search(name) or _LOGIN.search(value))


def _fingerprinted(given: Mapping[str, str]) -> dict[str, str]:
    return {
        name: f"sha256:{sha256(value.encode()).hexdigest()}"
        if value and _is_secret_value(name, value)
        else value
        for name, value in given.items()
    }
