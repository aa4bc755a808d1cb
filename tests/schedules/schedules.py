"""A saved schedule, and ticks at moments that the test names."""

from datetime import UTC, datetime

from exports.models import DueTime, Run, Schedule, Task, Workflow
from exports.schedules.planning import save_planned
from exports.schedules.ticking import tick
from exports.workers.jobs import queue_scheduled


def at(text: str) -> datetime:
    """`2026-03-01 06:30` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def make_schedule(
    target: Task | Workflow, cron: str, saved_at: datetime, **fields: object
) -> Schedule:
    kind = "task" if isinstance(target, Task) else "workflow"
    schedule = Schedule(**{kind: target, "cron": cron, "zone": "UTC", **fields})
    save_planned(schedule, saved_at)
    return schedule


def tick_at(text: str) -> int:
    return tick(at(text), queue_scheduled)


def due_times(schedule: Schedule) -> list[tuple[str, str]]:
    """Each due time in order and what became of it."""
    rows = DueTime.objects.filter(schedule=schedule).order_by("due_at")
    return [(f"{row.due_at:%m-%d %H:%M}", row.state) for row in rows]


def end_runs() -> None:
    """End the queued runs, so that the next one may be queued."""
    for run in Run.objects.active():
        run.cancel()
