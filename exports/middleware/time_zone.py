"""Times are shown in the zone of whoever looks; its name stands beside them.

zone.js tells it by a cookie, as no browser sends it by itself. Without one, and for a name that is
no zone, the installation's TIME_ZONE stays.
"""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = "cwexport_zone"
_LONGEST = 64


class ZoneMiddleware:
    """Every page, and every fragment of one, in the same zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Always set: a thread keeps what the request before it has set.
        with timezone.override(_zone(request.COOKIES.get(COOKIE, ""))):
            return self._get_response(request)


def _zone(name: str) -> ZoneInfo | None:
    if not name or len(name) > _LONGEST:
        return None
    try:
        return ZoneInfo(name)
    # ValueError for a name that leads out of the zones, OSError for one of their folders.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
