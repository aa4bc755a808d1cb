"""Who signs in from where, and what htmx is answered when the login has expired."""

from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.shortcuts import render

# htmx stops polling at this status, and swaps as usual.
STOP_POLLING = 286


def client_address(request: HttpRequest) -> str:
    """The address that wrong passwords are counted by.

    Behind a proxy it is the last one in X-Forwarded-For, which that proxy added itself; what
    stands before it anybody may have written.
    """
    address: str = request.META.get("REMOTE_ADDR", "")
    if settings.CWEXPORT_BEHIND_HTTPS:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        return forwarded or address
    return address


class LoginMiddleware(LoginRequiredMiddleware):
    """Every page asks for a login unless its view says otherwise; a fragment says so in place.

    A redirect would be followed and the login page put into the fragment's place; leaving the page
    would lose what is typed on it.
    """

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        htmx = getattr(request, "htmx", None)
        if not htmx:
            return super().handle_no_permission(request, view_func)
        login = redirect_to_login(
            htmx.current_url_abs_path or "/",
            self.get_login_url(view_func),
            self.get_redirect_field_name(view_func),
        ).url
        response = render(request, "exports/_login_expired.html", {"login": login})
        response.status_code = STOP_POLLING
        response["HX-Retarget"], response["HX-Reswap"] = "#messages", "innerHTML show:window:top"
        return response
