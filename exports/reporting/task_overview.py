"""Every task with what its line on the first page tells, in as few queries for many as for one."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, OuterRef, Prefetch, Q, QuerySet, Subquery, Value, When

from exports.charts.of_runs import point_of
from exports.charts.plots import SPARK_BARS, RunPoint
from exports.connectwise.batches import FIELD_KINDS
from exports.connectwise.filter import conditions
from exports.connectwise.filter.conditions import ConditionError
from exports.models import Condition, DateChange, Run, Task
from exports.models.tasks import EARLIEST

# SQLite takes no deeper OR; with more tasks than that the runs come in several queries.
_TASKS_AT_ONCE = 400
_POINT_FIELDS = ("id", "status", "suspicion", "batch_count", "started_at")
_CHANGE_FIELDS = ("task_id", "run__site", "run__company", "run__conditions")

# A run as far as a small chart needs it: the values of _POINT_FIELDS.
Row = list[Any]


@dataclass(frozen=True)
class TaskLine:
    """A task with its newest runs and what its next one fetches.

    `runs` are those it tells about, the newest first: the newest, and the last that is over and no
    repeat; `points` as many as its small chart shows, the oldest first.
    """

    task: Task
    runs: Sequence[Run]
    points: Sequence[RunPoint]
    latest_file_id: int | None
    condition_error: str
    # Its filter for people; "" without conditions, or with such that cannot be sent.
    in_words: str
    # Its date was moved under other conditions or for another company (W9): see its page.
    is_asked_otherwise: bool

    @property
    def active_run(self) -> Run | None:
        # Only the newest can be active: a task has one active run at most.
        return next((run for run in self.runs[:1] if run.is_active), None)

    @property
    def last_run(self) -> Run | None:
        """The newest that is over: Last Ran and Last Result (R6).

        What a person had exported again says nothing about how the task itself fares.
        """
        over = (run for run in self.runs if not run.is_active and not run.is_reexport)
        return next(over, None)

    @property
    def needs_attention(self) -> bool:
        last = self.last_run
        return last is not None and (last.status == Run.Status.FAILED or last.is_suspicious)

    @property
    def next_date(self) -> datetime | None:
        """The date that the next run goes by; None for All."""
        dates = {"modified": self.task.date_modified, "new": self.task.date_created}
        return dates.get(self.task.export)

    @property
    def begins_at_the_start(self) -> bool:
        """Whether nobody and no run has set that date yet."""
        return self.next_date is not None and self.next_date <= EARLIEST


def task_lines(only: Collection[int] = ()) -> list[TaskLine]:
    """The tasks that are not archived, by name; `only` these if it names any."""
    tasks = list(_tasks().filter(pk__in=only) if only else _tasks())
    rows = _newest_rows(tasks)
    shown = {task.pk: _shown_runs_of(task, rows[task.pk]) for task in tasks}
    runs = Run.objects.in_bulk([run_id for ids in shown.values() for run_id in ids])
    newest = [task.newest_change_id for task in tasks if task.newest_change_id]
    moved = DateChange.objects.select_related("run").only(*_CHANGE_FIELDS)
    changes = moved.in_bulk(newest)
    return [
        TaskLine(
            task,
            runs=[runs[run_id] for run_id in shown[task.pk]],
            points=[point_of(*row) for row in reversed(rows[task.pk])],
            latest_file_id=task.latest_file_id,
            **_next(task, changes.get(task.newest_change_id)),
        )
        for task in tasks
    ]


def _tasks() -> QuerySet[Any]:
    # Any: a Task with the ids that are annotated below.
    runs = Run.objects.filter(task=OuterRef("pk")).order_by("-id").values("id")
    own = runs.exclude(trigger=Run.Trigger.REEXPORT)
    date_field = Case(
        When(export="new", then=Value("date_created")), default=Value("date_modified")
    )
    changes = DateChange.objects.filter(task=OuterRef("pk"), undone_at=None).order_by("-id")
    return (
        Task.objects.filter(archived_at=None)
        .annotate(
            date_field=date_field,
            oldest_shown_id=Subquery(runs[SPARK_BARS - 1 : SPARK_BARS]),
            last_run_id=Subquery(own.exclude(status__in=Run.ACTIVE)[:1]),
            # Whoever wants the newest batches is not helped by a newer file without any, nor by
            # one with a few old ones again.
            latest_file_id=Subquery(own.filter(status="succeeded", batch_count__gt=0)[:1]),
            newest_change_id=Subquery(
                changes.filter(field=OuterRef("date_field")).values("id")[:1]
            ),
        )
        .select_related("connection")
        .prefetch_related(Prefetch("conditions", Condition.objects.order_by("position")))
        .order_by("name")
    )


def _newest_rows(tasks: Sequence[Any]) -> dict[int, list[Row]]:
    """What a point is made of, for the newest runs of each task, the newest first."""
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
    """The ids of the newest run of a task and of its last result, which mostly are the same."""
    newest = [row[0] for row in rows[:1]]
    last = [task.last_run_id] if task.last_run_id else []
    return list(dict.fromkeys(newest + last))


def _next(task: Task, change: DateChange | None) -> dict[str, Any]:
    try:
        rows = tuple(row.as_typed() for row in task.conditions.all())
        sent = conditions.render(rows, FIELD_KINDS)
    except ConditionError as error:
        return {"condition_error": str(error), "in_words": "", "is_asked_otherwise": False}
    asked_by = change.run if change else None
    connection = task.connection
    is_asked_otherwise = asked_by is not None and (
        (asked_by.site, asked_by.company, asked_by.conditions)
        != (connection.site, connection.company, sent)
    )
    return {
        "condition_error": "",
        "in_words": conditions.in_words(rows, FIELD_KINDS) if rows else "",
        "is_asked_otherwise": is_asked_otherwise,
    }
