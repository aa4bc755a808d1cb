"""My account: who one is here, the password, and one's own sessions (rule A4)."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from exports.models import LoginSession
from exports.models.login_sessions import LoginSessionQuerySet
from exports.models.users import end_sessions
from exports.reporting.users import session_lines, user_lines
from exports.views.buttons import button
from exports.views.users import ended_sentence


@require_GET
def show_account(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    [line] = user_lines([user])
    context = {"line": line, "sessions": session_lines(user, request.session.session_key)}
    return render(request, "exports/account/account.html", context)


@button
def end_own_session(request: HttpRequest, pk: int) -> HttpResponse:
    """Another session of this user; the one in use is ended by logging out."""
    return _end(request, LoginSession.objects.filter(pk=pk))


@button
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    return _end(request, LoginSession.objects.all())


def _end(request: HttpRequest, rows: LoginSessionQuerySet) -> HttpResponse:
    others = rows.without_key(request.session.session_key or "")
    count = end_sessions(cast(User, request.user), others)
    messages.add_message(
        request, messages.SUCCESS if count else messages.INFO, ended_sentence(count)
    )
    return redirect("account")
