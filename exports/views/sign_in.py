"""Login and its limits, and the answers after a login has expired."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import LoginView, PasswordChangeView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy

from exports.forms.passwords import ChangePasswordForm
from exports.forms.sign_in import SignInForm
from exports.views import expired_login, password_checks

# htmx stops polling at this status, but still swaps the content.
STOP_POLLING = 286


class _PasswordView:
    """Checks a password only when the address is not locked and a slot is free."""

    request: HttpRequest

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        name = self._name()
        if password_checks.is_locked(request, name):
            return render(request, "registration/locked.html", status=429)
        with password_checks.turn(request, name) as is_free:
            if is_free:
                return super().post(request, *args, **kwargs)  # type: ignore[misc]
        response = render(request, "registration/busy.html", {"page": request.path}, status=429)
        response["Retry-After"] = "3"
        return response

    def _name(self) -> str:
        return self.request.POST.get("username", "")


class SignIn(_PasswordView, LoginView):
    """The login page."""

    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        is_not_done = expired_login.NOT_DONE in self.request.GET
        return super().get_context_data(is_not_done=is_not_done, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        expired_login.settle_after_login(self.request)
        password_checks.remember_browser(self.request, response, form.get_user().get_username())
        return response


class ChangePassword(_PasswordView, PasswordChangeView):
    form_class = ChangePasswordForm
    success_url = reverse_lazy("home")

    def get_form(self, form_class: Any = None) -> Any:
        form: Any = super().get_form(form_class)
        form.request = self.request
        return form

    def _name(self) -> str:
        return self.request.user.get_username()


@login_not_required
def sign_in_to_admin(request: HttpRequest) -> HttpResponse:
    """The admin site uses the same login, so that the same limits apply."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", reverse("admin:index")), reverse("login"))


class LoginMiddleware(LoginRequiredMiddleware):
    """Every view needs a login unless it says otherwise; a fragment reports an expired one.

    A redirect would put the whole login page in the fragment's place, and leaving the page would
    lose what is typed on it. A POST without a login is not done; most button addresses have no page
    to return to.
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
        address = redirect_to_login(
            htmx.current_url_abs_path or reverse("home"), login_url, field
        ).url
        response = render(request, "exports/forms/_login_expired.html", {"login": address})
        response.status_code = STOP_POLLING
        response["HX-Retarget"], response["HX-Reswap"] = "#messages", "innerHTML show:window:top"
        return response
