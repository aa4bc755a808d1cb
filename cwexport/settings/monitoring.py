"""What is measured and logged, and who may read it."""

import re
from ipaddress import ip_network

from django.core.exceptions import ImproperlyConfigured

from cwexport.settings.environment import (
    checked,
    read_choice,
    read_flag,
    read_text,
    read_words,
)

# Who may read /metrics: whoever brings the token and calls from one of the networks, as far as they
# are set (rule I3).
CWEXPORT_METRICS = read_flag("CWEXPORT_METRICS", "off")
CWEXPORT_METRICS_TOKEN = read_text("CWEXPORT_METRICS_TOKEN")
CWEXPORT_METRICS_NETWORKS = checked(
    "CWEXPORT_METRICS_NETWORKS",
    "Write networks separated by commas, e.g. 10.1.0.0/16,127.0.0.1/32.",
    ip_network,
    read_words("CWEXPORT_METRICS_NETWORKS"),
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

# The log goes to stderr, as lines for people or as JSON for programs (rule I4).
CWEXPORT_LOG_FORMAT = read_choice("CWEXPORT_LOG_FORMAT", "line", {"line", "json"}, "line or json")
CWEXPORT_LOG_LEVEL = read_choice(
    "CWEXPORT_LOG_LEVEL",
    "info",
    {"debug", "info", "warning", "error"},
    "debug, info, warning or error",
).upper()
# One line for each request. Off, as the proxy before it usually has such a log.
CWEXPORT_ACCESS_LOG = read_flag("CWEXPORT_ACCESS_LOG", "off")
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
