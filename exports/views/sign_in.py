"""Login and its limits, and the answers after a login has expired."""

from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy

from exports.access.rights import PUBLIC, need_of
from exports.forms.passwords import ChangePasswordForm
from exports.forms.sign_in import SignInForm
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.sign_in.factors import has_factor
from exports.sign_in.session_marks import LoginMethod, begin_second_step, login_method
from exports.views import expired_login, password_checks
from exports.views.letting_in import allow_way_to_provider, let_in, sign_on_context

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

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not settings.CWEXPORT_PASSWORD_LOGIN:
            return self.get(request, *args, **kwargs)
        return super().post(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        is_not_done = expired_login.NOT_DONE in self.request.GET
        context = super().get_context_data(is_not_done=is_not_done, **kwargs)
        return {**context, **sign_on_context(), "is_password_off": not _is_password_on()}

    def render_to_response(self, context: Any, **kwargs: Any) -> Any:
        return allow_way_to_provider(super().render_to_response(context, **kwargs))

    def form_invalid(self, form: Any) -> HttpResponse:
        # Not counted any more while locked, and then not recorded either.
        if getattr(self.request, "axes_failures_since_start", None) is not None:
            # Only a name that exists: others type their password there.
            user = User.objects.filter(username=self._name()).first()
            record_action(AuditAction.LOGIN_FAILED, user, {"reason": ["", "password"]})
        return super().form_invalid(form)

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        if has_factor(user):
            begin_second_step(self.request, user, self.get_success_url())
            return redirect("second-factor-check")
        return let_in(self.request, user, self.get_success_url(), LoginMethod.PASSWORD)


class ChangePassword(_PasswordView, PasswordChangeView):
    form_class = ChangePasswordForm
    success_url = reverse_lazy("home")

    def get_form(self, form_class: Any = None) -> Any:
        form: Any = super().get_form(form_class)
        form.request = self.request
        return form

    def _name(self) -> str:
        return self.request.user.get_username()


class SignOut(LogoutView):
    """Logs out here; the login page says so when the provider's session stays open."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if isinstance(request.user, User):
            record_action(AuditAction.LOGGED_OUT, request.user)
        self.is_signed_on = login_method(request) is LoginMethod.SINGLE_SIGN_ON
        response = super().post(request, *args, **kwargs)
        response["Clear-Site-Data"] = _what_to_clear()
        return response

    def get_success_url(self) -> str:
        page = super().get_success_url()
        return f"{page}?signed_on=1" if self.is_signed_on else page


def _what_to_clear() -> str:
    """Copies of pages, and drafts. Cookies stay: the browser would lose those of other hosts too.

    Under a path, what other programs of the host keep is not ours to clear.
    """
    return '"cache"' if settings.FORCE_SCRIPT_NAME else '"cache", "storage"'


def _is_password_on() -> bool:
    return bool(settings.CWEXPORT_PASSWORD_LOGIN)


def sign_in_to_admin(request: HttpRequest) -> HttpResponse:
    """The admin site uses the same login, so that the same limits apply."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", reverse("admin:index")), reverse("login"))


class LoginMiddleware(LoginRequiredMiddleware):
    """Every address needs a login unless the rights table makes it public; a fragment reports an
    expired one.

    A redirect would put the whole login page in the fragment's place, and leaving the page would
    lose what is typed on it. A POST without a login is not done; most button addresses have no page
    to return to.
    """

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> Any:
        if not request.user.is_authenticated:
            is_public = need_of(request.resolver_match, request.method) is PUBLIC
            return None if is_public else self.handle_no_permission(request, view_func)
        is_sent = request.method == "POST" and not getattr(request, "htmx", None)
        if is_sent and expired_login.is_opened_by_another(request):
            return expired_login.refuse_form_of_another(request)
        return None

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
