"""Space used, what housekeeping deletes next, and what of it needs attention (rules G1, G3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Max, Min, Sum
from django.utils import timezone

from exports.housekeeping.free_space import DatabaseSize, database_size
from exports.housekeeping.retention import KeepReason, Policy, keep_reason_of
from exports.housekeeping.rounds import DAILY_AT, examined_runs
from exports.models import AuditEntry, Run, RunLogEntry, RunSummary, Task
from exports.storage.disk_room import DiskRoom, disk_room

MAX_TASKS: Final = 20
MAX_RUNS: Final = 20
# Of the runs that are too old, so many of each status are looked at for the page.
_MAX_EXAMINED: Final = 300


@dataclass(frozen=True)
class TaskSpace:
    """The files of a task; `task` is None for all tasks that are not shown."""

    task: Task | None
    file_count: int
    file_bytes: int


@dataclass(frozen=True)
class Space:
    """From rows and from what the database and the disk say of themselves: no file is looked at."""

    database: DatabaseSize
    tasks: Sequence[TaskSpace]
    # Lines were numbered in order, so this counts some that are gone.
    log_line_count: int
    disk: DiskRoom | None

    @property
    def file_count(self) -> int:
        return sum(row.file_count for row in self.tasks)

    @property
    def file_bytes(self) -> int:
        return sum(row.file_bytes for row in self.tasks)


@dataclass(frozen=True)
class KeptRun:
    run: Run
    reason: KeepReason


@dataclass(frozen=True)
class NextRound:
    """What the next daily round deletes and keeps; `is_more` when the lists are only a part."""

    at: datetime
    going: Sequence[Run]
    going_count: int
    going_bytes: int
    kept: Sequence[KeptRun]
    kept_count: int
    audit_count: int
    is_more: bool


def space_used() -> Space:
    ids = RunLogEntry.objects.aggregate(first=Min("id"), last=Max("id"))
    return Space(
        database=database_size(),
        tasks=_by_task(),
        log_line_count=(ids["last"] - ids["first"] + 1) if ids["last"] else 0,
        disk=_disk(),
    )


def next_round(policy: Policy, now: datetime) -> NextRound:
    at = next_daily_at(now)
    going: list[Run] = []
    kept: list[KeptRun] = []
    for run in examined_runs(policy, at, most=_MAX_EXAMINED):
        reason = keep_reason_of(run)
        if reason is None:
            going.append(run)
        else:
            kept.append(KeptRun(run, reason))
    return NextRound(
        at=at,
        going=going[:MAX_RUNS],
        going_count=len(going),
        going_bytes=sum(run.file_size or 0 for run in going),
        kept=kept[:MAX_RUNS],
        kept_count=len(kept),
        audit_count=AuditEntry.objects.expired(at.date()).count(),
        is_more=len(going) + len(kept) >= _MAX_EXAMINED,
    )


def next_daily_at(now: datetime) -> datetime:
    """When the next daily round is due, in the installation's zone."""
    local = timezone.localtime(now)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    today = midnight + DAILY_AT
    return today if local < today else today + timedelta(days=1)


def _by_task() -> list[TaskSpace]:
    files = RunSummary.objects.filter(pruned_at=None).values("task_id").order_by("task_id")
    rows = list(files.annotate(count=Count("id"), size=Sum("file_size")))
    rows.sort(key=lambda row: row["size"] or 0, reverse=True)
    tasks = Task.objects.in_bulk([row["task_id"] for row in rows[:MAX_TASKS]])
    shown = [
        TaskSpace(tasks[row["task_id"]], row["count"], row["size"] or 0) for row in rows[:MAX_TASKS]
    ]
    rest = rows[MAX_TASKS:]
    if rest:
        size = sum(row["size"] or 0 for row in rest)
        shown.append(TaskSpace(None, sum(row["count"] for row in rest), size))
    return shown


def _disk() -> DiskRoom | None:
    try:
        return disk_room()
    except OSError:
        return None
