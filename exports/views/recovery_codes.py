"""Recovery codes: shown until the person has kept them, then never again."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from exports.sign_in import factors
from exports.views.buttons import button
from exports.views.confirming import require_proof
from exports.views.letting_in import person_of


@require_proof
def show_codes(request: HttpRequest) -> HttpResponse:
    """Shown once: *I have kept them* hides them for good."""
    if request.method == "POST":
        factors.mark_codes_kept(person_of(request))
        return redirect("login-methods")
    return render(request, "exports/login_methods/codes.html", {"codes": _codes(request)})


@require_safe
@require_proof
def download_codes(request: HttpRequest) -> HttpResponse:
    lines = [
        _("Recovery codes of %(name)s for cwexport at %(host)s. Each works once.")
        % {"name": person_of(request).get_username(), "host": request.get_host()},
        "",
        *_codes(request),
        "",
    ]
    response = HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="cwexport-recovery-codes.txt"'
    return response


@button
@require_proof
def renew_codes(request: HttpRequest) -> HttpResponse:
    if factors.has_factor(person_of(request)):
        factors.renew_codes(person_of(request))
        messages.success(request, _("These are new codes; those from before are void."))
        return redirect("recovery-codes")
    return redirect("login-methods")


def _codes(request: HttpRequest) -> list[str]:
    found = factors.factors_of(person_of(request))
    if not found.codes or found.are_codes_kept:
        raise Http404
    return [f"{code[:4]} {code[4:]}" for code in found.shown_codes]
