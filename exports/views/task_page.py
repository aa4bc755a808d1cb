"""The page of a task: settings, the next run, latest runs, and the dates with their history."""

from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from exports.connectwise import conditions
from exports.connectwise.batches import FIELD_KINDS
from exports.connectwise.conditions import ConditionError
from exports.forms.dates import DatesForm, canonical
from exports.forms.ledger import LedgerSearch
from exports.models import DateChange, LedgerEntry, Run, Task
from exports.models.windows import Restart, next_window, restart_of
from exports.output_names import is_overwritten_each_run
from exports.tables import RunTable

LATEST_RUNS = 10
LATEST_CHANGES = 20


def render_task_page(
    request: HttpRequest, task: Task, dates: DatesForm | None = None
) -> HttpResponse:
    """The page; with `dates` it shows that form as it was refused."""
    # A task has one active run at most, so both runs the page speaks of are among the newest.
    newest = list(task.runs.select_related("requested_by").newest_first()[:LATEST_RUNS])
    undoable = _undoable(task)
    context = {
        "task": task,
        "active_run": next((run for run in newest if run.is_active), None),
        "last_run": next((run for run in newest if not run.is_active), None),
        "latest_file": _latest_file(task, newest),
        "has_runs": bool(newest),
        "table": RunTable(newest, exclude=("task_name",), orderable=False),
        "dates": dates or DatesForm(task),
        "date_changes": _changes(task, undoable),
        "undoable": undoable,
        "search": LedgerSearch(),
        "has_entries": LedgerEntry.objects.sent_by(task).exists(),
        "is_overwritten": task.export != Task.Export.ALL
        and is_overwritten_each_run(task.output_file),
        **_next_run(task),
    }
    return render(request, "exports/task_detail.html", context)


def _latest_file(task: Task, newest: list[Run]) -> Run | None:
    """The newest run whose file has batches: a newer file without any helps nobody."""
    with_batches = (run for run in newest if run.status == Run.Status.SUCCEEDED and run.batch_count)
    found = next(with_batches, None)
    if found is None and len(newest) == LATEST_RUNS:
        older = task.runs.succeeded().filter(batch_count__gt=0)
        found = older.order_by("-id").first()
    return found


def restart_sentence(task: Task, restart: Restart) -> str:
    """Why the next run starts again, where, and what it leaves out (W9)."""
    changed = "company" if restart.company_changed else "conditions"
    begins = (
        f"The {changed} changed since run {restart.run.pk} moved the date. The next run starts "
        f"again at {canonical(restart.starts_at)}"
    )
    known_count = LedgerEntry.objects.batch_count_of(task)
    if known_count:
        batches = "batch" if known_count == 1 else "batches"
        return f"{begins} and leaves out the {known_count:,} {batches} that already went out."
    if restart.company_changed:
        return f"{begins}, without ledger and boundary: the same ids are other batches there."
    return f"{begins}; no batch has gone out before."


def _undoable(task: Task) -> set[int]:
    """The newest change in force of each date, where an earlier one can come back (W8)."""
    in_force = task.date_changes.filter(undone_at=None).order_by().values("field")
    found = in_force.annotate(newest=Max("id"), count=Count("id"))
    return {change["newest"] for change in found if change["count"] > 1}


def _changes(task: Task, undoable: set[int]) -> QuerySet[DateChange]:
    """The latest changes, and what can be undone however long ago it was."""
    latest = task.date_changes.order_by("-id").values("pk")[:LATEST_CHANGES]
    wanted = task.date_changes.filter(Q(pk__in=latest) | Q(pk__in=undoable))
    return wanted.select_related("changed_by", "undone_by", "run").order_by("-id")


def _next_run(task: Task) -> dict[str, Any]:
    """The filter in words and as sent, the window of the next run, and why it starts again."""
    typed = task.saved_conditions()
    try:
        sent = conditions.render(typed, FIELD_KINDS)
    except ConditionError as error:
        return {"condition_error": str(error)}
    restart = restart_of(task, sent)
    return {
        "sent": sent,
        "in_words": conditions.in_words(typed, FIELD_KINDS),
        "window": next_window(task, sent, timezone.now()),
        "restart": restart,
        "restart_sentence": restart_sentence(task, restart) if restart else "",
        "date_in_force": getattr(task, restart.field) if restart else None,
    }
