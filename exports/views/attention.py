"""Acknowledges what needs attention, until it changes; and takes that back."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from exports.models import Acknowledgement
from exports.outside_numbers import read_id
from exports.reporting.attention import RUNS, unseen_last_runs
from exports.reporting.notices import found_notice
from exports.views.buttons import button, page_with_button

MAX_NOTE = 200


@button
def acknowledge(request: HttpRequest) -> HttpResponse:
    """Of what is named by `topic` and `number`, in the state that it has had `since`."""
    back = redirect(page_with_button(request))
    note = " ".join(request.POST.get("note", "").split())
    found = _found(request.POST.get("topic", ""), read_id(request.POST.get("number", "")))
    if len(note) > MAX_NOTE:
        messages.error(request, _("The note is too long: 200 characters at most."))
    elif found is None or found[2].isoformat() != request.POST.get("since"):
        messages.info(request, _("That has changed meanwhile, so it was not acknowledged."))
    else:
        row, name, since = found
        topic, by = request.POST["topic"], request.user.get_username()
        if Acknowledgement.objects.acknowledge(topic, row, since, name=name, note=note, by=by):
            messages.success(request, _("%(name)s is acknowledged.") % {"name": name})
    return back


@button
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    row = Acknowledgement.objects.filter(pk=pk).first()
    if row is not None:
        row.take_back()
        messages.success(request, _("%(name)s needs attention again.") % {"name": row.name})
    return redirect(page_with_button(request))


def _found(topic: str, number: int | None) -> tuple[Any, str, datetime] | None:
    """The row that needs attention, its name, and since when."""
    if number is None:
        return None
    if topic == RUNS:
        run = unseen_last_runs().filter(pk=number).first()
        if run is None or run.finished_at is None:
            return None
        return run, str(run), run.finished_at
    found = found_notice(topic, number)
    if found is None:
        return None
    row, notice = found
    since: datetime | None = notice.state_since
    return (row, notice.name, since) if since else None
