"""The end of every way to log in, and the button that leads to the provider."""

from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.sign_in.session_marks import LoginMethod, mark_login
from exports.views import expired_login, password_checks

_BACKEND = "django.contrib.auth.backends.ModelBackend"


def let_in(request: HttpRequest, user: User, page: str, method: LoginMethod) -> HttpResponse:
    """Log in, and go to the page that was asked for."""
    login(request, user, backend=_BACKEND)
    mark_login(request, method)
    # A login under way is kept for minutes only.
    request.session.set_expiry(None)
    record_action(AuditAction.LOGGED_IN, user, {"method": ["", method.value]})
    expired_login.settle_after_login(request)
    response = redirect(page_here(request, page))
    password_checks.remember_browser(request, response, user.get_username())
    return response


def record_refusal(
    request: HttpRequest, action: AuditAction, user: User | None, reason: str, name: str = ""
) -> None:
    """In the audit log, and counted for the address: nobody fills the log by trying without end."""
    if not password_checks.is_locked(request, ""):
        record_action(action, user, {"reason": ["", reason]}, name=name or None)
    password_checks.count_refusal(request)


def person_of(request: HttpRequest) -> User:
    """The person of a page that only those see who have logged in."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    return user


def page_here(request: HttpRequest, page: str) -> str:
    """A page of this installation; the home page in place of any other."""
    is_here = url_has_allowed_host_and_scheme(
        page, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return page if page and is_here else settings.LOGIN_REDIRECT_URL


def sign_on_context() -> dict[str, Any]:
    """For a page with the button of single sign-on."""
    sign_on = settings.CWEXPORT_SIGN_ON
    return {"sign_on_name": sign_on.name if sign_on else ""}


def allow_way_to_provider(response: HttpResponse) -> HttpResponse:
    """Let forms of this page lead on to the provider: browsers judge redirects of forms too."""
    if settings.CWEXPORT_SIGN_ON:
        update = {"form-action": [settings.CWEXPORT_SIGN_ON.origin]}
        response._csp_update = update  # type: ignore[attr-defined]
    return response
