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
from email.utils import parseaddr
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
from exports.sign_in.registration import SignOn, highest_roles, read_claim, read_issuer, read_role
from exports.storage.places import StorageKeys, read_place
from exports.workers.queues.broker import parse_queue

BASE_DIR = Path(__file__).resolve().parent.parent
_QUOTES = ("'", '"')


# Every variable that is read, as given: the audit log tells what differs from the last start.
CWEXPORT_GIVEN_SETTINGS: dict[str, str] = {}


def _text(name: str, default: str = "") -> str:
    """The variable's value without surrounding blanks and line ends."""
    text = os.environ.get(name, "").strip()
    if text[:1] in _QUOTES and text[:1] == text[-1:]:
        # A shell removes quotes; env files of Docker or systemd may keep them.
        raise ImproperlyConfigured(
            f"{name} stands in quotation marks: write its value without them."
        )
    CWEXPORT_GIVEN_SETTINGS[name] = text
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
    if text not in {"true", "false", "on", "off"}:
        raise ImproperlyConfigured(f"{name} is {text!r}: write true or false.")
    return text in {"true", "on"}


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


def _whole_path(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise ValueError(text)
    return path


# Holds everything that must survive an upgrade: database, files, generated secrets.
CWEXPORT_DATA_DIR = _path("CWEXPORT_DATA_DIR") or BASE_DIR / "var"
# The export folder; empty means `exports` in the data folder.
CWEXPORT_EXPORT_DIR = _path("CWEXPORT_EXPORT_DIR")
# Other folders that destinations may write to, and below them; empty means none.
CWEXPORT_DELIVERY_FOLDERS = _checked(
    "CWEXPORT_DELIVERY_FOLDERS",
    "Write whole paths separated by commas, e.g. /srv/pickup.",
    _whole_path,
    _words("CWEXPORT_DELIVERY_FOLDERS"),
)
# Where the files of runs are kept: a folder, or s3://bucket/prefix; None means the data folder.
CWEXPORT_FILES = None
CWEXPORT_STORAGE_KEYS = StorageKeys(
    access_key=_text("AWS_ACCESS_KEY_ID"),
    secret_key=_text("AWS_SECRET_ACCESS_KEY"),
    session_token=_text("AWS_SESSION_TOKEN"),
    region=_text("AWS_REGION"),
    endpoint=_text("AWS_ENDPOINT_URL"),
)
if _files := _text("CWEXPORT_FILES"):
    try:
        CWEXPORT_FILES = read_place(_files, CWEXPORT_STORAGE_KEYS)
    except ValueError as error:
        raise ImproperlyConfigured(f"CWEXPORT_FILES cannot be used. {error}") from error
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
# How long history, logs and files are kept (rule G1): days, and runs of a task, 0 for any number.
CWEXPORT_KEEP_DAYS = _number("CWEXPORT_KEEP_DAYS", 90, 1, 36_500)
CWEXPORT_KEEP_RUNS = _number("CWEXPORT_KEEP_RUNS", 0, 0, 1_000_000)
# How long each entry of the audit log is kept (rule L2).
CWEXPORT_AUDIT_KEEP_YEARS = _number("CWEXPORT_AUDIT_KEEP_YEARS", 10, 1, 1_000)

# How often a token may be used, in each web process (rule I2).
CWEXPORT_API_REQUESTS_PER_MINUTE = _number("CWEXPORT_API_REQUESTS_PER_MINUTE", 600, 1, 1_000_000)
# What backups are encrypted with; without it, and without --passphrase-file, they are not.
CWEXPORT_BACKUP_PASSPHRASE = _text("CWEXPORT_BACKUP_PASSPHRASE")

# Channels by Apprise, an extra that is installed apart: it follows redirects, so it is off unless
# somebody decides for it.
CWEXPORT_APPRISE = _flag("CWEXPORT_APPRISE", "off")
# The mail server for messages; without a host no mail is sent (rule N1).
CWEXPORT_SMTP_HOST = _text("CWEXPORT_SMTP_HOST")
CWEXPORT_SMTP_TLS = _text("CWEXPORT_SMTP_TLS", "starttls").lower()
if CWEXPORT_SMTP_TLS not in {"starttls", "tls", "none"}:
    raise ImproperlyConfigured(
        f"CWEXPORT_SMTP_TLS is {CWEXPORT_SMTP_TLS!r}: write starttls (port 587), tls (port 465), "
        "or none for a mail server on this machine or in a network of your own."
    )
_SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}
CWEXPORT_SMTP_PORT = _number("CWEXPORT_SMTP_PORT", _SMTP_PORTS[CWEXPORT_SMTP_TLS], 1, 65_535)
CWEXPORT_SMTP_USER = _text("CWEXPORT_SMTP_USER")
CWEXPORT_SMTP_PASSWORD = _text("CWEXPORT_SMTP_PASSWORD")
if CWEXPORT_SMTP_TLS == "none" and CWEXPORT_SMTP_PASSWORD:
    raise ImproperlyConfigured(
        "CWEXPORT_SMTP_PASSWORD would be sent readable to everyone on the way: write starttls or "
        "tls into CWEXPORT_SMTP_TLS, or leave user and password out."
    )
