"""*Login and second factor*: how a person logs in, and the parts of it that they can change."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from exports.sign_in import accounts, factors, keys
from exports.sign_in.session_marks import must_set_up_factor
from exports.views.buttons import button
from exports.views.confirming import require_proof
from exports.views.letting_in import (
    allow_way_to_provider,
    page_here,
    person_of,
    sign_on_context,
)


@require_safe
def show_login_methods(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    found = factors.factors_of(person)
    context = {
        **sign_on_context(),
        "factors": found,
        "keys": [key.wrap() for key in found.keys],
        "is_factor_off": settings.CWEXPORT_SECOND_FACTOR == "off",
        # Without a password no factor of ours is ever asked for.
        "is_factor_elsewhere": not person.has_usable_password() and not found.is_any,
        "is_required": must_set_up_factor(request),
        "has_key_page": keys.is_possible(request),
        "account": accounts.account_of_user(person_of(request))
        if settings.CWEXPORT_SIGN_ON
        else None,
        "has_password": person_of(request).has_usable_password(),
    }
    return allow_way_to_provider(render(request, "exports/login_methods/page.html", context))


@button
@require_proof
def remove_app(request: HttpRequest) -> HttpResponse:
    try:
        if factors.remove_app(person_of(request)):
            messages.success(request, _("The authenticator app is no longer a second factor."))
    except factors.LastFactorError:
        _say_last(request)
    return redirect("login-methods")


@button
@require_proof
def remove_key(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        if factors.remove_key(person_of(request), pk):
            messages.success(request, _("The key is no longer a second factor."))
    except factors.LastFactorError:
        _say_last(request)
    return redirect("login-methods")


@button
@require_proof
def reset_factors(request: HttpRequest, pk: int) -> HttpResponse:
    """An admin takes away the second factors of somebody who has lost them."""
    user = get_object_or_404(User, pk=pk)
    count = factors.reset_factors(user)
    sentence = (
        _("The second factor of %(name)s is reset: they log in with the password alone.")
        if count
        else _("%(name)s has no second factor.")
    )
    messages.success(request, sentence % {"name": user.get_username()})
    return redirect(page_here(request, request.POST.get("next", "")))


def _say_last(request: HttpRequest) -> None:
    sentence = _(
        "This installation requires a second factor: add another one before the last goes."
    )
    messages.error(request, sentence)
