"""The ledger of a task: which batch was exported, its version, run and file (rules W7, R7)."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe
from django_tables2 import RequestConfig

from exports.connectwise.filter import conditions
from exports.connectwise.http import client
from exports.connectwise.http.addresses import SiteError
from exports.forms.ledger import BatchIdsField, LedgerSearch
from exports.models import LedgerEntry, Task
from exports.models.ledger import LedgerQuerySet
from exports.number_formats import grouped
from exports.outside_numbers import LARGEST_ID
from exports.reporting.tables import LedgerTable, RunPages
from exports.views.buttons import button
from exports.views.queueing import queue_and_follow
from exports.workers import jobs

# Older entries are found by a search: paging through a million would take seconds a page.
NEWEST = 10_000


@require_safe
def show_ledger(request: HttpRequest, pk: int) -> HttpResponse:
    task = _task(pk)
    search = LedgerSearch(request.GET)
    ids = search.cleaned_data["batch"] if search.is_valid() else []
    if search.errors:
        search.fields["batch"].widget.attrs["autofocus"] = True
    entries = _entries(task, ids)
    table = LedgerTable(entries, task=task, is_searched=bool(ids))
    RequestConfig(request, paginate={"paginator_class": RunPages}).configure(table)
    context = {
        "task": task,
        "search": search,
        "is_searched": bool(ids),
        "answer": _answer(task, ids) if ids else "",
        "table": table,
        "entry_count": table.paginator.count,
        "is_cut": not ids and table.paginator.count == NEWEST,
    }
    return render(request, "exports/ledger/ledger.html", context)


@button
def reexport_batches(request: HttpRequest, pk: int) -> HttpResponse:
    """Export the chosen batches again in their current state; no date moves."""
    task = _task(pk)
    # The search whose results the batches were chosen from.
    back = request.POST.get("back", "")
    page = reverse("task-ledger", args=[pk]) + (back if back.startswith("?") else "")
    try:
        ids = BatchIdsField(required=False).clean(" ".join(request.POST.getlist("batch")))
        _check(task, ids)
    except ValidationError as error:
        messages.error(request, error.message)
        return redirect(page)
    return queue_and_follow(
        request,
        lambda: jobs.queue_reexport(task, request.user, batch_ids=ids),
        back=page,
    )


def _task(pk: int) -> Task:
    return get_object_or_404(Task.objects.select_related("connection"), pk=pk)


def _entries(task: Task, ids: list[int]) -> LedgerQuerySet:
    """Every entry of `ids`, or the newest of all; newest first."""
    found = LedgerEntry.objects.sent_by(task)
    if ids:
        found = found.filter(task=task, batch_id__in=ids)
    else:
        found = found.filter(run_id__gte=_oldest_run_shown(task))
    found = found.select_related("run__requested_by").order_by("-run_id", "-id")
    return found if ids else found[:NEWEST]


def _oldest_run_shown(task: Task) -> int:
    """The oldest run among the newest entries, so that not all entries have to be sorted."""
    runs = task.runs.succeeded().filter(batch_count__gt=0).order_by("-id")
    oldest = entry_count = 0
    for run_id, batch_count in runs.values_list("pk", "batch_count").iterator(chunk_size=200):
        oldest, entry_count = run_id, entry_count + (batch_count or 0)
        if entry_count >= NEWEST:
            break
    return oldest


def _answer(task: Task, ids: list[int]) -> str:
    """A sentence that says whether the batches were exported."""
    runs_of: dict[int, list[int]] = {batch_id: [] for batch_id in ids}
    found = LedgerEntry.objects.sent_by(task).filter(task=task, batch_id__in=ids)
    for batch_id, run_id in found.order_by("run_id").values_list("batch_id", "run_id"):
        runs_of[batch_id].append(run_id)
    missing = [str(batch_id) for batch_id, runs in runs_of.items() if not runs]
    if len(ids) == 1:
        runs = runs_of[ids[0]]
        if not runs:
            return _("No: batch %(batch)s has not gone out with this task.") % {"batch": ids[0]}
        message = ngettext(
            "Yes: batch %(batch)s went out, last in run %(run)s. It is in %(count)s file.",
            "Yes: batch %(batch)s went out, last in run %(run)s. It is in %(count)s files, newest "
            "first.",
            len(runs),
        )
        return message % {"batch": ids[0], "run": runs[-1], "count": grouped(len(runs))}
    if not missing:
        return _("Yes: all of them went out.")
    found_count = len(ids) - len(missing)
    message = _("%(found)s of %(count)s went out. Not: %(missing)s.")
    return message % {"found": found_count, "count": len(ids), "missing": ", ".join(missing)}


def _check(task: Task, ids: list[int]) -> None:
    """Raise ValidationError for batches that this task cannot export again (R7)."""
    if not ids:
        raise ValidationError(_("Choose the batches to export again: mark at least one."))
    connection = task.connection
    ours = LedgerEntry.objects.sent_by(task).filter(
        task=task,
        batch_id__in=ids,
        run__site=connection.site,
        run__company=connection.company,
    )
    known = set(ours.values_list("batch_id", flat=True))
    missing = [str(batch_id) for batch_id in ids if batch_id not in known]
    if missing:
        message = _(
            "This task has not exported %(batches)s from %(company)s at %(site)s. Choose batches "
            "that it has."
        )
        where = {"company": connection.company, "site": connection.site}
        raise ValidationError(message % {"batches": ", ".join(missing), **where})
    longest = conditions.both(conditions.id_among(ids), conditions.id_above(LARGEST_ID))
    try:
        length = client.full_url_length(connection.parsed_site(), longest, task.page_size)
    except SiteError as error:
        raise ValidationError(str(error)) from error
    if length >= conditions.MAX_URL_LENGTH:
        raise ValidationError(
            _("Their ids make an address that is too long. Choose fewer batches.")
        )
