"""The real settings, and two views that fail on purpose."""

from cwexport.settings import *  # noqa: F403
from cwexport.settings import LOGGING

ROOT_URLCONF = "tests.browser.sample.urls"
# One login is made ten times over; the real hasher would take seconds for it.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Wrong passwords, refused forms and faults are part of the simulation.
LOGGING["loggers"] |= {name: {"level": "CRITICAL"} for name in ("axes", "django.request")}
