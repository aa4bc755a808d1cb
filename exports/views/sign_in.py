"""Who signs in from where, and what is answered when the login has expired."""

from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import LoginView, redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from exports.forms.sign_in import SignInForm
from exports.views import expired_login

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

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        is_not_done = expired_login.NOT_DONE in self.request.GET
        return super().get_context_data(is_not_done=is_not_done, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        expired_login.settle_after_login(self.request)
        return response


class LoginMiddleware(LoginRequiredMiddleware):
    """Every page asks for a login unless its view says otherwise; a fragment says so in place.

    A redirect would be followed and the login page put into the fragment's place; leaving the page
    would lose what is typed on it. What was posted is not done, and most addresses of buttons have
    no page to come back to.
    """

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> Any:
        answer = super().process_view(request, view_func, view_args, view_kwargs)
        is_sent = request.method == "POST" and not getattr(request, "htmx", None)
        is_let_in = answer is None and request.user.is_authenticated
        if is_let_in and is_sent and expired_login.is_opened_by_another(request):
            return expired_login.refuse_form_of_another(request)
        return answer

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        htmx = getattr(request, "htmx", None)
        if not htmx and request.method != "POST":
            return super().handle_no_permission(request, view_func)
        field, login_url = self.get_redirect_field_name(view_func), self.get_login_url(view_func)
        if not htmx:
            page, is_kept = expired_login.page_after_login(request)
            login = redirect_to_login(page, login_url, field)
            return login if is_kept else redirect(f"{login.url}&{expired_login.NOT_DONE}=1")
        address = redirect_to_login(htmx.current_url_abs_path or "/", login_url, field).url
        response = render(request, "exports/forms/_login_expired.html", {"login": address})
        response.status_code = STOP_POLLING
        response["HX-Retarget"], response["HX-Reswap"] = "#messages", "innerHTML show:window:top"
        return response
