"""The page behind a one-time link: somebody chooses a password, without a login (rule A2)."""

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from exports.forms.users import ChooseForm
from exports.models import OneTimeLink
from exports.models.joining import (
    LinkOverError,
    NameTakenError,
    is_usable,
    record_refusal,
    use_link,
)

# Known to the product, but over.
_GONE = 410
_UNKNOWN = 404


@login_not_required
@sensitive_post_parameters("password", "password_again")
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Only sending the form uses the link: programs that read mails open what is in them."""
    link = OneTimeLink.objects.of_token(token)
    if link is None or not is_usable(link):
        return _refuse(request, link)
    form = ChooseForm(link, request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _use(request, link, form)
    return _show(request, link, form)


@sensitive_variables("typed")
def _use(request: HttpRequest, link: OneTimeLink, form: ChooseForm) -> HttpResponse:
    typed = form.cleaned_data
    try:
        user = use_link(link, typed["user_name"], typed["password"])
    except NameTakenError as error:
        form.add_error("user_name", str(error))
        return _show(request, link, form)
    except LinkOverError:
        return _refuse(request, OneTimeLink.objects.get(pk=link.pk))
    # Whoever was logged in here before is another person, or has a new password.
    logout(request)
    sentence = _("Your password is set. Log in as %(user)s.")
    messages.success(request, sentence % {"user": user.get_username()})
    return redirect("login")


def _show(request: HttpRequest, link: OneTimeLink, form: ChooseForm) -> HttpResponse:
    return render(request, "exports/users/link_open.html", {"link": link, "form": form})


def _refuse(request: HttpRequest, link: OneTimeLink | None) -> HttpResponse:
    if link is not None:
        record_refusal(link)
    status = _UNKNOWN if link is None else _GONE
    return render(request, "exports/users/link_over.html", {"link": link}, status=status)
