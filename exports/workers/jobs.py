"""The queue's job: claims a run, executes it, and starts what follows from its end.

The queue's engine is a setting and may deliver a job late, twice or never. Only the Run row
decides: a run is executed by the one worker whose claim changed that row.
"""

import logging
import os
import socket
import uuid
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

from django.db import transaction

from exports import clock
from exports.connectwise.filter.conditions import ConditionError
from exports.connectwise.language import gettext as _
from exports.housekeeping.isolation import isolated
from exports.logs.context import log_context
from exports.models import Run, RunSummary, Task, Worker
from exports.models.errors import RunActiveError, TaskUnusableError
from exports.models.runs import RunQuerySet
from exports.pipeline import runner
from exports.pipeline.database_faults import record
from exports.pipeline.lease import Lease, shutdown
from exports.storage.run_log import RunLog
from exports.workers.queues.chosen import queue_engine

try:
    from django.tasks import task as queue_task
except ImportError:  # Django 5.2: the same API from its backport
    from django_tasks import task as queue_task  # type: ignore[no-redef]

logger = logging.getLogger(__name__)

# How long a worker waits for another run of the same connection to get an answer.
_PATIENCE = timedelta(seconds=2)


def queue_run(
    task: Task,
    trigger: str,
    user: Any = None,
    *,
    caused_by: Run | None = None,
    is_despite_restore: bool = False,
) -> Run:
    """Queue a run of `task` and, after the commit, enqueue its job.

    Raises TaskUnusableError, RunActiveError, ConditionError.
    """
    with transaction.atomic():
        run = task.queue_run(
            trigger, user, caused_by=caused_by, is_despite_restore=is_despite_restore
        )
        transaction.on_commit(lambda: enqueue(run))
    return run


def queue_scheduled(task: Task) -> Run:
    """Queue a run for a due time; raises as `queue_run`."""
    return queue_run(task, Run.Trigger.SCHEDULE)


def queue_reexport(
    task: Task,
    user: Any = None,
    *,
    of_run: Run | RunSummary | None = None,
    batch_ids: Iterable[int] = (),
) -> Run:
    """Queue an export of the same batches again. Raises TaskUnusableError, RunActiveError."""
    with transaction.atomic():
        run = task.queue_reexport(user, of_run=of_run, batch_ids=batch_ids)
        transaction.on_commit(lambda: enqueue(run))
    return run


def any_worker_alive() -> bool:
    return Worker.objects.alive().exists()


@queue_task()
def execute_run(run_id: int, attempt: int) -> None:
    """A worker's job: execute the run if it still waits for this attempt, else do nothing."""
    execute_here(run_id, attempt)


def execute_here(run_id: int, attempt: int) -> None:
    """Claim the run's attempt and execute it in this process."""
    run = Run.objects.get(pk=run_id)
    with log_context(run=run_id, task=run.task_name):
        _execute(run, attempt)


def _execute(run: Run, attempt: int) -> None:
    owner = f"{socket.gethostname()[:30]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    if run.attempt != attempt or not _claim(run, owner):
        params = {"run": run, "attempt": attempt}
        logger.info(_("%(run)s, attempt %(attempt)s, is not to be executed now."), params)
        return
    if run.is_cancel_requested():
        run.finish_cancelled(owner)
        return
    with Lease(run, owner) as lease:
        runner.execute(run, lease)
    record(lambda: follow_up(Run.objects.get(pk=run.pk)))


def _claim(run: Run, owner: str) -> bool:
    """Claim the run, if necessary after another run of its connection has an answer.

    With a working host that takes a moment. After two seconds the worker gives up, to be free for
    other connections; the run is enqueued again once nothing blocks it.
    """
    while not record(lambda: run.claim(owner)):
        blocker = run.blocker()
        if blocker is None:
            return record(lambda: run.claim(owner))
        if not _has_just_started(blocker) or shutdown.wait(0.1):
            run.wait_for(blocker)
            return False
    return True


def _has_just_started(run: Run) -> bool:
    return run.started_at is not None and abs(clock.now() - run.started_at) < _PATIENCE


def enqueue_unblocked() -> None:
    """Enqueue the runs that waited for another run of their connection and no longer have to."""
    enqueue_lost(Run.objects.queued().exclude(waits_for=None))


def enqueue_lost(runs: RunQuerySet) -> None:
    """Enqueue those of `runs` that nothing blocks and whose job is not in the queue."""
    free: list[Run] = []
    with isolated(_("queued runs")):
        free = [run for run in runs.order_by("id") if run.blocker() is None]
    if not free:
        return
    # A subject that succeeds only when the queue was asked; else each failure would be news.
    with isolated(_("the queue")):
        waiting = queue_engine().waiting()
        for run in free:
            if (run.pk, run.attempt) not in waiting:
                enqueue(run)


def enqueue(run: Run) -> None:
    """Put the run's job into the queue; where that fails, recovery does it later.

    The run is queued by its row, so nobody has to be told but the log: pages say it.
    """
    with isolated(_("the queue")):
        engine = queue_engine()
        with transaction.atomic() if engine.is_transactional else nullcontext():
            execute_run.enqueue(run.pk, run.attempt)
            # A worker may have been faster, and the run be at its next attempt.
            this = Run.objects.filter(pk=run.pk, attempt=run.attempt)
            this.update(enqueued_at=clock.now())
            engine.announce()


def follow_up(run: Run) -> None:
    """After an attempt: enqueue a requeued run, or queue the On Failure Task of a failed one."""
    enqueue_unblocked()
    if run.status == Run.Status.QUEUED:
        enqueue(run)
    elif run.status == Run.Status.FAILED:
        queue_on_failure_task(run)


@transaction.atomic
def queue_on_failure_task(run: Run) -> None:
    """Queue it once, from the run's worker or, if that died, from the recovery."""
    task = run.task.on_failure_task
    if not run.close_failure() or task is None:
        return
    log = RunLog(run)
    try:
        queued = queue_run(task, Run.Trigger.FAILURE, run.requested_by, caused_by=run)
    except (TaskUnusableError, RunActiveError, ConditionError) as error:
        message = _("The On Failure Task %(task)s was not queued. %(reason)s")
        log.warning(message % {"task": task.name, "reason": error})
    else:
        log.info(_("The On Failure Task was queued: %(run)s.") % {"run": queued})