CWEXPORT_SMTP_FROM = _text("CWEXPORT_SMTP_FROM")
if CWEXPORT_SMTP_HOST and not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(CWEXPORT_SMTP_FROM)[1]):
    raise ImproperlyConfigured(
        f"CWEXPORT_SMTP_FROM is {CWEXPORT_SMTP_FROM!r}: write the address that mails come from, "
        "e.g. cwexport@example.com or cwexport <cwexport@example.com>."
    )
# Who may read /metrics: whoever brings the token and calls from one of the networks, as far as they
# are set (rule I3).
CWEXPORT_METRICS = _flag("CWEXPORT_METRICS", "off")
CWEXPORT_METRICS_TOKEN = _text("CWEXPORT_METRICS_TOKEN")
CWEXPORT_METRICS_NETWORKS = _checked(
    "CWEXPORT_METRICS_NETWORKS",
    "Write networks separated by commas, e.g. 10.1.0.0/16,127.0.0.1/32.",
    ip_network,
    _words("CWEXPORT_METRICS_NETWORKS"),
)
if CWEXPORT_METRICS and not (CWEXPORT_METRICS_TOKEN or CWEXPORT_METRICS_NETWORKS):
    raise ImproperlyConfigured(
        "CWEXPORT_METRICS is on, but nothing says who may read them: write a token into "
        "CWEXPORT_METRICS_TOKEN (`python -c 'import secrets; print(secrets.token_urlsafe(32))'` "
        "makes one), or networks into CWEXPORT_METRICS_NETWORKS, e.g. 10.1.0.0/16."
    )
if CWEXPORT_METRICS_TOKEN and not re.fullmatch(r"[!-~]{20,200}", CWEXPORT_METRICS_TOKEN):
    raise ImproperlyConfigured(
        "CWEXPORT_METRICS_TOKEN can be guessed or not be sent: write 20 to 200 letters, digits or "
        "signs without blanks; `python -c 'import secrets; print(secrets.token_urlsafe(32))'` "
        "makes one."
    )

# Second factor and single sign-on (rule A3).
CWEXPORT_SECOND_FACTOR = _text("CWEXPORT_SECOND_FACTOR", "optional").lower()
if CWEXPORT_SECOND_FACTOR not in {"optional", "required", "off"}:
    raise ImproperlyConfigured(
        f"CWEXPORT_SECOND_FACTOR is {CWEXPORT_SECOND_FACTOR!r}: write optional, required (whoever "
        "logs in with a password must set one up) or off."
    )
