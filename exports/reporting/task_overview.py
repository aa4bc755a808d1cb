"""The rows of tasks on Home and in their list; as many queries for one as for a page of them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Min, OuterRef, Prefetch, Q, QuerySet, Subquery, Value, When
from django.utils import timezone

from exports.charts.of_runs import point_of
from exports.charts.plots import SPARK_BARS, RunPoint
from exports.connectwise.batch_fields import FIELD_TYPES
from exports.connectwise.filter import conditions
from exports.connectwise.filter.conditions import ConditionError
from exports.models import Condition, DateChange, Run, Schedule, Task
from exports.models.sync_window import is_vouched, overlap
from exports.models.tasks import EARLIEST

# SQLite limits the depth of an OR, so many tasks are read in portions.
_TASKS_AT_ONCE = 400
_POINT_FIELDS = ("id", "status", "suspicion", "batch_count", "started_at")
# What `is_vouched` reads of a change.
_CHANGE_FIELDS = (
    "origin",
    "date_after",
    "conditions",
    "run__site",
    "run__company",
    "run__conditions",
)

# The values of _POINT_FIELDS, which a small chart needs of each run.
Row = list[Any]


@dataclass(frozen=True)
class TaskLine:
    """A task, the runs shown in its row, and what its next run fetches.

    `runs`, newest first, are the newest run and the newest finished one that is no re-export.
    `points`, oldest first, are the runs of its small chart.
    """

    task: Task
    runs: Sequence[Run]
    points: Sequence[RunPoint]
    latest_file: Run | None
    condition_error: str
    # The filter in words; "" when there are no conditions or they cannot be sent.
    in_words: str
    # When a schedule starts it next.
    next_due_at: datetime | None
    # The date was moved under other conditions or for another company; see the task's page.
    is_asked_otherwise: bool
    # Whether a run set the date in force, and the last one that a person set.
    is_moved_by_run: bool = False
    typed_date: datetime | None = None

    @property
    def active_run(self) -> Run | None:
        # Only the newest run can be active: a task has at most one active run.
        return next((run for run in self.runs[:1] if run.is_active), None)

    @property
    def last_run(self) -> Run | None:
        """The newest finished run, for Last Ran and Last Result.

        Re-exports are ignored: they say nothing about how the task itself is doing.
        """
        over = (run for run in self.runs if not run.is_active and not run.is_reexport)
        return next(over, None)

    @property
    def needs_attention(self) -> bool:
        last = self.last_run
        return last is not None and (last.status == Run.Status.FAILED or last.is_doubtful)

    @property
    def next_date(self) -> datetime | None:
        """The date that the next run goes by, as its task's page names it; None for All."""
        if self.task.export == Task.Export.MODIFIED:
            return self._modified_after
        return self.task.date_created if self.task.export == Task.Export.NEW else None

    @property
    def _modified_after(self) -> datetime:
        """A date that a run set is gone behind by the overlap, but not behind a typed one (W5)."""
        date = self.task.date_modified
        if not self.is_moved_by_run:
            return date
        reached = date - overlap()
        return max(reached, self.typed_date) if self.typed_date else reached

    @property
    def begins_at_the_start(self) -> bool:
        """Whether that date was never set, neither by a person nor by a run."""
        return self.next_date is not None and self.next_date <= EARLIEST


def task_lines(ids: Collection[int]) -> list[TaskLine]:
    """These tasks, by name; no more than a page of them, as their queries grow with the number."""
    tasks = list(_tasks().filter(pk__in=ids))
    rows = _newest_rows(tasks)
    shown = {task.pk: _shown_runs_of(task, rows[task.pk]) for task in tasks}
    latest = [task.latest_file_id for task in tasks if task.latest_file_id]
    runs = Run.objects.in_bulk([*latest, *(run_id for ids in shown.values() for run_id in ids)])
    ids_of_changes = (
        (task.newest_change_id, task.typed_change_id, task.from_now_change_id) for task in tasks
    )
    newest = {pk for some in ids_of_changes for pk in some if pk}
    moved = DateChange.objects.select_related("run").only(*_CHANGE_FIELDS)
    changes = moved.in_bulk(newest)
    zone = timezone.get_current_timezone()
    return [
        TaskLine(
            task,
            runs=[runs[run_id] for run_id in shown[task.pk]],
            points=[point_of(*row, zone=zone) for row in reversed(rows[task.pk])],
            latest_file=runs.get(task.latest_file_id),
            next_due_at=task.next_due_at,
            **_next(task, changes.get(task.newest_change_id)),
            **_dates(task, changes),
        )
        for task in tasks
    ]


