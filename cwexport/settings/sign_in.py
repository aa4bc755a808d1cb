"""Who gets in: passwords, second factors, single sign-on and sessions."""

import hashlib
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from cwexport.settings.addresses import CWEXPORT_BEHIND_HTTPS, public_url
from cwexport.settings.data_folder import SECRET_KEY
from cwexport.settings.environment import (
    checked,
    read_choice,
    read_flag,
    read_number,
    read_text,
    read_words,
)
from cwexport.settings.outgoing import CWEXPORT_ALLOW_HTTP
from exports.sign_in.registration import SignOn, highest_roles, read_claim, read_issuer, read_role

# Second factor and single sign-on (rule A3).
CWEXPORT_SECOND_FACTOR = read_choice(
    "CWEXPORT_SECOND_FACTOR",
    "optional",
    {"optional", "required", "off"},
    "optional, required (whoever logs in with a password must set one up) or off",
)
_issuers = checked(
    "CWEXPORT_OIDC_ISSUER",
    "Write the provider's issuer without query, e.g. "
    "https://login.microsoftonline.com/<tenant id>/v2.0.",
    lambda text: read_issuer(text, allow_http=CWEXPORT_ALLOW_HTTP),
    read_words("CWEXPORT_OIDC_ISSUER")[:1],
)
_sign_on_roles = checked(
    "CWEXPORT_OIDC_ROLES",
    "Write role=group pairs separated by commas, e.g. "
    "viewer=cwexport-viewers,operator=cwexport-operators,admin=cwexport-admins.",
    read_role,
    read_words("CWEXPORT_OIDC_ROLES"),
)
_required_claims = checked(
    "CWEXPORT_OIDC_REQUIRE",
    "Write claims of which one must be in the ID token, separated by commas, e.g. amr=mfa.",
    read_claim,
    read_words("CWEXPORT_OIDC_REQUIRE"),
)
CWEXPORT_SIGN_ON = (
    SignOn(
        issuer=_issuers[0],
        client_id=read_text("CWEXPORT_OIDC_CLIENT_ID"),
        client_secret=read_text("CWEXPORT_OIDC_CLIENT_SECRET"),
        name=read_text("CWEXPORT_OIDC_NAME", "single sign-on"),
        role_claims=tuple(read_words("CWEXPORT_OIDC_ROLE_CLAIM", "roles,groups")),
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
CWEXPORT_PASSWORD_LOGIN = read_flag("CWEXPORT_PASSWORD_LOGIN", "on")
if not CWEXPORT_PASSWORD_LOGIN and not CWEXPORT_SIGN_ON:
    raise ImproperlyConfigured(
        "CWEXPORT_PASSWORD_LOGIN is off, so nobody could log in: set up single sign-on "
        "(CWEXPORT_OIDC_ISSUER and what belongs to it), or leave it on."
    )

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

# How long a login lasts unused, and at most (rule A4).
CWEXPORT_SESSION_IDLE_HOURS = read_number("CWEXPORT_SESSION_IDLE_HOURS", 8, 1, 24)
CWEXPORT_SESSION_MAX_HOURS = read_number("CWEXPORT_SESSION_MAX_HOURS", 12, 1, 168)
SESSION_ENGINE = "exports.models.session_store"
SESSION_COOKIE_AGE = CWEXPORT_SESSION_MAX_HOURS * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CWEXPORT_BEHIND_HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Not in a cookie, which survives a log-out: the next user would see the message.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{public_url.path}/"
# Browsers share cookies between ports: two installations on one host would log each other out.
_own = hashlib.sha256(f"cookies of {SECRET_KEY}".encode()).hexdigest()[:8]
# Over https browsers hold that nobody else, such as another host of the domain, can set them.
_only_ours = "" if not CWEXPORT_BEHIND_HTTPS else "__Secure-" if public_url.path else "__Host-"
SESSION_COOKIE_NAME = f"{_only_ours}cwexport_session_{_own}"
CSRF_COOKIE_NAME = f"{_only_ours}cwexport_csrf_{_own}"
# Set in a browser in which somebody has logged in.
CWEXPORT_BROWSER_COOKIE_NAME = f"{_only_ours}cwexport_browser_{_own}"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# For `check --deploy`: the proxy redirects plain http to https (W008), and one host cannot decide
# that all hosts of its domain use https (W005, W021).
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
