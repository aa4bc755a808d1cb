"""Recovery codes: encrypted while a person has yet to keep them, afterwards only their hashes.

django-allauth derives all ten from one seed. It goes once the codes need not be shown any more;
whoever then has the database and its encryption key still cannot read them. The hash is slow, as
eight digits could all be tried, and salted for the row: a code that is typed costs one hash.
"""

import hashlib
import hmac
import secrets
from typing import Any, Final

from allauth.mfa.models import Authenticator

from exports import clock
from exports.models.secrets import decrypt, encrypt

# 16 MB and a twentieth of a second for each code that is tried.
_COST: Final[dict[str, int]] = {"n": 1 << 14, "r": 8, "p": 1}
_HASHES: Final = "hashes"
_SALT: Final = "salt"
# What goes when only hashes are kept.
_CLEAR: Final = frozenset({"seed", "used_mask", "migrated_codes"})
# What is rewritten with another encryption key.
ENCRYPTED: Final = frozenset({"secret", "seed", _HASHES})


def shown_codes(row: Authenticator) -> list[str]:
    """Those that can still be shown: all that are unused, or none once they were kept.

    Raises cryptography's InvalidToken.
    """
    return [] if _HASHES in row.data else list(row.wrap().get_unused_codes())


def left_count(row: Authenticator) -> int:
    """How many are unused. Raises cryptography's InvalidToken."""
    return len(_hashes(row)) if _HASHES in row.data else len(shown_codes(row))


def keep(row: Authenticator) -> None:
    """Forget the codes themselves; the caller holds the row's lock."""
    salt = secrets.token_hex(16)
    hashes = [_hash(code, salt) for code in shown_codes(row)]
    kept = {name: value for name, value in row.data.items() if name not in _CLEAR}
    row.data = {**kept, _SALT: salt, _HASHES: _sealed(hashes), "viewed_at": clock.now().timestamp()}
    row.save(update_fields=["data"])


def use(row: Authenticator, code: str) -> bool:
    """Whether it is an unused one, which is used up then; the caller holds the row's lock."""
    if row.wrap().did_view and _HASHES not in row.data:
        # Kept before only hashes were.
        keep(row)
    if _HASHES not in row.data:
        is_right: bool = row.wrap().validate_code(code)
        row.refresh_from_db(fields=["data"])
        return is_right
    typed, hashes = _hash(code, row.data[_SALT]), _hashes(row)
    left = [one for one in hashes if not hmac.compare_digest(one, typed)]
    row.data[_HASHES] = _sealed(left)
    row.save(update_fields=["data"])
    return len(left) < len(hashes)


def _hash(code: str, salt: str) -> str:
    return hashlib.scrypt(code.encode(), salt=bytes.fromhex(salt), **_COST).hex()


def _sealed(hashes: list[str]) -> str:
    return encrypt(" ".join(hashes))


def _hashes(row: Any) -> list[str]:
    return decrypt(row.data[_HASHES]).split()
