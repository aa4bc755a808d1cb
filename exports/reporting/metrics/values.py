"""The values of all metrics, in a number of queries that does not grow with the rows."""

import platform
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import django
from django.conf import settings
from django.db import connection
from django.db.models import Count, Min, Q, Sum

from exports import clock
from exports.housekeeping.free_space import database_size
from exports.models import (
    Connection,
    Delivery,
    DueTime,
    Message,
    Run,
    RunSummary,
    RunTally,
    Schedule,
    Task,
    Worker,
    WorkflowRun,
)
from exports.product import product_version
from exports.storage.disk_room import disk_room
from exports.workers.queues.chosen import queue_engine

_DAY: Final = timedelta(days=1)
_RESULT: Final = RunTally.Result
_GOOD: Final = (_RESULT.SUCCEEDED, _RESULT.SUSPICIOUS)


class Value(NamedTuple):
    """One line of the answer; `part` is `_sum` or `_count` of a summary."""

    name: str
    value: float
    labels: dict[str, str] = {}
    part: str = ""


def read_values() -> Iterator[Value]:
    """Raises DatabaseError."""
    now = clock.now()
    for read in _READERS:
        yield from read(now)


def _read_build(now: datetime) -> Iterator[Value]:
    labels = {
        "version": product_version(),
        "python": platform.python_version(),
        "django": django.get_version(),
        "database": connection.vendor,
    }
    yield Value("cwexport_build_info", 1, labels)


def _read_tasks(now: datetime) -> Iterator[Value]:
    tallies: dict[int, dict[str, RunTally]] = {}
    for tally in RunTally.objects.order_by("task_id", "result"):
        tallies.setdefault(tally.task_id, {})[tally.result] = tally
    for task in Task.objects.only("name", "enabled", "archived_at", "created_at").order_by("id"):
        own = tallies.get(task.pk, {})
        yield from _counts_of(task, own)
        if task.archived_at is None:
            yield from _state_of(task, own, now)


def _counts_of(task: Task, own: dict[str, RunTally]) -> Iterator[Value]:
    yield Value(
        "cwexport_batches_total",
        sum(tally.batch_count for tally in own.values()),
        {"task": task.name},
    )
    for result in _RESULT.values:
        # A series that begins with its first event would hide it: the increase from nothing.
        tally = own.get(result) or RunTally()
        labels = {"task": task.name, "result": result}
        yield Value("cwexport_runs_total", tally.run_count, labels)
        if result != _RESULT.CANCELLED:  # many of those never began
            name = "cwexport_run_duration_seconds"
            yield Value(name, tally.run_count, labels, "_count")
            yield Value(name, tally.duration_ms / 1_000, labels, "_sum")


def _state_of(task: Task, own: dict[str, RunTally], now: datetime) -> Iterator[Value]:
    labels = {"task": task.name}
    successes = [own[result].last_at for result in _GOOD if result in own]
    success = max(filter(None, successes), default=None)
    failure = own[_RESULT.FAILED].last_at if _RESULT.FAILED in own else None
    is_failing = failure is not None and (success is None or failure > success)
    yield Value("cwexport_task_enabled", task.enabled, labels)
    yield Value("cwexport_task_failing", is_failing, labels)
    if success is not None:
        name = "cwexport_task_last_success"
        yield Value(f"{name}_timestamp_seconds", success.timestamp(), labels)
        yield Value(f"{name}_age_seconds", _age(success, now), labels)


def _read_queue(now: datetime) -> Iterator[Value]:
    active = Run.objects.active().order_by().values("status")
    rows: dict[str, Any] = {
        row["status"]: row for row in active.annotate(n=Count("id"), first=Min("queued_at"))
    }
    queued = rows.get(Run.Status.QUEUED, {})
    yield Value("cwexport_queue_length", queued.get("n", 0))
    yield Value("cwexport_queue_oldest_seconds", _age(queued.get("first"), now))
    yield Value("cwexport_queue_reachable", queue_engine().problem(is_asked=True) is None)
    yield Value("cwexport_runs_running", rows.get(Run.Status.RUNNING, {}).get("n", 0))
    yield Value("cwexport_workflow_runs_active", WorkflowRun.objects.active().count())
    yield Value("cwexport_workers_alive", Worker.objects.alive().count())


def _read_outbox(now: datetime) -> Iterator[Value]:
    yield from _by_state("cwexport_deliveries", Delivery, "run__finished_at", now)
    yield from _by_state("cwexport_messages", Message, "queued_at", now)


def _by_state(name: str, model: Any, since: str, now: datetime) -> Iterator[Value]:
    rows = model.objects.order_by().values("state").annotate(n=Count("id"))
    counts = {row["state"]: row["n"] for row in rows}
    for state in model.State.values:
        yield Value(name, counts.get(state, 0), {"state": state})
    first = model.objects.filter(state__in=model.OPEN).aggregate(first=Min(since))["first"]
    yield Value(f"{name}_oldest_waiting_seconds", _age(first, now))


def _read_schedules(now: datetime) -> Iterator[Value]:
    found = Schedule.objects.kept().aggregate(
        active=Count("id", filter=Q(is_paused=False)),
        paused=Count("id", filter=Q(is_paused=True)),
        missed=Count("id", filter=Q(missed_due_at__isnull=False)),
    )
    for state in ("active", "paused"):
        yield Value("cwexport_schedules", found[state], {"state": state})
    yield Value("cwexport_schedules_missed", found["missed"])
    recent = DueTime.objects.filter(due_at__gt=now - _DAY).order_by().values("state")
    counts = {row["state"]: row["n"] for row in recent.annotate(n=Count("id"))}
    for state in DueTime.State.values:
        yield Value("cwexport_due_times_last_day", counts.get(state, 0), {"state": state})


def _read_connections(now: datetime) -> Iterator[Value]:
    refused = Connection.objects.exclude(key_refused_at=None).count()
    yield Value("cwexport_connections_refused", refused)


def _read_space(now: datetime) -> Iterator[Value]:
    files = RunSummary.objects.filter(pruned_at=None).aggregate(
        n=Count("id"), size=Sum("file_size")
    )
    yield Value("cwexport_files", files["n"])
    yield Value("cwexport_files_bytes", files["size"] or 0)
    size = database_size()
    yield Value("cwexport_database_bytes", size.used)
    yield Value("cwexport_database_free_bytes", size.free)
    folders = {
        "data": settings.CWEXPORT_DATA_DIR,
        "export": settings.CWEXPORT_EXPORT_DIR,
        "files": settings.CWEXPORT_FILES,
    }
    for name, folder in folders.items():
        with suppress(OSError):  # a folder that is not there has no line
            room = disk_room(folder) if isinstance(folder, Path) else None
            if room is not None:
                labels = {"folder": name}
                yield Value("cwexport_disk_free_bytes", room.free, labels)
                yield Value("cwexport_disk_used_bytes", room.used, labels)
                yield Value("cwexport_disk_total_bytes", room.total, labels)


def _age(since: datetime | None, now: datetime) -> float:
    """In seconds; 0 for what lies in the future, by a clock that was set back."""
    return max(0.0, (now - since).total_seconds()) if since else 0.0


_READERS: Final[tuple[Callable[[datetime], Iterator[Value]], ...]] = (
    _read_build,
    _read_tasks,
    _read_queue,
    _read_outbox,
    _read_schedules,
    _read_connections,
    _read_space,
)
