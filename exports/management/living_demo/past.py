"""Two weeks of history: real runs of the demo's tasks, made now and then dated back.

Each run is exported by the product from the stand-in, so its file, ledger and proof are real. What
it recorded as now becomes the evening that it stands for, before the next one looks at the dates.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from random import Random
from typing import Any

from django.db import models, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from exports.demo.faults import Nothing, Status
from exports.demo.growth import change_batches
from exports.demo.server import StandIn
from exports.demo.switches import Fault
from exports.management.living_demo.tasks import ARCHIVE, EXPENSES, NIGHTLY, PRODUCTS
from exports.models import DateChange, Event, Run, RunLogEntry, RunSummary, Task
from exports.number_formats import utc_text
from exports.storage import files
from exports.workers import jobs

_DAYS = 14
_FORBIDDEN = json.dumps(
    {"code": "Forbidden", "message": "You do not have security permission to perform this action."}
).encode()
# What a run and its rows recorded as now; dates before the run are dated back already.
_RECORDED = {
    "run": (
        *("queued_at", "enqueued_at", "started_at", "heartbeat_at", "finished_at", "answered_at"),
        *("connectwise_started_at", "date_created_after", "date_modified_after"),
    ),
    "summary": ("queued_at", "started_at", "finished_at"),
    "date change": ("changed_at", "date_after"),
    "log": ("logged_at",),
    "event": ("created_at",),
}


class Past:
    """Makes the history, each evening a little earlier than now."""

    def __init__(
        self,
        stand_in: StandIn,
        tasks: Mapping[str, Task],
        user: Any,
        *,
        tell: Callable[[str], object],
    ) -> None:
        self._stand_in, self._tasks, self._user, self._tell = stand_in, tasks, user, tell
        # The same history in every demo.
        self._random = Random(1)  # noqa: S311 - data that looks natural, no secret

    def make(self) -> None:
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        latency, self._stand_in.latency = self._stand_in.latency, 0.0
        try:
            for ago in range(_DAYS, 0, -1):
                evening = midnight - timedelta(days=ago)
                self._tell(_("  the runs of %(day)s") % {"day": evening.date()})
                self._make_evening(midnight - timedelta(days=ago) + timedelta(hours=18), ago)
            self._tell(_("  the runs of today: one fails, one is suspicious, one is cancelled"))
            self._make_today()
        finally:
            self._stand_in.latency = latency

    def _make_evening(self, evening: datetime, ago: int) -> None:
        self._change_batches(evening, self._random.randint(8, 30))
        self._run(NIGHTLY, evening + timedelta(minutes=30))
        if ago == 9:
            self._run(EXPENSES, evening + timedelta(minutes=50), Status(403, body=_FORBIDDEN))
        self._run(EXPENSES, evening + timedelta(minutes=55))
        if ago % 2:
            self._run(PRODUCTS, evening + timedelta(minutes=70))
        if ago % 7 == 3:
            self._run(ARCHIVE, evening + timedelta(hours=3))

    def _make_today(self) -> None:
        """A failure, a suspicion and a cancelled run, which somebody should look at."""
        now = datetime.now(UTC)
        self._change_batches(now - timedelta(minutes=55), 12)
        self._run(EXPENSES, now - timedelta(minutes=50), Status(403, body=_FORBIDDEN))
        self._run(PRODUCTS, now - timedelta(minutes=40), Nothing())
        self._cancel(ARCHIVE, now - timedelta(minutes=30))
        self._run(NIGHTLY, now - timedelta(minutes=20), Status(503, times=1, retry_after="1"))

    def _change_batches(self, at: datetime, added_count: int) -> None:
        change_batches(self._stand_in, at, self._random, added_count=added_count, touched_count=3)

    def _run(self, name: str, at: datetime, fault: Fault | None = None) -> None:
        task = Task.objects.get(pk=self._tasks[name].pk)
        run = task.queue_run(Run.Trigger.SCHEDULE)
        if fault is None:
            jobs.execute_here(run.pk, run.attempt)
        else:
            with self._stand_in.faults.on(fault):
                jobs.execute_here(run.pk, run.attempt)
        _date_back(run, datetime.now(UTC) - at)

    def _cancel(self, name: str, at: datetime) -> None:
        task = Task.objects.get(pk=self._tasks[name].pk)
        run = task.queue_run(Run.Trigger.MANUAL, self._user)
        run.cancel(self._user)
        _date_back(run, datetime.now(UTC) - at)


@transaction.atomic
def _date_back(run: Run, by: timedelta) -> None:
    changes = DateChange.objects.filter(run_id=run.pk)
    rows: dict[str, models.QuerySet[Any]] = {
        "run": Run.objects.filter(pk=run.pk),
        "summary": RunSummary.objects.filter(pk=run.pk),
        "date change": changes,
        "log": RunLogEntry.objects.filter(run_id=run.pk),
        "event": Event.objects.filter(run_id=run.pk),
    }
    for kind, found in rows.items():
        found.update(**{name: F(name) - by for name in _RECORDED[kind]})
    for change in changes:
        Task.objects.filter(pk=run.task_id).update(**{change.field: change.date_after})
    run.refresh_from_db()
    if run.manifest_sha256:
        _write_manifest(run)


def _write_manifest(run: Run) -> None:
    """Give the proof the times of its run."""
    store, name = files.store(), files.manifest_name(run.file_path)
    with store.open(name) as stream:
        content = json.loads(stream.read())
    content["started"] = _utc(run.started_at)
    content["started_by_connectwise"] = _utc(run.connectwise_started_at)
    content["date_created"]["after"] = _utc(run.date_created_after)
    content["date_modified"]["after"] = _utc(run.date_modified_after)
    written = f"{json.dumps(content, indent=2, ensure_ascii=False)}\n".encode()
    sha256 = hashlib.sha256(written).hexdigest()
    store.remove(name)
    store.put(name, BytesIO(written), size=len(written), sha256=sha256)
    Run.objects.filter(pk=run.pk).update(manifest_sha256=sha256)


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)
