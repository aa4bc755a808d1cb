"""The queue in our own database, by django-tasks-db.

Its own worker is not used: it executes one job at a time, and ends when the row of a job was
deleted meanwhile. Its table, its way to take a row and its backend are.
"""

import time
from collections.abc import Iterable
from datetime import timedelta
from traceback import format_exception
from typing import Any, Final
from uuid import uuid4

from django.db import OperationalError

from exports import clock
from exports.models import Run
from exports.workers.queues.announcements import Announcements, announce
from exports.workers.queues.engine import Job, Numbers, QueueError

_KEPT: Final = timedelta(days=7)
# Seconds after which a worker looks although nothing was announced.
_LOOK_ALL_THE_SAME: Final = 5.0
_TIME_TO_NOTE: Final = timedelta(minutes=5)


class DatabaseEngine:
    """No worker gets a row that another one holds: the row is locked while it is marked."""

    is_transactional = True

    def __init__(self) -> None:
        self._worker_id = uuid4().hex
        self._announcements = Announcements()
        self._looked_at = float("-inf")

    def take(self, patience: float) -> Job | None:
        has_missed = self._announcements.begin()
        is_due = time.monotonic() - self._looked_at >= _LOOK_ALL_THE_SAME
        if has_missed or is_due or not patience:
            if job := self._look():
                return job
            self._looked_at = time.monotonic()
        if self._announcements.wait(patience):
            # Looks at the next call: a worker asked to stop must not take another job.
            self._looked_at = float("-inf")
        return None

    def announce(self) -> None:
        announce()

    def _look(self) -> Job | None:
        # Most looks find nothing: those lock nothing, and are one query.
        row = self._take_row() if _ours().ready().exists() else None
        if row is None:
            return None
        # There may be more.
        self._looked_at = float("-inf")
        run_id, attempt = _numbers(row)
        return Job(run_id, attempt, row.pk)

    def _take_row(self) -> Any:
        from django_tasks_db.utils import exclusive_transaction, is_locked_database_exception

        rows = _ours().ready()
        try:
            with exclusive_transaction(rows.db):
                row = rows.get_locked()
                if row is not None:
                    row.claim(self._worker_id)
        except OperationalError as error:
            if not is_locked_database_exception(error):
                raise
            return None
        return row

    def done(self, job: Job, error: BaseException | None = None) -> None:
        from django_tasks_db.compat import TaskResultStatus
        from django_tasks_db.models import DBTaskResult

        ended = {"finished_at": clock.now(), "status": TaskResultStatus.SUCCESSFUL}
        if error is not None:
            kind = type(error)
            ended |= {
                "status": TaskResultStatus.FAILED,
                "exception_class_path": f"{kind.__module__}.{kind.__qualname__}",
                "traceback": "".join(format_exception(error)),
            }
        # The row may be gone: recovery deletes it when a worker was stopped for minutes.
        DBTaskResult.objects.filter(pk=job.mark).update(**ended)

    def waiting(self) -> set[Numbers]:
        return {_numbers(row) for row in _ours().ready().order_by()}

    def clear(self) -> None:
        """Delete jobs that ended over a week ago, and jobs that their run no longer needs.

        The row of a killed worker's job is running for ever, and that of a job whose run another
        process executed stays ready.
        """
        from django_tasks_db.models import DBTaskResult

        ended = DBTaskResult.objects.finished()
        ended.filter(finished_at__lt=clock.now() - _KEPT).delete()
        unfinished = _ours().exclude(pk__in=DBTaskResult.objects.finished())
        asked = {row.pk: _numbers(row) for row in unfinished.order_by()}
        runs = Run.objects.in_bulk({run_id for run_id, _attempt in asked.values()})
        stale = [
            key for key, (run_id, attempt) in asked.items() if _is_stale(runs.get(run_id), attempt)
        ]
        DBTaskResult.objects.filter(pk__in=stale).delete()

    def forget_all(self) -> None:
        from django_tasks_db.models import DBTaskResult

        DBTaskResult.objects.all().delete()

    def see(self) -> None:
        """Whoever reads this has the database."""

    def problem(self, *, is_asked: bool = False) -> QueueError | None:
        return None

    def problems(self) -> list[str]:
        return []


def _ours() -> Any:
    """Rows of our only job: others, of a later version, have other arguments."""
    from django_tasks_db.models import DBTaskResult

    return DBTaskResult.objects.filter(task_path__endswith=".execute_run")


def _numbers(row: Any) -> Numbers:
    arguments: Iterable[int] = row.args_kwargs["args"]
    run_id, attempt = arguments
    return run_id, attempt


def _is_stale(run: Run | None, attempt: int) -> bool:
    if run is None:
        return True
    if run.is_active:
        return run.attempt != attempt
    # Give its worker time to note the end of the job.
    return run.finished_at is not None and run.finished_at < clock.now() - _TIME_TO_NOTE
