"""The marks of a run, and the totals of each month (rule M1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef, Q, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from exports.models import Run, RunMark, RunSummary

# Of the page of months.
MONTHS_A_PAGE: Final = 12


@dataclass(frozen=True)
class MarkLine:
    """A kind of mark, and the run's mark of that kind if it has one."""

    kind: str
    label: str
    mark: RunMark | None


def run_marks(run: Run) -> list[MarkLine]:
    marks = {mark.kind: mark for mark in RunMark.objects.filter(run_id=run.pk)}
    return [MarkLine(value, str(label), marks.get(value)) for value, label in RunMark.Kind.choices]


@dataclass(frozen=True)
class TaskMonth:
    """What a task exported in a month; `again_count` batches of re-exports are not in `batches`."""

    task_id: int
    task_name: str
    file_count: int
    batch_count: int
    again_count: int
    open_count: int


@dataclass(frozen=True)
class Month:
    """`first_day` is the month; its tasks by name."""

    first_day: date
    tasks: Sequence[TaskMonth]

    @property
    def file_count(self) -> int:
        return sum(task.file_count for task in self.tasks)

    @property
    def batch_count(self) -> int:
        return sum(task.batch_count for task in self.tasks)

    @property
    def again_count(self) -> int:
        return sum(task.again_count for task in self.tasks)

    @property
    def open_count(self) -> int:
        """Files that nobody marked as imported."""
        return sum(task.open_count for task in self.tasks)


def months_until(last: date) -> list[Month]:
    """The month of `last` and those before it, the newest first, without empty ones."""
    imported = RunMark.objects.imported().filter(run_id=OuterRef("pk"))
    zone = timezone.get_default_timezone()
    rows = (
        RunSummary.objects.filter(
            batch_count__gt=0,
            finished_at__gte=_moment(_months_before(last, MONTHS_A_PAGE - 1)),
            finished_at__lt=_moment(_months_before(last, -1)),
        )
        .annotate(month=TruncMonth("finished_at", tzinfo=zone), is_imported=Exists(imported))
        .values("month", "task_id", "task__name")
        .annotate(
            file_count=Count("pk"),
            first_count=Sum("batch_count", filter=Q(reexport_of=None)),
            again_count=Sum("batch_count", filter=Q(reexport_of__isnull=False)),
            open_count=Count("pk", filter=Q(is_imported=False)),
        )
        .order_by("-month", "task__name")
    )
    found: dict[date, list[TaskMonth]] = {}
    for row in rows:
        found.setdefault(row["month"].date(), []).append(_task_month(row))
    return [Month(first_day, tasks) for first_day, tasks in found.items()]


def has_earlier(last: date) -> bool:
    """Whether something was exported before the months of that page."""
    before = _moment(_months_before(last, MONTHS_A_PAGE - 1))
    return RunSummary.objects.filter(batch_count__gt=0, finished_at__lt=before).exists()


def earlier_month(last: date) -> date:
    return _months_before(last, MONTHS_A_PAGE)


def _task_month(row: Mapping[str, Any]) -> TaskMonth:
    return TaskMonth(
        task_id=row["task_id"],
        task_name=row["task__name"],
        file_count=row["file_count"],
        batch_count=row["first_count"] or 0,
        again_count=row["again_count"] or 0,
        open_count=row["open_count"],
    )


def _months_before(day: date, count: int) -> date:
    """The first day of the month that lies `count` months before."""
    months = day.year * 12 + day.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)


def _moment(first_day: date) -> datetime:
    zone = timezone.get_default_timezone()
    return datetime(first_day.year, first_day.month, 1, tzinfo=zone)
