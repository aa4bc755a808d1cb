"""Limits how often and how many passwords are checked: each check is slow on purpose.

A lock is for a user name and an address. People who share an address with an attacker have a
separate count in any browser they have logged in with before. Codes of the second factor are
counted apart and for a user name alone: whoever gets that far knows the password.
"""

import re
import secrets
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from enum import Enum, auto
from typing import Any, Final

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.core import signing
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse

from exports import clock
from exports.middleware.client_address import client_address

# Wrong passwords from one address, over all user names, before it has to wait.
MAX_OF_ONE_ADDRESS: Final = 50
# Checks at the same time; the web server's other threads stay free for pages.
MAX_AT_ONCE: Final = 4
_MAX_AT_ONCE_OF_ONE_ADDRESS: Final = 2
_BROWSER_LIFETIME: Final = timedelta(days=180)
_SALT: Final = "known-browser:"
# Marks what is counted as a code, and the names that codes are counted under.
_CODE: Final = "second_factor"
# No user can be called so, as it has blanks, and what is typed is counted without them.
_OTHER_LOGINS: Final = "another way to log in"
_CODES_OF: Final = "second factor of "

_lock = threading.Lock()
_under_way: Counter[tuple["_Standing", str]] = Counter()


class _Standing(Enum):
    """Each has slots of its own, so that guesses from many addresses keep nobody else out."""

    KNOWN_BROWSER = auto()
    NO_WRONG_PASSWORD = auto()
    WRONG_PASSWORDS = auto()


def counted_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """The name that wrong passwords are counted under: a known browser has its own."""
    name = str((credentials or request.POST).get("username") or "")[:150]
    browser = _known_browser(request, name)
    counted = f"{name} ({browser})" if browser else name
    if _is_code(credentials):
        return f"{_CODES_OF}{counted}"
    return counted if browser or name == _OTHER_LOGINS else _without_blanks(name)


def lockout_parameters(
    request: object, credentials: Mapping[str, Any] | None = None
) -> list[str | list[str]]:
    """What django-axes looks for, to say whether too much was wrong."""
    return ["username"] if _is_code(credentials) else [["username", "ip_address"]]


def _without_blanks(typed: str) -> str:
    """Whoever types `second factor of …` as a name must not lock what is counted under it."""
    return re.sub(r"\s", "_", typed)


def may_try_code(request: HttpRequest, name: str) -> bool:
    return bool(AxesProxyHandler.is_allowed(request, _code_of(name)))


def count_wrong_code(request: HttpRequest, name: str) -> None:
    """The last one that is allowed leads to the page that says so, by the middleware of axes."""
    AxesProxyHandler.user_login_failed("second factor", _code_of(name), request)


def count_refusal(request: HttpRequest) -> None:
    """A login that failed without a password: by a provider or a link."""
    AxesProxyHandler.user_login_failed("refusal", {"username": _OTHER_LOGINS}, request)


def forget_wrong_codes(request: HttpRequest, name: str) -> None:
    AxesProxyHandler.reset_attempts(username=counted_name(request, _code_of(name)))


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
    return _failure_count(request) >= MAX_OF_ONE_ADDRESS


@contextmanager
def turn(request: HttpRequest, name: str) -> Iterator[bool]:
    """Whether a password may be checked now."""
    standing = _standing(request, name)
    who = (standing, client_address(request))
    with _lock:
        total = sum(count for (other, _), count in _under_way.items() if other == standing)
        is_free = total < MAX_AT_ONCE and _under_way[who] < _MAX_AT_ONCE_OF_ONE_ADDRESS
        _under_way[who] += is_free
    try:
        yield is_free
    finally:
        with _lock:
            _under_way[who] -= is_free
            if not _under_way[who]:
                del _under_way[who]


def _code_of(name: str) -> dict[str, str]:
    return {"username": name, _CODE: "yes"}


def _is_code(credentials: Mapping[str, Any] | None) -> bool:
    return _CODE in (credentials or {})


def _standing(request: HttpRequest, name: str) -> _Standing:
    if _known_browser(request, name):
        return _Standing.KNOWN_BROWSER
    is_fresh = _failure_count(request) == 0
    return _Standing.NO_WRONG_PASSWORD if is_fresh else _Standing.WRONG_PASSWORDS


def _failure_count(request: HttpRequest) -> int:
    """Recent wrong passwords from this address, over all user names."""
    since = clock.now() - timedelta(hours=settings.AXES_COOLOFF_TIME)
    attempts = AccessAttempt.objects.filter(
        ip_address=client_address(request), attempt_time__gte=since
    )
    return int(attempts.aggregate(count=Sum("failures_since_start"))["count"] or 0)


def _known_browser(request: HttpRequest, name: str) -> str:
    cookie = request.COOKIES.get(settings.CWEXPORT_BROWSER_COOKIE_NAME, "")
    try:
        return str(signing.loads(cookie, salt=_SALT + name, max_age=_BROWSER_LIFETIME))
    except signing.BadSignature:
        return ""
