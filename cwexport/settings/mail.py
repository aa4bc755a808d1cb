"""How messages leave: the mail server, and Apprise."""

import re
from email.utils import parseaddr

from django.core.exceptions import ImproperlyConfigured

from cwexport.settings.environment import read_choice, read_flag, read_number, read_text

# Channels by Apprise, an extra that is installed apart: it follows redirects, so it is off unless
# somebody decides for it.
CWEXPORT_APPRISE = read_flag("CWEXPORT_APPRISE", "off")
# The mail server for messages; without a host no mail is sent (rule N1).
CWEXPORT_SMTP_HOST = read_text("CWEXPORT_SMTP_HOST")
CWEXPORT_SMTP_TLS = read_choice(
    "CWEXPORT_SMTP_TLS",
    "starttls",
    {"starttls", "tls", "none"},
    "starttls (port 587), tls (port 465), or none for a mail server on this machine or in a "
    "network of your own",
)
_SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}
CWEXPORT_SMTP_PORT = read_number("CWEXPORT_SMTP_PORT", _SMTP_PORTS[CWEXPORT_SMTP_TLS], 1, 65_535)
CWEXPORT_SMTP_USER = read_text("CWEXPORT_SMTP_USER")
CWEXPORT_SMTP_PASSWORD = read_text("CWEXPORT_SMTP_PASSWORD")
if CWEXPORT_SMTP_TLS == "none" and CWEXPORT_SMTP_PASSWORD:
    raise ImproperlyConfigured(
        "CWEXPORT_SMTP_PASSWORD would be sent readable to everyone on the way: write starttls or "
        "tls into CWEXPORT_SMTP_TLS, or leave user and password out."
    )
CWEXPORT_SMTP_FROM = read_text("CWEXPORT_SMTP_FROM")
if CWEXPORT_SMTP_HOST and not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(CWEXPORT_SMTP_FROM)[1]):
    raise ImproperlyConfigured(
        f"CWEXPORT_SMTP_FROM is {CWEXPORT_SMTP_FROM!r}: write the address that mails come from, "
        "e.g. cwexport@example.com or cwexport <cwexport@example.com>."
    )
