"""The outbox: what was told to whom, what waits, and how each message reads (rules N3, N4)."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from exports.models import Channel, Message
from exports.models.codes import EventCode
from exports.notifications import samples
from exports.notifications.registry import all_kinds
from exports.outside_numbers import read_id
from exports.views.buttons import button

ROWS_A_PAGE = 50


@require_GET
def list_messages(request: HttpRequest) -> HttpResponse:
    """The newest first; filters and the place in the list stand in the address."""
    state, channel = request.GET.get("state", ""), read_id(request.GET.get("channel", ""))
    before = read_id(request.GET.get("before", ""))
    rows = Message.objects.select_related("event", "channel").order_by("-id")
    if state in Message.State.values:
        rows = rows.filter(state=state)
    if channel is not None:
        rows = rows.filter(channel_id=channel)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: ROWS_A_PAGE + 1])
    kept = request.GET.copy()
    kept["before"] = str(found[ROWS_A_PAGE - 1].pk) if len(found) > ROWS_A_PAGE else ""
    context: dict[str, Any] = {
        "found": found[:ROWS_A_PAGE],
        "older": kept.urlencode() if kept["before"] else "",
        "is_filtered": bool(state or channel or before),
        "state": state,
        "channel": channel,
        "states": Message.State.choices,
        "channels": Channel.objects.order_by("name"),
    }
    return render(request, "exports/messages/message_list.html", context)


@button
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a message back into the outbox, whatever became of it."""
    message = get_object_or_404(Message.objects.select_related("channel"), pk=pk)
    if message.send_again():
        sentence = _("%(message)s waits to be sent again.") % {"message": message}
        messages.success(request, sentence)
    else:
        messages.info(request, _("%(message)s is being sent right now.") % {"message": message})
    return redirect("message-list")


@require_GET
def preview_message(request: HttpRequest) -> HttpResponse:
    """How each message reads, in each language and as each kind of channel gets it."""
    code = request.GET.get("event", "")
    language = request.GET.get("language", "")
    shown = EventCode(code) if code in samples.SHOWN else EventCode.FAILED
    languages = {key: name for key, (_locale, name) in settings.CWEXPORT_MESSAGE_LANGUAGES.items()}
    spoken = language if language in languages else settings.CWEXPORT_LANGUAGE
    letter = samples.sample_letter(shown, spoken)
    context = {
        "letter": letter,
        "code": shown.value,
        "codes": [(one.value, one.label) for one in samples.SHOWN],
        "language": spoken,
        "languages": languages.items(),
        "wires": [(kind.label, text) for kind in all_kinds() if (text := kind.preview(letter))],
    }
    return render(request, "exports/messages/message_preview.html", context)