def _tasks() -> QuerySet[Any]:
    # Any: a Task with the ids annotated below.
    runs = Run.objects.filter(task=OuterRef("pk")).order_by("-id").values("id")
    own = runs.exclude(trigger=Run.Trigger.REEXPORT)
    # All goes by no date, so none can be in the way.
    date_field = Case(
        When(export="new", then=Value("date_created")),
        When(export="modified", then=Value("date_modified")),
        default=Value(""),
    )
    changes = DateChange.objects.filter(task=OuterRef("pk"), undone_at=None).order_by("-id")
    due = Schedule.objects.filter(task=OuterRef("pk")).order_by().values("task")
    return (
        Task.objects.annotate(
            date_field=date_field,
            oldest_shown_id=Subquery(runs[SPARK_BARS - 1 : SPARK_BARS]),
            last_run_id=Subquery(own.exclude(status__in=Run.ACTIVE)[:1]),
            # People do not want to download a newer file without batches or with old batches again.
            latest_file_id=Subquery(own.filter(status="succeeded", batch_count__gt=0)[:1]),
            newest_change_id=Subquery(
                changes.filter(field=OuterRef("date_field")).values("id")[:1]
            ),
            typed_change_id=Subquery(_set_by(changes, DateChange.Origin.TYPED)),
            next_due_at=Subquery(due.annotate(at=Min("next_due_at")).values("at")),
            from_now_change_id=Subquery(_set_by(changes, DateChange.Origin.FROM_NOW)),
        )
        .select_related("connection")
        .prefetch_related(Prefetch("conditions", Condition.objects.order_by("position")))
        .order_by("name")
    )


def _set_by(changes: QuerySet[DateChange], origin: DateChange.Origin) -> QuerySet[Any]:
    return changes.filter(field=OuterRef("date_field"), origin=origin).values("id")[:1]


def _dates(task: Any, changes: Mapping[int, DateChange]) -> dict[str, Any]:
    newest = changes.get(task.newest_change_id)
    by_person = [pk for pk in (task.typed_change_id, task.from_now_change_id) if pk]
    typed = changes.get(max(by_person, default=0))
    typed_date = typed and typed.date_after
    if typed and typed_date and typed.origin == DateChange.Origin.FROM_NOW:
        typed_date -= overlap()
    is_moved_by_run = newest is not None and newest.run is not None
    return {"is_moved_by_run": is_moved_by_run, "typed_date": typed_date}


def _newest_rows(tasks: Sequence[Any]) -> dict[int, list[Row]]:
    """The point columns of each task's newest runs, newest first."""
    found: dict[int, list[Row]] = defaultdict(list)
    for begin in range(0, len(tasks), _TASKS_AT_ONCE):
        wanted = Q()
        for task in tasks[begin : begin + _TASKS_AT_ONCE]:
            wanted |= Q(task_id=task.pk, pk__gte=task.oldest_shown_id or 0)
        rows = Run.objects.filter(wanted).order_by("-id").values_list("task_id", *_POINT_FIELDS)
        for task_id, *row in rows:
            found[task_id].append(row)
    return found


def _shown_runs_of(task: Any, rows: Sequence[Row]) -> list[int]:
    """The ids of a task's newest run and of its last result, usually the same run."""
    newest = [row[0] for row in rows[:1]]
    last = [task.last_run_id] if task.last_run_id else []
    return list(dict.fromkeys(newest + last))


def _next(task: Task, change: DateChange | None) -> dict[str, Any]:
    try:
        rows = tuple(row.as_typed() for row in task.conditions.all())
        sent = conditions.render(rows, FIELD_TYPES)
    except ConditionError as error:
        return {"condition_error": str(error), "in_words": "", "is_asked_otherwise": False}
    return {
        "condition_error": "",
        "in_words": conditions.in_words(rows, FIELD_TYPES) if rows else "",
        "is_asked_otherwise": change is not None and not is_vouched(change, task, sent),
    }
