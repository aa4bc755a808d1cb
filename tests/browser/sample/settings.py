"""The real settings, and two views that fail on purpose."""

from cwexport.settings import *  # noqa: F403
from cwexport.settings import LOGGING

ROOT_URLCONF = "tests.browser.sample.urls"
# A fast hasher, as the many logins would take seconds with the real one.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# The pages that ask for a proof are looked at long after the login.
CWEXPORT_PROOF_SECONDS = 86_400
# Quiet logs: wrong passwords, refused forms and faults are part of the simulation.
LOGGING["loggers"] |= {name: {"level": "CRITICAL"} for name in ("axes", "django.request")}
