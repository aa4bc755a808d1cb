"""Every setting of the installation. The only module that reads the environment.

With a bad value the program does not start and says what a correct one looks like. README.md lists
the settings with their defaults, and a test compares the two.
"""

import hashlib
import os
import re
import ssl
import tempfile
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import environ
from cryptography.fernet import Fernet
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from cwexport import local_secrets
from cwexport.public_url import split_public_url
from exports.connectwise.http.proxy import Route, parse_proxy

BASE_DIR = Path(__file__).resolve().parent.parent
_QUOTES = ("'", '"')


def _text(name: str, default: str = "") -> str:
    """The variable's value without surrounding blanks and line ends."""
    text = os.environ.get(name, "").strip()
    if text[:1] in _QUOTES and text[:1] == text[-1:]:
        # A shell removes quotes; env files of Docker or systemd may keep them.
        raise ImproperlyConfigured(
            f"{name} stands in quotation marks: write its value without them."
        )
    return text or default


def _path(name: str) -> Path | None:
    """An absolute path: a relative one would change with the working directory."""
    text = _text(name)
    if not text:
        return None
    path = Path(text)
    with suppress(RuntimeError):
        path = path.expanduser()
    if text[-1] in _QUOTES or text[0] in _QUOTES or not text.isprintable():
        raise ImproperlyConfigured(
            f"{name} is {text!r}: write the path as it is, without quotation marks or line breaks."
        )
    if not path.is_absolute():
        raise ImproperlyConfigured(
            f"{name} is {text!r}, which another working directory would change: write the whole "
            f"path, e.g. {Path(text).absolute() if text[0] != '~' else '/var/lib/cwexport'}."
        )
    return path


def _flag(name: str, default: str = "false") -> bool:
    text: str = _text(name, default).lower()
    if text not in {"true", "false"}:
        raise ImproperlyConfigured(f"{name} is {text!r}: write true or false.")
    return text == "true"


def _number(name: str, default: int, lowest: int, highest: int) -> int:
    text: str = _text(name, str(default))
    if not text.isascii() or not text.isdigit() or not lowest <= int(text) <= highest:
        raise ImproperlyConfigured(
            f"{name} is {text!r}: write a whole number from {lowest} to {highest}."
        )
    return int(text)


def _words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in _text(name, default).split(",") if word.strip()]


def _checked(name: str, example: str, check: Any, values: list[str]) -> list[Any]:
    try:
        return [check(value) for value in values]
    except (ValueError, KeyError, OSError) as error:
        raise ImproperlyConfigured(f"{name} has a value that cannot be used. {example}") from error


