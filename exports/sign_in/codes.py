"""Checks what a person types as second factor: a code of the app, or a recovery code.

A code of the app is taken once, in whatever process or host: the row remembers the time step. A
code that is right for another time says that a clock is wrong.
"""

import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from allauth.core.internal.cryptokit import compare_user_code, normalize_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from exports.models import secrets
from exports.sign_in import recovery_codes

STEP_SECONDS: Final = 30
# How far a clock may be wrong and is still recognized: ten minutes.
_STEPS_APART: Final = 20


class Answer(Enum):
    RIGHT = auto()
    RIGHT_RECOVERY_CODE = auto()
    WRONG = auto()
    # Right, but taken before.
    USED = auto()
    # Right for a clock that is minutes behind or ahead of ours.
    BEHIND = auto()
    AHEAD = auto()
    # The row cannot be read with the present encryption keys.
    UNREADABLE = auto()


@dataclass(frozen=True)
class Verdict:
    answer: Answer
    # How far a wrong clock is away.
    minutes: int = 0
    # How many recovery codes are left, after one was used.
    left_count: int = 0

    @property
    def is_right(self) -> bool:
        return self.answer in (Answer.RIGHT, Answer.RIGHT_RECOVERY_CODE)


@transaction.atomic
def check_code(user: User, typed: str) -> Verdict:
    """Check a code and use it up."""
    code = normalize_user_code(typed)
    rows = Authenticator.objects.select_for_update(no_key=True).filter(user=user)
    try:
        app = rows.filter(type=Authenticator.Type.TOTP).first()
        verdict = _check_app(app, code) if app else Verdict(Answer.WRONG)
        if verdict.answer is Answer.WRONG:
            recovery = rows.filter(type=Authenticator.Type.RECOVERY_CODES).first()
            verdict = _check_recovery(recovery, code) if recovery else verdict
    except InvalidToken:
        return Verdict(Answer.UNREADABLE)
    return verdict


def check_new_app(secret: str, typed: str) -> tuple[Verdict, int]:
    """Check the first code of an app that is being set up; also the time step it is of."""
    step = _matching_step(secret, normalize_user_code(typed))
    return _judged(step), step or 0


def _check_app(app: Authenticator, code: str) -> Verdict:
    step = _matching_step(secrets.decrypt(app.data["secret"]), code)
    verdict = _judged(step)
    if step is None:
        return verdict
    # A code that will become right is spent too: what was told of it helps nobody.
    spent = app.data.get("spent", [])
    if step <= app.data.get("last_step", 0) or step in spent:
        return Verdict(Answer.USED) if verdict.is_right else verdict
    if verdict.is_right:
        app.data["last_step"] = step
        app.data["spent"] = [other for other in spent if other > step]
        app.record_usage()
    elif verdict.answer is Answer.AHEAD:
        app.data["spent"] = [*spent, step][-100:]
    app.save(update_fields=["data"])
    return verdict


def _check_recovery(row: Authenticator, code: str) -> Verdict:
    if not recovery_codes.use(row, code):
        return Verdict(Answer.WRONG)
    row.record_usage()
    return Verdict(Answer.RIGHT_RECOVERY_CODE, left_count=recovery_codes.left_count(row))


def _judged(step: int | None) -> Verdict:
    if step is None:
        return Verdict(Answer.WRONG)
    away = step - _present_step()
    if abs(away) <= settings.MFA_TOTP_TOLERANCE:
        return Verdict(Answer.RIGHT)
    minutes = max(1, round(abs(away) * STEP_SECONDS / 60))
    return Verdict(Answer.AHEAD if away > 0 else Answer.BEHIND, minutes)


def _matching_step(secret: str, code: str) -> int | None:
    """The time step whose code this is, the nearest to now first."""
    present = _present_step()
    aways = sorted(range(-_STEPS_APART, _STEPS_APART + 1), key=abs)
    found = None
    for step in (present + away for away in aways):
        value = format_hotp_value(hotp_value(secret, step))
        # Compared with all of them, so that the time it takes says nothing.
        if compare_user_code(actual=code, expected=value) and found is None:
            found = step
    return found


def _present_step() -> int:
    return int(time.time()) // STEP_SECONDS
