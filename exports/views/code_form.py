"""The form that asks for a second factor: a code, a recovery code, or a key.

It stands after the password, and where somebody confirms who they are.
"""

import json
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.sign_in import keys
from exports.sign_in.codes import Answer, Verdict, check_code
from exports.sign_in.factors import factors_of
from exports.views import password_checks

_LONGEST_CODE = 50
_LONGEST_ANSWER = 20_000


def code_context(request: HttpRequest, user: User) -> dict[str, Any]:
    factors = factors_of(user)
    asked = keys.ask_key(user) if factors.keys and keys.is_possible(request) else None
    return {"factors": factors, "key_options": json.dumps(asked) if asked else ""}


def answer_code(request: HttpRequest, user: User) -> str:
    """What is wrong with the code or the key's answer; "" when it is right."""
    name = user.get_username()
    if not password_checks.may_try_code(request, name):
        # The middleware of axes answers with the page that says so.
        request.axes_locked_out = True  # type: ignore[attr-defined]
        return _("There were too many wrong codes.")
    problem = _problem_of_key(request, user) if request.POST.get("credential") else ""
    if not problem and not request.POST.get("credential"):
        problem = problem_of(check_code(user, request.POST.get("code", "")[:_LONGEST_CODE]))
    if problem:
        record_action(AuditAction.LOGIN_FAILED, user, {"reason": ["", "second factor"]})
        password_checks.count_wrong_code(request, name)
    else:
        password_checks.forget_wrong_codes(request, name)
    return problem


def problem_of(verdict: Verdict) -> str:
    """What to tell about a code that was not taken; "" for a right one."""
    if verdict.answer in (Answer.BEHIND, Answer.AHEAD):
        return _clock_sentence(verdict)
    return {
        Answer.WRONG: _(
            "This code is not right. Type the six digits that the app shows now, or one of your "
            "recovery codes."
        ),
        Answer.USED: _("This code was used already. Wait until the app shows the next one."),
        Answer.UNREADABLE: _(
            "Your second factor cannot be read with the encryption keys of this installation. Ask "
            "the person who runs it to restore CWEXPORT_ENCRYPTION_KEYS."
        ),
    }.get(verdict.answer, "")


def _clock_sentence(verdict: Verdict) -> str:
    if verdict.answer is Answer.BEHIND:
        sentence = ngettext(
            "This code is %(minutes)s minute old: the clock of your device is slow, or that of the "
            "server is fast. Let both set their clocks automatically, then type a new code.",
            "This code is %(minutes)s minutes old: the clock of your device is slow, or that of "
            "the server is fast. Let both set their clocks automatically, then type a new code.",
            verdict.minutes,
        )
    else:
        sentence = ngettext(
            "This code is for %(minutes)s minute from now: the clock of your device is fast, or "
            "that of the server is slow. Let both set their clocks automatically, then type a new "
            "code.",
            "This code is for %(minutes)s minutes from now: the clock of your device is fast, or "
            "that of the server is slow. Let both set their clocks automatically, then type a new "
            "code.",
            verdict.minutes,
        )
    return sentence % {"minutes": verdict.minutes}


def _problem_of_key(request: HttpRequest, user: User) -> str:
    try:
        keys.check_key(user, read_answer(request))
    except keys.KeyRefusedError:
        return _("That key did not answer as expected. Try again, or type a code.")
    return ""


def read_answer(request: HttpRequest) -> object:
    """What the script has put into the form; None for anything that is no JSON."""
    try:
        return json.loads(request.POST.get("credential", "")[:_LONGEST_ANSWER])
    except (ValueError, RecursionError):
        return None
