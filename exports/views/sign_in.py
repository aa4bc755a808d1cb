"""Who signs in from where, and what is answered when the login has expired."""

from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import LoginView, redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from exports.forms.sign_in import SignInForm
from exports.views.expired_login import message_what_was_not_done, page_after_login

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


class SignIn(LoginView):
    """The login page."""

    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        message_what_was_not_done(self.request)
        return response


class LoginMiddleware(LoginRequiredMiddleware):
    """Every page asks for a login unless its view says otherwise; a fragment says so in place.

    A redirect would be followed and the login page put into the fragment's place; leaving the page
    would lose what is typed on it. What was posted is not done, and most addresses of buttons have
    no page to come back to.
    """

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        htmx = getattr(request, "htmx", None)
        if not htmx and request.method != "POST":
            return super().handle_no_permission(request, view_func)
        page = (htmx.current_url_abs_path or "/") if htmx else page_after_login(request)
        field = self.get_redirect_field_name(view_func)
        redirect = redirect_to_login(page, self.get_login_url(view_func), field)
        if not htmx:
            return redirect
        login = redirect.url
        response = render(request, "exports/forms/_login_expired.html", {"login": login})
        response.status_code = STOP_POLLING
        response["HX-Retarget"], response["HX-Reswap"] = "#messages", "innerHTML show:window:top"
        return response
