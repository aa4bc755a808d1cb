"""What a session remembers of its login: how, when it was last proven, and a login half done."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest

from exports import clock

_METHOD: Final = "signed_in_by"
_PROVEN_AT: Final = "identity_proven_at"
_PENDING: Final = "second_factor_pending"
# How long a person may take for the second step.
_PENDING_SECONDS: Final = 600


class LoginMethod(StrEnum):
    PASSWORD = "password"  # noqa: S105 - no secret
    SINGLE_SIGN_ON = "single_sign_on"
    EMERGENCY = "emergency"


@dataclass(frozen=True)
class Pending:
    """A login whose password was right and whose second factor is awaited."""

    user: User
    page: str


def mark_login(request: HttpRequest, method: LoginMethod) -> None:
    request.session.pop(_PENDING, None)
    request.session[_METHOD] = method.value
    mark_proven(request)


def mark_proven(request: HttpRequest) -> None:
    request.session[_PROVEN_AT] = _now()


def is_proven_lately(request: HttpRequest) -> bool:
    """Whether the person has just logged in or confirmed who they are."""
    proven_at = request.session.get(_PROVEN_AT, 0)
    return isinstance(proven_at, int) and 0 <= _now() - proven_at < settings.CWEXPORT_PROOF_SECONDS


def login_method(request: HttpRequest) -> LoginMethod:
    """Sessions from before this was kept were opened with a password."""
    try:
        return LoginMethod(request.session.get(_METHOD, LoginMethod.PASSWORD))
    except ValueError:
        return LoginMethod.PASSWORD


def begin_second_step(request: HttpRequest, user: User, page: str) -> None:
    """After a right password. The session gets another key, as at a login."""
    request.session.cycle_key()
    request.session[_PENDING] = {
        "user": user.pk,
        # A password changed meanwhile ends it.
        "hash": user.get_session_auth_hash(),
        "page": page,
        "at": _now(),
    }


def pending_login(request: HttpRequest) -> Pending | None:
    kept = request.session.get(_PENDING)
    if (
        not isinstance(kept, dict)
        or not 0 <= clock.now().timestamp() - kept["at"] < _PENDING_SECONDS
    ):
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True).first()
    if user is None or user.get_session_auth_hash() != kept["hash"]:
        return None
    return Pending(user, kept["page"])


def is_login_begun(request: HttpRequest) -> bool:
    """Whether a second factor was asked for in this browser, even if that is too long ago."""
    return _PENDING in request.session


def must_set_up_factor(request: HttpRequest) -> bool:
    """Whether this kind of login needs a second factor here; a provider asks for its own."""
    is_here = login_method(request) is not LoginMethod.SINGLE_SIGN_ON
    return settings.CWEXPORT_SECOND_FACTOR == "required" and is_here


def _now() -> int:
    """In seconds; a session is read on other hosts, too."""
    return int(clock.now().timestamp())
