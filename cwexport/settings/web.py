"""Django's own settings for pages: applications, middleware, templates and static files."""

from csp.constants import NONE, SELF

from cwexport.settings.addresses import DEBUG, public_url
from cwexport.settings.data_folder import BASE_DIR, CWEXPORT_DATA_DIR

INSTALLED_APPS = [
    # First, as its commands stand in for some of Django's, which would leave no audit entry.
    "exports.apps.ExportsConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    # Rows and checks of second factors, and the protocol of single sign-on; every page is ours.
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "axes",
    "crispy_bootstrap5",
    "crispy_forms",
    "csp",
    "django_filters",
    "django_htmx",
    "django_tables2",
    "django_tasks_db",
]
MIDDLEWARE = [
    "exports.middleware.request_log.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # First of all that answer requests, so that static files and refusals get the policy too.
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "exports.middleware.answer_headers.NoStoreMiddleware",
    # Outside of what knows sessions or answers with pages.
    "exports.api.boundary.ApiMiddleware",
    "exports.middleware.request_shape.RequestShapeMiddleware",
    "exports.middleware.monitors.MonitorHostMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "exports.middleware.presence.PresenceMiddleware",
    "django.middleware.common.CommonMiddleware",
    "exports.middleware.time_zone.ZoneMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "exports.middleware.acting.ActingMiddleware",
    # Before the login, which leaves messages about what was typed.
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    # The user of a token, before a login is asked for.
    "exports.api.tokens.TokenMiddleware",
    # Both ask the rights table: is a login needed, and which role?
    "exports.views.sign_in.LoginMiddleware",
    "exports.views.second_factor_gate.SecondFactorMiddleware",
    "exports.views.refusals.RightsMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "exports.views.buttons.MethodMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "cwexport.urls"
WSGI_APPLICATION = "cwexport.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.tz",
                "exports.views.changes.page_context",
            ],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
DJANGO_TABLES2_TEMPLATE = "exports/tables/table.html"

STATIC_URL = f"{public_url.path}/static/"
STATIC_ROOT = CWEXPORT_DATA_DIR / "static"
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "exports.storage.static_files.StaticFilesStorage"
        )
    },
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
# The same limit as in the web server. Nothing is uploaded, so no form needs a file.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
FILE_UPLOAD_HANDLERS: list[str] = []
