from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import RedirectView

from exports.views.sign_in import ChangePassword, SignIn, sign_in_to_admin

urlpatterns = [
    path("login/", SignIn.as_view(), name="login"),
    # No login required, so that logging out also works after the session has expired.
    path("logout/", login_not_required(auth_views.LogoutView.as_view()), name="logout"),
    path("password/", ChangePassword.as_view(), name="password"),
    path("admin/login/", sign_in_to_admin),
    path("admin/password_change/", RedirectView.as_view(pattern_name="password")),
    path("admin/", admin.site.urls),
    path("", include("exports.urls")),
]