_issuers = _checked(
    "CWEXPORT_OIDC_ISSUER",
    "Write the provider's issuer without query, e.g. "
    "https://login.microsoftonline.com/<tenant id>/v2.0.",
    lambda text: read_issuer(text, allow_http=CWEXPORT_ALLOW_HTTP),
    _words("CWEXPORT_OIDC_ISSUER")[:1],
)
_sign_on_roles = _checked(
    "CWEXPORT_OIDC_ROLES",
    "Write role=group pairs separated by commas, e.g. "
    "viewer=cwexport-viewers,operator=cwexport-operators,admin=cwexport-admins.",
    read_role,
    _words("CWEXPORT_OIDC_ROLES"),
)
_required_claims = _checked(
    "CWEXPORT_OIDC_REQUIRE",
    "Write claims of which one must be in the ID token, separated by commas, e.g. amr=mfa.",
    read_claim,
    _words("CWEXPORT_OIDC_REQUIRE"),
)
CWEXPORT_SIGN_ON = (
    SignOn(
        issuer=_issuers[0],
        client_id=_text("CWEXPORT_OIDC_CLIENT_ID"),
        client_secret=_text("CWEXPORT_OIDC_CLIENT_SECRET"),
        name=_text("CWEXPORT_OIDC_NAME", "single sign-on"),
        role_claims=tuple(_words("CWEXPORT_OIDC_ROLE_CLAIM", "roles,groups")),
        roles=highest_roles(_sign_on_roles),
        required_claims=tuple(_required_claims),
    )
    if _issuers
    else None
)
for _name, _value in (
    ("CWEXPORT_OIDC_CLIENT_ID", CWEXPORT_SIGN_ON and CWEXPORT_SIGN_ON.client_id),
    ("CWEXPORT_OIDC_CLIENT_SECRET", CWEXPORT_SIGN_ON and CWEXPORT_SIGN_ON.client_secret),
    ("CWEXPORT_OIDC_ROLES", CWEXPORT_SIGN_ON and CWEXPORT_SIGN_ON.roles),
):
    if CWEXPORT_SIGN_ON and not _value:
        raise ImproperlyConfigured(
            f"CWEXPORT_OIDC_ISSUER is set, but {_name} is not. Single sign-on needs what the "
            "provider gave for this installation (docs/operating.md), and which group has which "
            "role, e.g. CWEXPORT_OIDC_ROLES=viewer=cwexport-viewers,admin=cwexport-admins."
        )
CWEXPORT_PASSWORD_LOGIN = _flag("CWEXPORT_PASSWORD_LOGIN", "on")
if not CWEXPORT_PASSWORD_LOGIN and not CWEXPORT_SIGN_ON:
    raise ImproperlyConfigured(
        "CWEXPORT_PASSWORD_LOGIN is off, so nobody could log in: set up single sign-on "
        "(CWEXPORT_OIDC_ISSUER and what belongs to it), or leave it on."
    )
