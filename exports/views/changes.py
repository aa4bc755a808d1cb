"""What every open page asks every few seconds: has anything changed, and does anything fail?"""

import json
from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from exports import clock
from exports.outside_numbers import read_number
from exports.reporting.attention import unseen_last_runs
from exports.reporting.changes import read_changes
from exports.reporting.notices import notice_count

_SAME = 204


def page_context(request: HttpRequest) -> dict[str, object]:
    """A context processor: when the page was made, in milliseconds since 1970.

    In the demo also where its mails and files arrive.
    """
    return {
        "made_at": int(clock.now().timestamp() * 1000),
        "demo_arrivals": settings.CWEXPORT_DEMO_ARRIVALS,
    }


@require_safe
def show_changes(request: HttpRequest) -> HttpResponse:
    """204 while nothing has changed since the token `since`; else the new token.

    Events for the page come along: `attention` with the number of lines that Home shows, and
    `changed`. A page that has just been loaded has no token and says when it was made.
    """
    changes, since = read_changes(), request.GET.get("since", "")
    if changes.token == since:
        return HttpResponse(status=_SAME)
    made_at = _moment(request.GET.get("made", ""))
    count = unseen_last_runs().count() + notice_count()
    events: dict[str, object] = {"attention": {"count": count}}
    if since or (made_at and changes.newest_at and changes.newest_at >= made_at):
        events["changed"] = {}
    response = HttpResponse(changes.token, content_type="text/plain; charset=utf-8")
    response["HX-Trigger"] = json.dumps(events)
    return response


def _moment(text: str) -> datetime | None:
    """Milliseconds since 1970; None for what is not a time of this century."""
    milliseconds = read_number(text, most=4_102_444_800_000)
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