# Holds everything that must survive an upgrade: database, files, generated secrets.
CWEXPORT_DATA_DIR = _path("CWEXPORT_DATA_DIR") or BASE_DIR / "var"
# The export folder; empty means `exports` in the data folder.
CWEXPORT_EXPORT_DIR = _path("CWEXPORT_EXPORT_DIR")
# Files may contain passwords, sessions and encrypted keys: everything created from here on, also by
# SQLite, can be read by this user only.
os.umask(0o077)
try:
    CWEXPORT_DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    SECRET_KEY = _text("SECRET_KEY") or local_secrets.secret_key(CWEXPORT_DATA_DIR)
    CWEXPORT_ENCRYPTION_KEYS = _words("CWEXPORT_ENCRYPTION_KEYS") or (
        local_secrets.encryption_key(CWEXPORT_DATA_DIR).split(",")
    )
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        # /tmp may be missing, as in a container with a read-only root.
        tempfile.tempdir = os.environ["SQLITE_TMPDIR"] = str(CWEXPORT_DATA_DIR / "tmp")
        Path(tempfile.tempdir).mkdir(mode=0o700, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(
        f"CWEXPORT_DATA_DIR is {CWEXPORT_DATA_DIR}, which cannot be used ({error.strerror}). "
        "Name a folder this user may write to."
    ) from error
if (
    len(SECRET_KEY) < 50
    or len(set(SECRET_KEY)) < 12
    or re.search(r"(?i)insecure|change.?me|secret|example|password", SECRET_KEY)
):
    raise ImproperlyConfigured(
        "SECRET_KEY can be guessed: write 50 random characters at least, or leave it out, and "
        "this installation makes one for itself."
    )
_checked(
    "CWEXPORT_ENCRYPTION_KEYS",
    "Write Fernet keys (44 characters each) separated by commas, the newest first. "
    "`python -c 'from cryptography.fernet import Fernet; "
    "print(Fernet.generate_key().decode())'` makes one.",
    Fernet,
    CWEXPORT_ENCRYPTION_KEYS,
)

DEBUG = _flag("DEBUG")
# The URL at which people reach this installation: that of the outermost proxy.
CWEXPORT_PUBLIC_URL = _text("CWEXPORT_PUBLIC_URL", "")
[_public] = _checked(
    "CWEXPORT_PUBLIC_URL",
    "Write the address that people type, e.g. https://cw.example.com:8443/cwexport.",
    split_public_url,
    [CWEXPORT_PUBLIC_URL or "http://localhost"],
)
CWEXPORT_PUBLIC_URL = _public.geturl() if CWEXPORT_PUBLIC_URL else ""
FORCE_SCRIPT_NAME = _public.path or None
ALLOWED_HOSTS = _words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
if not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS is empty: name the host people type, e.g. cw.lan.")
for _host in ALLOWED_HOSTS:
    if "/" in _host or (":" in _host and not _host.startswith("[")):
        raise ImproperlyConfigured(
            f"ALLOWED_HOSTS has {_host!r}: write host names without scheme and port, e.g. cw.lan."
        )
if CWEXPORT_PUBLIC_URL:
    _name = _public.hostname or ""
    ALLOWED_HOSTS.append(f"[{_name}]" if ":" in _name else _name)

# Networks that may be called besides public https addresses (rule C6).
CWEXPORT_ALLOWED_NETWORKS = _checked(
    "CWEXPORT_ALLOWED_NETWORKS",
    "Write networks separated by commas, e.g. 10.0.0.0/8,127.0.0.0/8.",
    ip_network,
    _words("CWEXPORT_ALLOWED_NETWORKS"),
)
CWEXPORT_ALLOW_HTTP = _flag("CWEXPORT_ALLOW_HTTP")
# The outgoing proxy. It resolves names itself, so it is used only for the listed hosts: another
# name could lead into the proxy's own network.
_proxy_hosts = _words(
    "CWEXPORT_PROXY_HOSTS",
    "*.myconnectwise.net,staging.connectwisedev.com,api-staging.connectwisedev.com",
)
_proxies = _checked(
    "CWEXPORT_PROXY",
    "Write http://host:port or http://user:password@host:port, and in CWEXPORT_PROXY_HOSTS the "
    "hosts to call by it, such as *.myconnectwise.net,cw.example.com.",
    lambda text: parse_proxy(text, _proxy_hosts),
    [text] if (text := _text("CWEXPORT_PROXY")) else [],
)
CWEXPORT_ROUTE = Route(
    proxy=_proxies[0] if _proxies else None,
    is_environment_ignored=any(
        os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
    ),
)
CWEXPORT_CA_FILE = str(_path("CWEXPORT_CA_FILE") or "")
if CWEXPORT_CA_FILE:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(CWEXPORT_CA_FILE)
    except OSError as error:
        raise ImproperlyConfigured(
            f"CWEXPORT_CA_FILE is {CWEXPORT_CA_FILE!r}, which cannot be used "
            f"({error.strerror or error}). Name a readable file with certificates in PEM format."
        ) from error
CONNECTWISE_CLIENT_ID = _text("CONNECTWISE_CLIENT_ID")
# The overlap: how far Modified reaches back for late arrivals, in minutes (rule W5).
CWEXPORT_OVERLAP_MINUTES = _number("CWEXPORT_OVERLAP_MINUTES", 15, 0, 1440)

TIME_ZONE = _text("TIME_ZONE", "UTC")
_checked("TIME_ZONE", "Write an IANA name such as Europe/Berlin.", ZoneInfo, [TIME_ZONE])
USE_TZ = True
# One language for the whole installation, so no LocaleMiddleware: logs, manifests and errors are
# written once, and pages in the browser's language would mix two languages.
_LANGUAGES = {"en": ("en-gb", "English"), "de": ("de", "Deutsch")}
CWEXPORT_LANGUAGE = _text("CWEXPORT_LANGUAGE", "en").lower()
if CWEXPORT_LANGUAGE not in _LANGUAGES:
    raise ImproperlyConfigured(
        f"CWEXPORT_LANGUAGE is {CWEXPORT_LANGUAGE!r}: write en for English or de for German."
    )
LANGUAGES = [_LANGUAGES[CWEXPORT_LANGUAGE]]
LANGUAGE_CODE = LANGUAGES[0][0]
LOCALE_PATHS = [BASE_DIR / "exports" / "locale"]
USE_I18N = True
USE_THOUSAND_SEPARATOR = True

_SQLITE = "django.db.backends.sqlite3"
DATABASES: dict[str, dict[str, Any]] = {
    "default": {"ENGINE": _SQLITE, "NAME": str(CWEXPORT_DATA_DIR / "cwexport.sqlite3")}
}
if _text("DATABASE_URL"):
    try:
        DATABASES["default"] = environ.Env.db_url_config(_text("DATABASE_URL"))
        if DATABASES["default"]["ENGINE"].rpartition(".")[2] not in {"sqlite3", "postgresql"}:
            raise ValueError("another database")
        if DATABASES["default"]["ENGINE"] == _SQLITE and DATABASES["default"]["NAME"][:1] != "/":
            # In another working directory this would be another database.
            raise ValueError("a relative path")
    except (ValueError, KeyError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured(
            "DATABASE_URL cannot be read. Write sqlite:////var/lib/cwexport/db.sqlite3 (four "
            "slashes and the whole path) or postgres://user:password@host:5432/name."
        ) from error
if DATABASES["default"]["ENGINE"] == _SQLITE:
    # Both WAL and IMMEDIATE: with only one of them, writers get "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "crispy_bootstrap5",
    "crispy_forms",
    "csp",
    "django_filters",
    "django_htmx",
    "django_tables2",
    "django_tasks_db",
    "exports.apps.ExportsConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # First of all that answer requests, so that static files and refusals get the policy too.
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "exports.middleware.answer_headers.NoStoreMiddleware",
    "exports.middleware.request_shape.RequestShapeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "exports.middleware.time_zone.ZoneMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Every page and fragment requires a login unless its view says otherwise.
    "exports.views.sign_in.LoginMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "exports.views.buttons.MethodMiddleware",
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
            ],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
DJANGO_TABLES2_TEMPLATE = "exports/tables/table.html"

# The queue that brings runs to workers; only the Run row decides whether a run is executed.
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    # Also refuses the user name written twice.
    {
        "NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator",
        "OPTIONS": {"max_similarity": 0.6},
    },
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
    {"NAME": "exports.forms.passwords.VariedPasswordValidator"},
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_CLIENT_IP_CALLABLE = "exports.middleware.client_address.client_address"
AXES_USERNAME_CALLABLE = "exports.views.password_checks.counted_name"
# Otherwise an attacker who goes on guessing locks the user out for ever.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
# Nothing reads this log, and nothing would delete its rows.
AXES_DISABLE_ACCESS_LOG = True
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

STATIC_URL = f"{_public.path}/static/"
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
# Behind an https proxy: cookies only over https, and the proxy's header is trusted.
CWEXPORT_BEHIND_HTTPS = _flag(
    "CWEXPORT_BEHIND_HTTPS", "true" if _public.scheme == "https" else "false"
)
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"] if CWEXPORT_PUBLIC_URL else []
if CWEXPORT_BEHIND_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    CSRF_TRUSTED_ORIGINS += [
        f"https://*{host}" if host.startswith(".") else f"https://{host}"
        for host in ALLOWED_HOSTS
        if host != "*"
    ]
# How many proxies are in front of this installation; each adds its client's address to
# X-Forwarded-For. Addresses added by anyone else are ignored.
CWEXPORT_TRUSTED_PROXIES = _number(
    "CWEXPORT_TRUSTED_PROXIES", 1 if CWEXPORT_BEHIND_HTTPS else 0, 0, 10
)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CWEXPORT_BEHIND_HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Not in a cookie, which survives a log-out: the next user would see the message.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{_public.path}/"
# Browsers share cookies between ports: two installations on one host would log each other out.
_own = hashlib.sha256(f"cookies of {SECRET_KEY}".encode()).hexdigest()[:8]
SESSION_COOKIE_NAME = f"cwexport_session_{_own}"
CSRF_COOKIE_NAME = f"cwexport_csrf_{_own}"
# Set in a browser in which somebody has logged in.
CWEXPORT_BROWSER_COOKIE_NAME = f"cwexport_browser_{_own}"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# For `check --deploy`: the proxy redirects plain http to https (W008), and one host cannot decide
# that all hosts of its domain use https (W005, W021).
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "exports": {"level": "INFO"},
        "django_tasks_db": {"level": "ERROR"},
        # Do not log requests that wait a moment for a thread.
        "waitress.queue": {"level": "ERROR"},
        # It logs server answers unchanged, and a server may echo the key.
        "urllib3": {"level": "CRITICAL"},
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}
