"""The ledger of a task: which batch went out, in which version, run and file (rules W7, R7)."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_tables2 import RequestConfig

from exports import jobs
from exports.connectwise import client, conditions
from exports.connectwise.addresses import SiteError
from exports.forms.ledger import BatchIdsField, LedgerSearch
from exports.models import LedgerEntry, Task
from exports.models.ledger import LedgerQuerySet
from exports.tables import LedgerTable, RunPages
from exports.views.queueing import queue_and_follow

# Older entries are found by a search: leafing through a million would take seconds a page.
NEWEST = 10_000
# As long as an id can be.
_ANY_ID = 2**63 - 1


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
        "ledger_count": LedgerEntry.objects.sent_by(task).count(),
    }
    return render(request, "exports/task_ledger.html", context)


@require_POST
def export_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Export the chosen batches again, as they are now; no date moves."""
    task = _task(pk)
    # The search that the batches were chosen from.
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
        lambda: jobs.queue_again(task, request.user, batch_ids=ids),
        back=page,
        what="exports the chosen batches again",
    )


def _task(pk: int) -> Task:
    return get_object_or_404(Task.objects.select_related("connection"), pk=pk)


def _entries(task: Task, ids: list[int]) -> LedgerQuerySet:
    """Newest first: every entry of `ids`, or the newest of all."""
    found = LedgerEntry.objects.sent_by(task)
    if ids:
        found = found.filter(task=task, batch_id__in=ids)
    found = found.select_related("run__requested_by").order_by("-run_id", "-id")
    return found if ids else found[:NEWEST]


def _answer(task: Task, ids: list[int]) -> str:
    """Whether the batches went out, in a sentence."""
    runs_of: dict[int, list[int]] = {batch_id: [] for batch_id in ids}
    found = LedgerEntry.objects.sent_by(task).filter(task=task, batch_id__in=ids)
    for batch_id, run_id in found.order_by("run_id").values_list("batch_id", "run_id"):
        runs_of[batch_id].append(run_id)
    missing = [str(batch_id) for batch_id, runs in runs_of.items() if not runs]
    if len(ids) == 1:
        runs = runs_of[ids[0]]
        if not runs:
            return f"No: batch {ids[0]} has not gone out with this task."
        files = "1 file" if len(runs) == 1 else f"{len(runs):,} files, newest first"
        return f"Yes: batch {ids[0]} went out, last in run {runs[-1]}. It is in {files}."
    if not missing:
        return "Yes: all of them went out."
    return f"{len(ids) - len(missing)} of {len(ids)} went out. Not: {', '.join(missing)}."


def _check(task: Task, ids: list[int]) -> None:
    """Raises ValidationError for batches that this task cannot export again (R7)."""
    if not ids:
        raise ValidationError("Choose the batches to export again: mark at least one.")
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
        raise ValidationError(
            f"This task has not exported {', '.join(missing)} from {connection.company} at "
            f"{connection.site}. Choose batches that it has."
        )
    longest = conditions.both(conditions.id_among(ids), conditions.id_above(_ANY_ID))
    try:
        length = client.full_url_length(connection.parsed_site(), longest, task.page_size)
    except SiteError as error:
        raise ValidationError(str(error)) from error
    if length >= conditions.MAX_URL_LENGTH:
        raise ValidationError("Their ids make an address that is too long. Choose fewer batches.")
