"""The tokens of programs: one's own, and for admins those of everybody (rule I2)."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from exports.access.roles import role_of
from exports.forms.api_tokens import ApiTokenForm
from exports.models import ApiToken
from exports.models.api_tokens import ApiTokenQuerySet
from exports.reporting.tables import ROWS_A_PAGE
from exports.views.buttons import button
from exports.views.confirming import require_proof


@require_safe
def list_own_tokens(request: HttpRequest) -> HttpResponse:
    return _list(request, _own(request), "own_tokens.html")


@require_safe
def list_all_tokens(request: HttpRequest) -> HttpResponse:
    return _list(request, ApiToken.objects.all(), "all_tokens.html")


@sensitive_variables("text")
@require_http_methods(["GET", "POST"])
@require_proof
def create_token(request: HttpRequest) -> HttpResponse:
    """The new token is the answer to the button: nothing keeps it, no address shows it again."""
    user = cast(User, request.user)
    form = ApiTokenForm(request.POST or None, role=role_of(user))
    if not form.is_valid():
        return render(request, "exports/api_tokens/token_form.html", {"form": form})
    token, text = ApiToken.objects.issue(user, **form.cleaned_data)
    context = {"token": token, "text": text}
    return render(request, "exports/api_tokens/token_made.html", context)


@button
def revoke_own_token(request: HttpRequest, pk: int) -> HttpResponse:
    _revoke(request, _own(request), pk)
    return redirect("account-token-list")


@button
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    _revoke(request, ApiToken.objects.all(), pk)
    return redirect("api-token-list")


def _own(request: HttpRequest) -> ApiTokenQuerySet:
    return ApiToken.objects.filter(user=cast(User, request.user))


def _list(request: HttpRequest, rows: ApiTokenQuerySet, template: str) -> HttpResponse:
    page = Paginator(rows.newest_first(), ROWS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, f"exports/api_tokens/{template}", {"page": page})


def _revoke(request: HttpRequest, rows: ApiTokenQuerySet, pk: int) -> None:
    token = rows.filter(pk=pk).first()
    if token is None:
        raise Http404
    if token.revoke(request.user):
        messages.success(request, _("Token %(token)s no longer works.") % {"token": token})
    else:
        messages.info(request, _("Token %(token)s had already been revoked.") % {"token": token})
