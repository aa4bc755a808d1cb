"""Backups: the last one, and what has to be looked at after a restore (rules B3, B4)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from exports import clock
from exports.backups.taking_in import take_all_in
from exports.models import Installation
from exports.number_formats import grouped
from exports.reporting.backups import installation, tasks_with_dates, unknown_files_now
from exports.views.buttons import button

_MOST_REFUSED = 5


@require_safe
def show_backups(request: HttpRequest) -> HttpResponse:
    found = installation()
    held = found if found and found.is_held else None
    context = {
        "installation": found,
        "held": held,
        "tasks": tasks_with_dates() if held else [],
        "unknown": unknown_files_now(),
    }
    return render(request, "exports/backups/backups.html", context)


@button
def confirm_restore(request: HttpRequest) -> HttpResponse:
    """*Go on from here*: schedules and workflows start again from now on."""
    if Installation.objects.confirm_restore(request.user.get_username(), clock.now()):
        messages.success(request, _("Schedules, workflows and programs start runs again."))
    else:
        messages.info(request, _("Nothing is held back."))
    return redirect("backups")


@button
def take_in_files(request: HttpRequest) -> HttpResponse:
    done = take_all_in()
    if done.file_count:
        message = ngettext(
            "%(count)s file is in the ledger now, with %(batches)s batches.",
            "%(count)s files are in the ledger now, with %(batches)s batches.",
            done.file_count,
        )
        params = {"count": grouped(done.file_count), "batches": grouped(done.batch_count)}
        messages.success(request, message % params)
    for sentence in done.refused[:_MOST_REFUSED]:
        messages.warning(request, sentence)
    if not done.file_count and not done.refused:
        messages.info(request, _("There are no unknown files."))
    return redirect("backups")
