"""The pages of users: list, role, deactivation, sessions (rules A2, A4).

What gives somebody rights asks who is there; what takes them away does not, so that whoever is
alarmed is quick.
"""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET

from exports.access.roles import Role, granted_role
from exports.forms.users import RoleForm
from exports.models import LoginSession, OneTimeLink
from exports.models.joining import issue_password_link
from exports.models.users import (
    LastAdminError,
    activate,
    change_role,
    deactivate,
    end_sessions,
)
from exports.reporting.users import session_lines, user_lines, users_in_order
from exports.views.buttons import button
from exports.views.confirming import require_proof
from exports.views.link_pages import show_new_link

_USERS_A_PAGE = 50


@require_GET
def list_users(request: HttpRequest) -> HttpResponse:
    page = Paginator(users_in_order(), _USERS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "lines": user_lines(page.object_list),
        "invitations": OneTimeLink.objects.invitations(),
    }
    return render(request, "exports/users/user_list.html", context)


@require_GET
def show_user(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(users_in_order(), pk=pk)
    return _show(request, user, RoleForm(initial={"role": granted_role(user)}))


@button
@require_proof
def change_user_role(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _show(request, user, form)
    role = Role(form.cleaned_data["role"])
    done = _("%(user)s is now %(role)s.") % {"user": user.get_username(), "role": role.label}
    return _do(request, user, lambda: change_role(user, role), done)


@button
def deactivate_user(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    if user == request.user:
        messages.error(request, _("You cannot deactivate yourself: ask another admin to do it."))
        return redirect("user-detail", user.pk)
    done = _("%(user)s is deactivated: all sessions are ended, and no login is possible.")
    return _do(request, user, lambda: deactivate(user), done % {"user": user.get_username()})


@button
@require_proof
def activate_user(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    done = _("%(user)s can log in again, with the same role and password as before.")
    return _do(request, user, lambda: activate(user), done % {"user": user.get_username()})


@button
@require_proof
def make_password_link(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    if not user.is_active:
        sentence = _("%(user)s is deactivated. Activate the user first, then make the link.")
        messages.error(request, sentence % {"user": user.get_username()})
        return redirect("user-detail", user.pk)
    link, token = issue_password_link(user, request.user.get_username())
    return show_new_link(request, link, token)


@button
def end_user_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    return _tell_ended(request, user, end_sessions(user))


@button
def end_user_session(request: HttpRequest, pk: int, session: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    count = end_sessions(user, LoginSession.objects.filter(pk=session))
    return _tell_ended(request, user, count)


def ended_sentence(count: int) -> str:
    if not count:
        return str(_NONE_OPEN)
    sentence = ngettext("%(count)s session was ended.", "%(count)s sessions were ended.", count)
    return sentence % {"count": count}


_NONE_OPEN = gettext_lazy("There was no such session any more: it has ended already.")


def _tell_ended(request: HttpRequest, user: User, count: int) -> HttpResponse:
    # Whoever ended the session in use goes to the login, which shows the message to the next.
    if user != request.user:
        messages.add_message(
            request, messages.SUCCESS if count else messages.INFO, ended_sentence(count)
        )
    return redirect("user-detail", user.pk)


def _do(request: HttpRequest, user: User, change: Callable[[], None], done: str) -> HttpResponse:
    try:
        change()
    except LastAdminError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return redirect("user-detail", user.pk)


def _show(request: HttpRequest, user: User, form: RoleForm) -> HttpResponse:
    [line] = user_lines([user])
    context = {
        "person": user,
        "line": line,
        "form": form,
        "has_password_login": settings.CWEXPORT_PASSWORD_LOGIN,
        "sessions": session_lines(user, request.session.session_key),
    }
    status = 400 if form.errors else 200
    return render(request, "exports/users/user.html", context, status=status)
