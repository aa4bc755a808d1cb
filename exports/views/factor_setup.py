"""Setting up a second factor: an authenticator app, a passkey or security key."""

import base64
import json

from allauth.mfa.adapter import get_adapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from exports.models import secrets
from exports.sign_in import factors, keys
from exports.sign_in.codes import check_new_app
from exports.views.code_form import problem_of, read_answer
from exports.views.confirming import require_proof
from exports.views.letting_in import person_of

_SECRET = "authenticator_app_secret"  # noqa: S105 - the name of a session key


@require_proof
@sensitive_post_parameters()
def set_up_app(request: HttpRequest) -> HttpResponse:
    """Show a QR code; the app counts once it has shown a right code."""
    secret, problem = _secret_of(request), ""
    if request.method == "POST":
        verdict, step = check_new_app(secret, request.POST.get("code", "")[:50])
        problem = problem_of(verdict)
        if not problem:
            factors.add_app(person_of(request), secret, step)
            del request.session[_SECRET]
            messages.success(request, _("From now on a code of this app is asked for at login."))
            return _to_codes(request)
    url = get_adapter().build_totp_url(person_of(request), secret)
    svg = get_adapter().build_totp_svg(url)
    context = {
        "problem": problem,
        "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        "app_url": url,
        "picture": f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}",
        "is_replaced": factors.factors_of(person_of(request)).app is not None,
    }
    return render(request, "exports/login_methods/app.html", context)


@require_proof
def set_up_key(request: HttpRequest) -> HttpResponse:
    problem = ""
    name = request.POST.get("name", "").strip()[: factors.LONGEST_KEY_NAME]
    if request.method == "POST":
        try:
            credential = keys.check_new_key(read_answer(request))
        except keys.KeyRefusedError:
            problem = _("The key did not answer as expected. Press the button to try again.")
        else:
            factors.add_key(person_of(request), name or _("Key"), credential)
            messages.success(request, _("From now on this key can be used at login."))
            return _to_codes(request)
    context = {
        "problem": problem,
        "name": name,
        "longest_name": factors.LONGEST_KEY_NAME,
        "is_possible": keys.is_possible(request),
        "key_options": json.dumps(keys.ask_new_key(person_of(request))),
    }
    return render(request, "exports/login_methods/key.html", context)


def _secret_of(request: HttpRequest) -> str:
    """The secret shown on this page: the same until it is used, so that a typing error costs none.

    Encrypted, as sessions are rows of the database.
    """
    if token := request.session.get(_SECRET):
        return secrets.decrypt(token)
    secret: str = generate_totp_secret()
    request.session[_SECRET] = secrets.encrypt(secret)
    return secret


def _to_codes(request: HttpRequest) -> HttpResponse:
    is_shown = not factors.factors_of(person_of(request)).are_codes_kept
    return redirect("recovery-codes" if is_shown else "login-methods")
