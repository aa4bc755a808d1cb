"""The second step of a login: a code or a key, after the password was right."""

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters

from exports.sign_in.factors import factors_of
from exports.sign_in.session_marks import LoginMethod, is_login_begun, pending_login
from exports.views.code_form import answer_code, code_context
from exports.views.letting_in import let_in

_FEW_CODES = 3


@sensitive_post_parameters()
def check_second_factor(request: HttpRequest) -> HttpResponse:
    pending = pending_login(request)
    if pending is None:
        # Only where one was begun: a message for everybody would store a session for everybody.
        if is_login_begun(request) and not request.user.is_authenticated:
            messages.info(request, _("That took too long. Log in again."))
        return redirect("login")
    problem = ""
    if request.method == "POST":
        problem = answer_code(request, pending.user)
        if not problem:
            response = let_in(request, pending.user, pending.page, LoginMethod.PASSWORD)
            _warn_of_few_codes(request, pending.user)
            return response
    context = {**code_context(request, pending.user), "problem": problem}
    return render(request, "registration/second_factor.html", context)


def _warn_of_few_codes(request: HttpRequest, user: User) -> None:
    factors = factors_of(user)
    left = factors.left_count
    if factors.codes and left <= _FEW_CODES:
        sentence = ngettext(
            "You have %(count)s recovery code left. Make new ones on the page Login and second "
            "factor.",
            "You have %(count)s recovery codes left. Make new ones on the page Login and second "
            "factor.",
            left,
        )
        messages.warning(request, sentence % {"count": left})
