"""Limits how often and how many passwords are checked: each check is slow on purpose.

A lock is for a user name and an address. People who share an address with an attacker have a
separate count in any browser they have logged in with before.
"""

import secrets
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from axes.models import AccessAttempt
from django.conf import settings
from django.core import signing
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from exports.middleware.client_address import client_address

# Wrong passwords from one address, over all user names, before it has to wait.
MOST_OF_ONE_ADDRESS: Final = 50
# Checks at the same time; the web server's other threads stay free for pages.
MOST_AT_ONCE: Final = 4
_MOST_AT_ONCE_OF_ONE_ADDRESS: Final = 2
_BROWSER_LIFETIME: Final = timedelta(days=180)
_SALT: Final = "known-browser:"

_lock = threading.Lock()
_under_way: Counter[tuple[bool, str]] = Counter()


def counted_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """The name that wrong passwords are counted under: a known browser has its own."""
    name = str((credentials or request.POST).get("username") or "")[:150]
    browser = _known_browser(request, name)
    return f"{name} ({browser})" if browser else name


def remember_browser(request: HttpRequest, response: HttpResponse, name: str) -> None:
    """After a login: others at this address can no longer lock this browser out."""
    browser = _known_browser(request, name) or secrets.token_hex(8)
    response.set_cookie(
        settings.CWEXPORT_BROWSER_COOKIE_NAME,
        signing.dumps(browser, salt=_SALT + name),
        max_age=_BROWSER_LIFETIME,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def is_locked(request: HttpRequest, name: str) -> bool:
    """Whether too many wrong passwords came from this address, over all user names."""
    if _known_browser(request, name):
        return False
    since = timezone.now() - timedelta(hours=settings.AXES_COOLOFF_TIME)
    attempts = AccessAttempt.objects.filter(
        ip_address=client_address(request), attempt_time__gte=since
    )
    count = attempts.aggregate(count=Sum("failures_since_start"))["count"] or 0
    return bool(count >= MOST_OF_ONE_ADDRESS)


@contextmanager
def turn(request: HttpRequest, name: str) -> Iterator[bool]:
    """Whether a password may be checked now; known browsers have slots of their own."""
    who = (bool(_known_browser(request, name)), client_address(request))
    with _lock:
        total = sum(count for (is_known, _), count in _under_way.items() if is_known == who[0])
        is_free = total < MOST_AT_ONCE and _under_way[who] < _MOST_AT_ONCE_OF_ONE_ADDRESS
        _under_way[who] += is_free
    try:
        yield is_free
    finally:
        with _lock:
            _under_way[who] -= is_free
            if not _under_way[who]:
                del _under_way[who]


def _known_browser(request: HttpRequest, name: str) -> str:
    cookie = request.COOKIES.get(settings.CWEXPORT_BROWSER_COOKIE_NAME, "")
    try:
        return str(signing.loads(cookie, salt=_SALT + name, max_age=_BROWSER_LIFETIME))
    except signing.BadSignature:
        return ""
