"""Shows times in the reader's time zone, with its name beside them.

zone.js sends the zone in a cookie, as browsers do not send it themselves. Without a valid one, the
installation's TIME_ZONE is used.
"""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = "cwexport_zone"
_LONGEST = 64


class ZoneMiddleware:
    """Every page and every fragment uses the same zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Always set, as the thread still has the zone of the request before.
        with timezone.override(_zone(request.COOKIES.get(COOKIE, ""))):
            return self._get_response(request)


def _zone(name: str) -> ZoneInfo | None:
    if not name or len(name) > _LONGEST:
        return None
    try:
        return ZoneInfo(name)
    # ValueError for a path outside the zone database, OSError for one of its folders.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
