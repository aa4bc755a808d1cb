"""The page of an emergency link: it asks first, as programs that preview links only look."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from exports.models.audit_actions import AuditAction
from exports.models.emergency_logins import holder_of, use_emergency_login
from exports.sign_in.session_marks import LoginMethod
from exports.views.letting_in import let_in, record_refusal


def use_emergency_link(request: HttpRequest, token: str) -> HttpResponse:
    if request.method == "POST":
        user = use_emergency_login(token)
        if user:
            response = let_in(request, user, "", LoginMethod.EMERGENCY)
            messages.warning(
                request,
                _("You logged in by an emergency link. Set your password or second factor anew."),
            )
            return response
        record_refusal(request, AuditAction.LOGIN_FAILED, None, "emergency link")
    else:
        user = holder_of(token)
    context = {"holder": user}
    return render(request, "registration/emergency.html", context, status=200 if user else 410)
