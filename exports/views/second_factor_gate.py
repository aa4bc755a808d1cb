"""Where a second factor is required: whoever has none is led to set one up, and sees nothing else.

Programs with an API token have no session and pass.
"""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from exports.sign_in.factors import has_factor
from exports.sign_in.session_marks import must_set_up_factor

_ALLOWED: Final = frozenset(
    {
        "logout",
        "login-methods",
        "login-confirm",
        "factor-app",
        "factor-key",
        "recovery-codes",
        "sign-on-start",
        "sign-on-callback",
    }
)


class SecondFactorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name in _ALLOWED or not request.user.is_authenticated:
            return None
        if not must_set_up_factor(request) or has_factor(request.user):
            return None
        page = reverse("login-methods")
        if "HX-Request" in request.headers:
            response = HttpResponse(status=204)
            response["HX-Redirect"] = page
            return response
        return redirect(page)
