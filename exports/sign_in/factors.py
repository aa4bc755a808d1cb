"""A person's second factors: what there is, and the verbs that add and remove them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from exports.models import secrets
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.sign_in import recovery_codes

_Type = Authenticator.Type
LONGEST_KEY_NAME = 60


@dataclass(frozen=True)
class Factors:
    """The second factors of one person."""

    app: Authenticator | None = None
    keys: list[Authenticator] = field(default_factory=list)
    codes: Authenticator | None = None

    @property
    def is_any(self) -> bool:
        """Recovery codes alone are none: they only stand in for another."""
        return bool(self.app or self.keys)

    @property
    def count(self) -> int:
        return bool(self.app) + len(self.keys)

    @property
    def shown_codes(self) -> list[str]:
        """The recovery codes, until they were kept; of those that cannot be decrypted, none."""
        try:
            return recovery_codes.shown_codes(self.codes) if self.codes else []
        except InvalidToken:
            return []

    @property
    def left_count(self) -> int:
        """How many recovery codes are unused."""
        try:
            return recovery_codes.left_count(self.codes) if self.codes else 0
        except InvalidToken:
            return 0

    @property
    def are_codes_kept(self) -> bool:
        """Whether the person has said so; until then they are shown."""
        return bool(self.codes and self.codes.wrap().did_view)


class LastFactorError(Exception):
    """Somebody who must have a second factor would be left without."""


def factors_of(user: User) -> Factors:
    rows = list(Authenticator.objects.filter(user=user).order_by("pk"))
    single = {row.type: row for row in rows if row.type != _Type.WEBAUTHN}
    keys = [row for row in rows if row.type == _Type.WEBAUTHN]
    return Factors(single.get(_Type.TOTP), keys, single.get(_Type.RECOVERY_CODES))


def has_factor(user: User) -> bool:
    """Whether a code or key is asked for after this person's password."""
    if settings.CWEXPORT_SECOND_FACTOR == "off":
        return False
    main = (_Type.TOTP, _Type.WEBAUTHN)
    return bool(Authenticator.objects.filter(user=user, type__in=main).exists())


def who_has_factor(user_ids: Iterable[int]) -> set[int]:
    """Of these users, those who have a second factor, asked for or not."""
    main = (_Type.TOTP, _Type.WEBAUTHN)
    rows = Authenticator.objects.filter(user_id__in=list(user_ids), type__in=main)
    return set(rows.values_list("user_id", flat=True))


@transaction.atomic
def add_app(user: User, secret: str, step: int) -> None:
    """An authenticator app, in place of another; the code that proved it is used up."""
    _lock(user)
    Authenticator.objects.filter(user=user, type=_Type.TOTP).delete()
    row = TOTP.activate(user, secret).instance
    row.data["last_step"] = step
    row.save(update_fields=["data"])
    _ensure_codes(user)
    _record(AuditAction.FACTOR_ADDED, user, _Type.TOTP)


@transaction.atomic
def add_key(user: User, name: str, credential: dict[str, Any]) -> Authenticator:
    """A passkey or security key, whose answer was checked."""
    _lock(user)
    row: Authenticator = Authenticator.objects.create(
        user=user,
        type=_Type.WEBAUTHN,
        data={"name": name[:LONGEST_KEY_NAME], "credential": credential},
    )
    _ensure_codes(user)
    _record(AuditAction.FACTOR_ADDED, user, _Type.WEBAUTHN)
    return row


@transaction.atomic
def remove_app(user: User) -> bool:
    """Raises LastFactorError."""
    _lock(user)
    return _remove(user, factors_of(user).app)


@transaction.atomic
def remove_key(user: User, pk: int) -> bool:
    """Raises LastFactorError."""
    _lock(user)
    key = next((key for key in factors_of(user).keys if key.pk == pk), None)
    return _remove(user, key)


@transaction.atomic
def renew_codes(user: User) -> None:
    """Ten other recovery codes; those from before are void."""
    _lock(user)
    Authenticator.objects.filter(user=user, type=_Type.RECOVERY_CODES).delete()
    _ensure_codes(user)
    record_action(AuditAction.RECOVERY_CODES_RENEWED, user)


@transaction.atomic
def mark_codes_kept(user: User) -> None:
    """From now on only their hashes are here."""
    rows = Authenticator.objects.select_for_update(no_key=True)
    row = rows.filter(user=user, type=_Type.RECOVERY_CODES).first()
    if row and not row.wrap().did_view:
        recovery_codes.keep(row)


@transaction.atomic
def reset_factors(user: User) -> int:
    """Remove all of them, for somebody who has lost them."""
    _lock(user)
    count = int(Authenticator.objects.filter(user=user).delete()[0])
    if count:
        record_action(AuditAction.FACTORS_RESET, user)
    return count


def rotate_factors() -> int:
    """Encrypt every secret anew; how many rows have one. Raises cryptography's InvalidToken."""
    rows = Authenticator.objects.select_for_update(no_key=True).exclude(type=_Type.WEBAUTHN)
    for row in rows:
        for name in recovery_codes.ENCRYPTED & row.data.keys():
            row.data[name] = secrets.encrypt(secrets.decrypt(row.data[name]))
        row.save(update_fields=["data"])
    return len(rows)


def _remove(user: User, row: Authenticator | None) -> bool:
    if row is None:
        return False
    if factors_of(user).count == 1:
        if settings.CWEXPORT_SECOND_FACTOR == "required":
            raise LastFactorError
        Authenticator.objects.filter(user=user).delete()
    else:
        row.delete()
    _record(AuditAction.FACTOR_REMOVED, user, row.type)
    return True


def _record(action: AuditAction, user: User, kind: str) -> None:
    change = ["", kind] if action is AuditAction.FACTOR_ADDED else [kind, ""]
    record_action(action, user, {"second factor": change})


def _ensure_codes(user: User) -> None:
    RecoveryCodes.activate(user)


def _lock(user: User) -> None:
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
