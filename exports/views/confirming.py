"""*Confirm that it is you*: asked before a change of how somebody logs in.

Not within a quarter of an hour after the login: an open browser alone must not be enough to lock
its owner out.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from exports.sign_in.factors import has_factor
from exports.sign_in.session_marks import is_proven_lately, mark_proven
from exports.views import password_checks
from exports.views.buttons import page_with_button
from exports.views.code_form import answer_code, code_context
from exports.views.letting_in import (
    allow_way_to_provider,
    page_here,
    person_of,
    sign_on_context,
)

View = Callable[..., HttpResponse]


def require_proof(view: View) -> View:
    """Send to the page that asks; nothing that was sent is done."""

    @wraps(view)
    def proven(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_proven_lately(request):
            return view(request, *args, **kwargs)
        page = request.get_full_path()
        if request.method == "POST":
            messages.info(request, _("Confirm that it is you, then press the button again."))
            page = page_with_button(request)
        return redirect(f"{reverse('login-confirm')}?{urlencode({'next': page})}")

    return proven


@sensitive_post_parameters()
def confirm_login(request: HttpRequest) -> HttpResponse:
    page = page_here(request, request.POST.get("next") or request.GET.get("next", ""))
    if has_factor(person_of(request)):
        return _confirm_by_code(request, page)
    return _confirm_by_password(request, page)


def _confirm_by_code(request: HttpRequest, page: str) -> HttpResponse:
    problem = ""
    if request.method == "POST":
        problem = answer_code(request, person_of(request))
        if not problem:
            mark_proven(request)
            return redirect(page)
    context = {**code_context(request, person_of(request)), "problem": problem, "page": page}
    return render(request, "registration/confirm_code.html", context)


def _confirm_by_password(request: HttpRequest, page: str) -> HttpResponse:
    name = person_of(request).get_username()
    problem = ""
    if request.method == "POST" and person_of(request).has_usable_password():
        if password_checks.is_locked(request, name):
            return render(request, "registration/locked.html", status=429)
        with password_checks.turn(request, name) as is_free:
            password = request.POST.get("password", "")
            if is_free and authenticate(request, username=name, password=password):
                mark_proven(request)
                return redirect(page)
        problem = (
            _("This is not your password.")
            if is_free
            else _("Other passwords are being checked at this moment. Try again.")
        )
    context = {**sign_on_context(), "problem": problem, "page": page}
    return allow_way_to_provider(render(request, "registration/confirm_password.html", context))
