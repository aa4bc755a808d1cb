"""Single sign-on: to the provider, back from it, and a user here connected with one there."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from exports.access.roles import active_admins
from exports.middleware.client_address import client_address
from exports.models import LoginSession
from exports.models.audit_actions import AuditAction
from exports.sign_in import accounts
from exports.sign_in.discovery import is_other_origin
from exports.sign_in.errors import SignOnError, SignOnErrorCode
from exports.sign_in.openid_connect import CONNECT, LOGIN, address_of_provider, finish
from exports.sign_in.session_marks import LoginMethod
from exports.views.buttons import button
from exports.views.confirming import require_proof
from exports.views.letting_in import (
    allow_way_to_provider,
    let_in,
    page_here,
    person_of,
    record_refusal,
    sign_on_context,
)

logger = logging.getLogger(__name__)

_MOST_NAMES: Final = 3
_MOST_AT_ONCE: Final = 4
_MOST_WAITING: Final = 4
_PATIENCE: Final = 3.0
_slots = threading.BoundedSemaphore(_MOST_AT_ONCE)
_queue = threading.BoundedSemaphore(_MOST_AT_ONCE + _MOST_WAITING)
# Logins under way from one address: each keeps a row until it is over or too old.
_MOST_BEGUN: Final = 100
_BEGUN_LIFETIME: Final = timedelta(minutes=10)


@button
def start_sign_on(request: HttpRequest) -> HttpResponse:
    """The button of the login page."""
    return _go_there(request, LOGIN, page_here(request, request.POST.get("next", "")))


@button
@require_proof
def connect_sign_on(request: HttpRequest) -> HttpResponse:
    """The button of a person who is logged in and wants to log in by the provider as well."""
    return _go_there(request, CONNECT, "")


@button
@require_proof
def disconnect_sign_on(request: HttpRequest) -> HttpResponse:
    _need_provider()
    if not person_of(request).has_usable_password():
        messages.error(request, _("You have no password, so this is your only way to log in."))
    elif accounts.disconnect(person_of(request)):
        messages.success(request, _("Disconnected: from now on you log in with your password."))
    return redirect("login-methods")


@require_safe
def finish_sign_on(request: HttpRequest) -> HttpResponse:
    """Where the provider sends the browser back to."""
    _need_provider()
    try:
        with _one_turn():
            identity, state = finish(request)
        if state["process"] == CONNECT:
            if not request.user.is_authenticated or request.user.pk != state.get("user"):
                raise SignOnError(SignOnErrorCode.STALE)
            accounts.connect(person_of(request), identity)
            messages.success(request, _("Connected: from now on you can log in with it."))
            return redirect("login-methods")
        user = accounts.admit(identity)
    except SignOnError as error:
        return _refuse(request, error)
    return let_in(request, user, state.get("next", ""), LoginMethod.SINGLE_SIGN_ON)


def _keep_shortly(request: HttpRequest) -> None:
    """Nobody may fill the database with logins that are begun and never ended."""
    if request.user.is_authenticated:
        return
    begun = LoginSession.objects.open().filter(user=None, address=client_address(request))
    if begun.count() >= _MOST_BEGUN:
        raise SignOnError(SignOnErrorCode.BUSY)
    request.session.set_expiry(_BEGUN_LIFETIME)


def _need_provider() -> None:
    if not settings.CWEXPORT_SIGN_ON:
        raise Http404


def _go_there(request: HttpRequest, process: str, page: str) -> HttpResponse:
    _need_provider()
    try:
        _keep_shortly(request)
        with _one_turn():
            address = address_of_provider(request, process, page)
    except SignOnError as error:
        return _refuse(request, error)
    if is_other_origin(address):
        # The browser would stop a form that leads there; a link may.
        context = {**sign_on_context(), "address": address}
        return render(request, "registration/sign_on_link.html", context)
    return redirect(address)


def _admins(error: SignOnError) -> str:
    """Whom to ask, for somebody whom the provider has proven to know."""
    if not error.who:
        return ""
    return ", ".join(admin.get_username() for admin in active_admins()[:_MOST_NAMES])


@contextmanager
def _one_turn() -> Iterator[None]:
    """A slow provider must not take all threads: few ask it, few wait, the others are told."""
    if not _queue.acquire(blocking=False):
        raise SignOnError(SignOnErrorCode.BUSY)
    try:
        if not _slots.acquire(timeout=_PATIENCE):
            raise SignOnError(SignOnErrorCode.BUSY)
        try:
            yield
        finally:
            _slots.release()
    finally:
        _queue.release()


def _refuse(request: HttpRequest, error: SignOnError) -> HttpResponse:
    logger.warning(
        "Single sign-on was refused: %s",
        " ".join(filter(None, [error.code.value, error.detail, error.who])),
    )
    who = request.user if isinstance(request.user, User) else None
    if error.code is not SignOnErrorCode.BUSY:
        record_refusal(request, AuditAction.SIGN_ON_REFUSED, who, error.code, error.who)
    context = {
        **sign_on_context(),
        "sentence": error.sentence(_admins(error)),
        "is_cancelled": error.code is SignOnErrorCode.CANCELLED,
        "is_again": error.code is not SignOnErrorCode.DEACTIVATED,
    }
    return allow_way_to_provider(
        render(request, "registration/sign_on_refused.html", context, status=403)
    )
