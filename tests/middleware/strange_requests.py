"""Requests that no browser sends, and every address to send them to."""

import re
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

HUGE: Final = "9" * 30
METHODS: Final = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "NOTHING")
HEADERS: Final = (
    {"HX-Request": "true", "HX-Current-URL": "http://["},
    {"HX-Request": "true", "HX-Current-URL": "//[::1"},
    {"HX-Request": "true", "HX-Current-URL": "http://testserver/\0"},
    {"HX-Request": "true", "HX-Current-URL": "%ff", "HX-Current-URL-URI-AutoEncoded": "true"},
    {"Referer": "http://["},
    {"Referer": f"http://testserver/runs/{'9' * 5_000}/"},
    {"Referer": "http://testserver/%ff%00"},
    {"Origin": "http://["},
    {"Host": "["},
    {"Host": "testserver:99999999"},
    {"Host": "testserver:x"},
    {"Host": ""},
    {"Host": "\xff"},
    {"X-Forwarded-For": "203.0.113.9:51844, unknown,, [::1"},
    {"X-Forwarded-Host": "["},
    {"X-Forwarded-Proto": "\0"},
    {"Cookie": f"{settings.SESSION_COOKIE_NAME}={'a' * 100_000}"},
    {
        "Cookie": f"{settings.SESSION_COOKIE_NAME}=\xff; {settings.CSRF_COOKIE_NAME}=\xff; "
        'cwexport_zone=../../\xff; =;"\\'
    },
    {"Cookie": "; ".join(f"c{n}=1" for n in range(5_000))},
    {"If-Modified-Since": "Thu, 99 Foo 99999 99:99:99 GMT", "If-None-Match": '"' * 1_000},
    {"Range": f"bytes={HUGE}-"},
    {"Accept-Language": "x" * 5_000, "Accept": "\xff", "Accept-Encoding": "gzip;q=x"},
    {"User-Agent": "\0" * 400},
    {"X-CSRFToken": "\xff" * 100},
    {"Authorization": "Basic \xff"},
    {"Authorization": "Bearer " + "x" * 10_000},
    {"X-Requested-With": "XMLHttpRequest"},
)
_FORM: Final = "application/x-www-form-urlencoded"
_PARTS: Final = "multipart/form-data; boundary=x"
CONTENT_TYPES: Final = (
    *(
        f"{_FORM}; charset={name}"
        for name in ("hex", "rot13", "zip", "idna", "utf-16", "undefined", "mbcs", "\xff", "x y")
    ),
    "text/html; charset=hex",
    f"{_PARTS}; charset=hex",
    "multipart/form-data",
    f"multipart/form-data; boundary={'x' * 500}",
    "multipart/form-data; boundary=\xff",
    "multipart/form-data; boundary*=utf-8''%ff",
    "application/json",
    "a/b;" * 1_000,
    ";;;=",
    _FORM,
    _PARTS,
)
_PART: Final = b'--x\r\nContent-Disposition: form-data; name="f"'
BODIES: Final = (
    b"a=b",
    b"\0",
    b"a=%00&b=%ff%fe&%ED%A0%80=%",
    b"username=%00&password=%ED%A0%80",
    b"username=" + b"x" * 100_000 + b"&password=" + b"y" * 100_000,
    b"a=b&" * 3_000,
    b"x" * 1_100_000,
    b"conditions-TOTAL_FORMS=1000000000&conditions-INITIAL_FORMS=-1",
    b"conditions-TOTAL_FORMS=" + b"9" * 5_000,
    b"page_size=" + b"9" * 30 + b"&date_created=99999-01-01&batch_id=1e400&position=NaN",
    _PART + b'; filename="a.xml"\r\n\r\n' + b"x" * 10_000 + b"\r\n--x--",
    _PART + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n--x--",
    _PART + b"\r\nContent-Type: text/plain; charset=hex\r\n\r\nx\r\n--x--",
    b"--x",
    b"\x1f\x8b" * 100,
)
_NAMES: Final = (
    *("page", "sort", "task", "status", "trigger", "who", "from", "to", "batch", "at", "before"),
    *("next", "q", "o", "p", "e", "all", "position", "row_action", "_popup", "_to_field", "%00"),
    *("queued_at__year", "id__in", "id__gt", "status__exact", "pk", "app_label", "%ff", "_facets"),
)
_VALUES: Final = (
    *("%00", "%ff", "%ED%A0%80", "%", "%zz", HUGE, "9" * 5_000, "-1", "0", "1e400", "NaN", "\xff"),
    *("2026-99-99", "9999-12-31", "0001-01-01", "99999999999-01-01", "[]", "%F0%9F%98%80", "x'\""),
)
QUERIES: Final = (
    *(f"{name}={value}" for name in _NAMES for value in _VALUES),
    "&".join(f"a{n}=1" for n in range(900)),
    "=%ff&&=",
)
_FAR_OFF: Final = (
    "/%00",
    "/%ff",
    "/static/%00",
    "/static/../settings.py",
    "//",
    f"/{'a' * 20_000}",
    "/runs/1/%0d%0aX: y",
    f"/runs/{'9' * 5_000}/",
)


def addresses(pk: int) -> list[str]:
    """Each address of the installation, with `pk` and with a number that no row can have."""
    known = [
        _filled(route, number)
        for route in _routes(get_resolver())
        for number in (str(pk), HUGE)
        # The second is meant to answer 503 where no worker is alive.
        if "logout" not in route and route != "readyz"
    ]
    return [*dict.fromkeys(known), *_FAR_OFF]


def patterns() -> list[str]:
    """Each address as it is declared, such as `tasks/<id:pk>/`."""
    return [re.sub(r"\(\?P<(\w+)>[^)]*\)|[\^$]", r"<x:\1>", one) for one in _routes(get_resolver())]


def _routes(resolver: URLResolver, above: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        route = above + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route
        else:
            yield from _routes(pattern, route)


def _filled(route: str, number: str) -> str:
    route = re.sub(r"\(\?P<\w+>[^)]*\)|<path:url>|<id>", "exports", route)
    return "/" + re.sub(r"<\w+:\w+>", number, route).replace("^", "").replace("$", "")
