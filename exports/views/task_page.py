"""The page of a task: settings, next run, latest runs, and the dates with their history."""

from typing import Any

from django.db.models import Q, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports import clock
from exports.charts.of_runs import runs_of
from exports.connectwise.batch_fields import FIELD_TYPES
from exports.connectwise.filter import conditions
from exports.connectwise.filter.conditions import ConditionError
from exports.forms.dates import DatesForm, offer_last_close
from exports.forms.ledger import LedgerSearchForm
from exports.forms.utc_input import canonical
from exports.models import Channel, DateChange, Installation, LedgerEntry, Run, Task, Workflow
from exports.models.codes import EventCode
from exports.models.runs import RunQuerySet
from exports.models.sync_window import Restart, next_window
from exports.number_formats import grouped
from exports.reporting.destinations import uses_of
from exports.reporting.schedules import schedule_lines, soonest_first
from exports.reporting.tables import RunTable
from exports.storage.file_names import is_overwritten_each_run, output_name_error

LATEST_RUNS = 10
CHARTED_RUNS = 30
LATEST_CHANGES = 20
# The others are collapsed.
SHOWN_CHANGES = 6


def render_task_page(
    request: HttpRequest, task: Task, dates: DatesForm | None = None
) -> HttpResponse:
    """The page; `dates` is a refused form to show with its errors."""
    runs = _shown_runs_of(task)
    newest = runs[:LATEST_RUNS]
    results = [run for run in runs if not run.is_active and not run.is_reexport]
    undoable = _undoable(task)
    latest_file = next(filter(_is_latest_file, results), None)
    form = dates or DatesForm(task)
    if latest_file and latest_file.started_at:
        offer_last_close(form, (latest_file.pk, latest_file.started_at))
    context = {
        "task": task,
        "held": Installation.objects.held(),
        "uses": uses_of(task),
        "active_run": next((run for run in newest if run.is_active), None),
        "last_run": next(iter(results), None),
        "latest_file": latest_file,
        "has_runs": bool(newest),
        "schedule_lines": schedule_lines(soonest_first().filter(task=task)),
        "chart": runs_of(task.runs.newest_first(), most=CHARTED_RUNS),
        "table": RunTable(newest, exclude=("task_name",), orderable=False),
        "dates": form,
        "undoable": undoable,
        "ledger_form": LedgerSearchForm(),
        "told": Channel.objects.subscribed(EventCode.FAILED, task.pk),
        "workflows": Workflow.objects.with_step(task.pk),
        "has_entries": LedgerEntry.objects.sent_by(task).exists(),
        "output_name_error": output_name_error(task.output_file, task.name),
        "is_overwritten": task.export != Task.Export.ALL
        and is_overwritten_each_run(task.output_file),
        "is_dated": "{date}" in task.output_file,
        **_changes(task, undoable),
        **_next_run(task),
    }
    return render(request, "exports/task/task.html", context)


def last_run_of(task: Task) -> Run | None:
    """The run for Last Ran and Last Result; re-exports do not count (R6)."""
    return _results(task).first()


def _shown_runs_of(task: Task) -> list[Run]:
    """The newest runs, newest first, plus the last result and file even when they are older.

    Queried by id and sorted here: a task may have 100,000 runs, and the database must not choose a
    slow index.
    """
    newest = task.runs.newest_first().values("pk")[:LATEST_RUNS]
    results = _results(task).values("pk")
    files = results.filter(status=Run.Status.SUCCEEDED, batch_count__gt=0)
    wanted = Q(pk__in=newest) | Q(pk__in=results[:1]) | Q(pk__in=files[:1])
    found = Run.objects.filter(wanted).select_related("requested_by")
    return sorted(found, key=lambda run: run.pk, reverse=True)


def _results(task: Task) -> RunQuerySet:
    over = task.runs.exclude(status__in=Run.ACTIVE)
    return over.exclude(trigger=Run.Trigger.REEXPORT).newest_first()


def _is_latest_file(run: Run) -> bool:
    """Whether the file has batches: a newer but empty file is of no use."""
    return run.status == Run.Status.SUCCEEDED and bool(run.batch_count)


def restart_sentence(task: Task, restart: Restart) -> str:
    """Why the next run starts over, where it starts, and what it skips (W9)."""
    values = {"run": restart.run.pk, "moment": canonical(restart.starts_at)}
    if restart.company_changed:
        begins = _(
            "The company changed since run %(run)s moved the date. The next run starts again at "
            "%(moment)s."
        )
    else:
        begins = _(
            "The conditions changed since run %(run)s moved the date. The next run starts again "
            "at %(moment)s."
        )
    return f"{begins % values} {_what_is_skipped(task, restart)}"


def _what_is_skipped(task: Task, restart: Restart) -> str:
    if known_count := LedgerEntry.objects.batch_count_of(task):
        message = ngettext(
            "It skips the %(count)s batch that already went out.",
            "It skips the %(count)s batches that already went out.",
            known_count,
        )
        return message % {"count": grouped(known_count)}
    if restart.company_changed:
        return _("It starts afresh: there the same ids belong to other batches.")
    return _("No batch has gone out before.")


def _undoable(task: Task) -> set[int]:
    """The newest change of each date that is still in force and can be undone (W8)."""
    newest, earlier = {}, {}
    for field in DateChange.DateField.values:
        in_force = DateChange.objects.in_force(task.pk, field).values("pk")
        newest[f"{field}_newest"] = Subquery(in_force[:1])
        earlier[f"{field}_earlier"] = Subquery(in_force[1:2])
    found = Task.objects.filter(pk=task.pk).values_list(*newest.values(), *earlier.values()).get()
    pairs = zip(found[: len(newest)], found[len(newest) :], strict=True)
    return {change for change, before in pairs if before is not None}


def _changes(task: Task, undoable: set[int]) -> dict[str, list[DateChange]]:
    """The latest changes and every change that can be undone; then the older ones."""
    latest = task.date_changes.order_by("-id").values("pk")[:LATEST_CHANGES]
    wanted = task.date_changes.filter(Q(pk__in=latest) | Q(pk__in=undoable))
    changes = list(wanted.select_related("changed_by", "undone_by", "run").order_by("-id"))
    shown = [
        change
        for place, change in enumerate(changes)
        if place < SHOWN_CHANGES or change.pk in undoable
    ]
    return {
        "date_changes": shown,
        "earlier_changes": [change for change in changes if change not in shown],
    }


def _next_run(task: Task) -> dict[str, Any]:
    """The filter in words and as sent, the sync window, and why the next run starts over."""
    typed = task.saved_conditions()
    try:
        sent = conditions.render(typed, FIELD_TYPES)
    except ConditionError as error:
        return {"condition_error": str(error)}
    window = next_window(task, sent, clock.now())
    restart = window.restart
    return {
        "sent": sent,
        "in_words": conditions.in_words(typed, FIELD_TYPES),
        "window": window,
        "restart": restart,
        "restart_sentence": restart_sentence(task, restart) if restart else "",
        "date_in_force": getattr(task, restart.field) if restart else None,
    }
