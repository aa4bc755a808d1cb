"""Whether anything that pages show has changed, in one query."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Sum

from exports.models import (
    Acknowledgement,
    Channel,
    Connection,
    Delivery,
    DueTime,
    EventState,
    Message,
    Run,
    Schedule,
    Task,
    Worker,
    WorkflowRun,
)
from exports.reporting.beside_user import ask, newest, total


@dataclass(frozen=True)
class Changes:
    """A short text that differs once anything has changed, and the newest of the times in it."""

    token: str
    newest_at: datetime | None


def read_changes() -> Changes:
    """What runs, tasks, connections and deliveries look like now.

    Heartbeats are left aside: they say nothing that a page shows.
    """
    values = list(ask(_PARTS).values())
    times = [value for value in values if isinstance(value, datetime)]
    token = hashlib.sha256(repr(values).encode()).hexdigest()[:16]
    return Changes(token, max(times, default=None))


_active = Run.objects.active()
_progress = Sum(F("fetched_count") + F("page_count") + F("retry_count") + F("attempt"))
# Each is read from an index, or from the few rows that one of the conditional indexes holds.
_PARTS: dict[str, Any] = {
    "run": newest(Run.objects.all(), "id"),
    **{status: newest(Run.objects.filter(status=status), "finished_at") for status in Run.ENDED},
    "active": total(_active, Count("id")),
    "queued": total(_active, Max("queued_at")),
    "started": total(_active, Count("started_at")),
    "progress": total(_active, _progress),
    "cancelling": total(_active, Count("cancel_requested_at")),
    "accepted": total(Run.objects.exclude(suspicion=""), Max("count_accepted_at")),
    "tasks": total(Task.objects.all(), Count("id")),
    "task": total(Task.objects.all(), Max("updated_at")),
    "archived": total(Task.objects.all(), Max("archived_at")),
    "connections": total(Connection.objects.all(), Count("id")),
    "connection": total(Connection.objects.all(), Max("updated_at")),
    "tested": total(Connection.objects.all(), Max("last_tested_at")),
    "refused": total(Connection.objects.all(), Max("key_refused_at")),
    "delivery": newest(Delivery.objects.all(), "id"),
    "sending": total(Delivery.objects.open(), Sum("attempt_count")),
    "open": total(Delivery.objects.open(), Count("id")),
    "due time": newest(DueTime.objects.all(), "id"),
    "schedule": total(Schedule.objects.all(), Max("updated_at")),
    "missed": total(Schedule.objects.filter(missed_due_at__isnull=False), Count("id")),
    "workflow run": newest(WorkflowRun.objects.all(), "id"),
    "workflow runs": total(WorkflowRun.objects.active(), Count("id")),
    "message": newest(Message.objects.all(), "id"),
    "messages": total(Message.objects.open(), Count("id")),
    "failing": total(Channel.objects.failing(), Count("id")),
    "queue": total(Worker.objects.exclude(queue_error=""), Count("id")),
    "acknowledged": total(Acknowledgement.objects.all(), Max("acknowledged_at")),
    "acknowledgements": total(Acknowledgement.objects.all(), Count("id")),
    "state": total(EventState.objects.all(), Max("since")),
}