# Where the demo shows what it sent; every page of the demo links to it.
CWEXPORT_DEMO_ARRIVALS = _text("CWEXPORT_DEMO_ARRIVALS")

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
# What channels may be told in, each in its own (N1).
CWEXPORT_MESSAGE_LANGUAGES = _LANGUAGES
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
else:
    # A host that stops or is cut off within a transaction would hold its locks, and nobody could
    # take its runs over: the server ends such a session within the time after which a worker
    # counts as dead. Keepalives let a cut-off host notice. An address with options has its own.
    DATABASES["default"]["OPTIONS"] = {
        "options": "-c idle_in_transaction_session_timeout=20s",
        **{"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3},
        **DATABASES["default"].get("OPTIONS", {}),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

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

# The queue that brings runs to workers; only the Run row decides whether a run is executed (Q2).
# A `Broker`, or None for the database.
[CWEXPORT_QUEUE] = _checked(
    "CWEXPORT_QUEUE",
    "Write database, or redis://user:password@host:6379/0 (rediss:// with TLS; user and password "
    "only where Redis asks for them, with %40 for @ and %2F for /).",
    parse_queue,
    [_text("CWEXPORT_QUEUE", "database")],
)
TASKS = {
    "default": {
        "BACKEND": "exports.workers.queues.redis_backend.RedisBackend"
        if CWEXPORT_QUEUE
        else "django_tasks_db.DatabaseBackend"
    }
}

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
    {"NAME": "exports.forms.passwords.CommonPasswordValidator"},
    {"NAME": "exports.forms.passwords.LetterlessPasswordValidator"},
    {"NAME": "exports.forms.passwords.VariedPasswordValidator"},
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = "exports.views.password_checks.lockout_parameters"
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_CLIENT_IP_CALLABLE = "exports.middleware.client_address.client_address"
AXES_USERNAME_CALLABLE = "exports.views.password_checks.counted_name"
# Otherwise an attacker who goes on guessing locks the user out for ever.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
# Nothing reads this log, and nothing would delete its rows.
AXES_DISABLE_ACCESS_LOG = True
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
# Kept by axes beside each failure: never what could still be of use.
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code", "credential", "state"]
# Whoever logged in within so many seconds may change how they log in.
CWEXPORT_PROOF_SECONDS = 900
# The limits of django-axes hold for codes too; only one of the two libraries may count.
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_ADAPTER = "exports.sign_in.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "cwexport"
# A code of the time step before or after is taken as well.
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
SOCIALACCOUNT_ADAPTER = "exports.sign_in.adapters.SignOnAdapter"
# The provider is this installation's only one; its tokens are of no use afterwards.
SOCIALACCOUNT_STORE_TOKENS = False
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
CWEXPORT_HSTS_SUBDOMAINS = _flag("CWEXPORT_HSTS_SUBDOMAINS", "off")
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"] if CWEXPORT_PUBLIC_URL else []
if CWEXPORT_BEHIND_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    # Only who owns the domain knows whether all hosts below this one speak https.
    SECURE_HSTS_INCLUDE_SUBDOMAINS = CWEXPORT_HSTS_SUBDOMAINS
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
# How long a login lasts unused, and at most (rule A4).
CWEXPORT_SESSION_IDLE_HOURS = _number("CWEXPORT_SESSION_IDLE_HOURS", 8, 1, 24)
CWEXPORT_SESSION_MAX_HOURS = _number("CWEXPORT_SESSION_MAX_HOURS", 12, 1, 168)
SESSION_ENGINE = "exports.models.session_store"
SESSION_COOKIE_AGE = CWEXPORT_SESSION_MAX_HOURS * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CWEXPORT_BEHIND_HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Not in a cookie, which survives a log-out: the next user would see the message.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{_public.path}/"
# Browsers share cookies between ports: two installations on one host would log each other out.
_own = hashlib.sha256(f"cookies of {SECRET_KEY}".encode()).hexdigest()[:8]
# Over https browsers hold that nobody else, such as another host of the domain, can set them.
_only_ours = "" if not CWEXPORT_BEHIND_HTTPS else "__Secure-" if _public.path else "__Host-"
SESSION_COOKIE_NAME = f"{_only_ours}cwexport_session_{_own}"
CSRF_COOKIE_NAME = f"{_only_ours}cwexport_csrf_{_own}"
# Set in a browser in which somebody has logged in.
CWEXPORT_BROWSER_COOKIE_NAME = f"{_only_ours}cwexport_browser_{_own}"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# For `check --deploy`: the proxy redirects plain http to https (W008), and one host cannot decide
# that all hosts of its domain use https (W005, W021).
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]

# The log goes to stderr, as lines for people or as JSON for programs (rule I4).
CWEXPORT_LOG_FORMAT = _text("CWEXPORT_LOG_FORMAT", "line").lower()
if CWEXPORT_LOG_FORMAT not in {"line", "json"}:
    raise ImproperlyConfigured(
        f"CWEXPORT_LOG_FORMAT is {CWEXPORT_LOG_FORMAT!r}: write line or json."
    )
CWEXPORT_LOG_LEVEL = _text("CWEXPORT_LOG_LEVEL", "info").upper()
if CWEXPORT_LOG_LEVEL not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
    raise ImproperlyConfigured(
        f"CWEXPORT_LOG_LEVEL is {CWEXPORT_LOG_LEVEL.lower()!r}: write debug, info, warning or "
        "error."
    )
# One line for each request. Off, as the proxy before it usually has such a log.
CWEXPORT_ACCESS_LOG = _flag("CWEXPORT_ACCESS_LOG", "off")
_others_level = "ERROR" if CWEXPORT_LOG_LEVEL == "ERROR" else "WARNING"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "exports.logs.formats.LineFormatter"},
        "json": {"()": "exports.logs.formats.JsonFormatter"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": CWEXPORT_LOG_FORMAT},
    },
    "root": {"handlers": ["console"], "level": _others_level},
    "loggers": {
        "exports": {"level": CWEXPORT_LOG_LEVEL},
        # Switched by a setting of its own.
        "exports.requests": {"level": "INFO"},
        "django_tasks_db": {"level": "ERROR"},
        # Do not log requests that wait a moment for a thread.
        "waitress.queue": {"level": "ERROR"},
        # It logs server answers unchanged, and a server may echo the key.
        "urllib3": {"level": "CRITICAL"},
        "django": {"handlers": ["console"], "level": _others_level, "propagate": False},
        # Anybody can send a request for another host: no traceback for each.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
