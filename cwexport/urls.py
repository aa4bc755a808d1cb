from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from exports.views import monitoring
from exports.views.emergency import use_emergency_link
from exports.views.second_factor_check import check_second_factor
from exports.views.sign_in import ChangePassword, SignIn, SignOut, sign_in_to_admin
from exports.views.sign_on import finish_sign_on, start_sign_on

urlpatterns = [
    # Without a slash at the end, as monitors expect them.
    path("healthz", monitoring.show_health, name="health"),
    path("readyz", monitoring.show_readiness, name="readiness"),
    path("metrics", monitoring.show_metrics, name="metrics"),
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", SignOut.as_view(), name="logout"),
    path("login/second-factor/", check_second_factor, name="second-factor-check"),
    path("login/single-sign-on/", start_sign_on, name="sign-on-start"),
    path("login/single-sign-on/callback/", finish_sign_on, name="sign-on-callback"),
    path("login/emergency/<str:token>/", use_emergency_link, name="emergency-login"),
    path("password/", ChangePassword.as_view(), name="password"),
    path("admin/login/", sign_in_to_admin, name="admin-login"),
    path(
        "admin/password_change/",
        RedirectView.as_view(pattern_name="password"),
        name="admin-password",
    ),
    path("admin/", admin.site.urls),
    path("", include("exports.urls")),
]

handler400 = "exports.views.error_pages.show_bad_request"
handler403 = "exports.views.error_pages.show_not_allowed"
handler404 = "exports.views.error_pages.show_not_found"
handler500 = "exports.views.error_pages.show_server_error"
