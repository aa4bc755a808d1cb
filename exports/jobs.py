"""What the queue carries: the task function, the claim around it, and the recovery of lost runs.

The queue's engine is a setting and may deliver a job late, twice or never; the Run row is the
truth. Whatever the engine does, a run is executed by the one worker whose claim changed its row.
"""

import logging
import os
import socket
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from exports import files, runner
from exports.connectwise.conditions import ConditionError
from exports.lease import Lease
from exports.models import LedgerEntry, Run, Task, Worker
from exports.models.refusals import RunActiveError, TaskUnusableError
from exports.pick_up import copy_for_pick_up
from exports.queue_rows import clear_queue_rows, is_in_queue
from exports.run_log import RunLog

try:
    from django.tasks import task as queue_task
except ImportError:  # Django 5.2: the same API from its backport
    from django_tasks import task as queue_task  # type: ignore[no-redef]

logger = logging.getLogger(__name__)

# A run whose worker died this many times is taken for the cause (R3).
_PARK_AFTER = 3
_SILENT = gettext_noop("The worker of this run fell silent (the machine or the process was ended).")
_NO_HARM = gettext_noop("Nothing was exported and no date moved; run the task again.")
# A queued run that nobody took is put before the workers again after this long: its job may have
# died with a worker between taking it and claiming the run. A job too many does nothing.
_ENQUEUE_AGAIN_AFTER = timedelta(minutes=1)


def queue_run(task: Task, trigger: str, user: Any = None, *, caused_by: Run | None = None) -> Run:
    """Queue a run of `task` and, once that is committed, put it before the workers.

    Raises TaskUnusableError, RunActiveError, ConditionError.
    """
    with transaction.atomic():
        run = task.queue_run(trigger, user, caused_by=caused_by)
        transaction.on_commit(lambda: _enqueue(run))
    return run


def queue_again(
    task: Task, user: Any = None, *, of_run: Run | None = None, batch_ids: Iterable[int] = ()
) -> Run:
    """Queue an export of the same batches again (R7). Raises TaskUnusableError, RunActiveError."""
    with transaction.atomic():
        run = task.queue_again(user, of_run=of_run, batch_ids=batch_ids)
        transaction.on_commit(lambda: _enqueue(run))
    return run


def any_worker_alive() -> bool:
    return Worker.objects.alive().exists()


@queue_task()
def execute_run(run_id: int, attempt: int) -> None:
    """What a worker does with a job: nothing, unless the run still waits for this attempt."""
    execute_here(run_id, attempt)


def execute_here(run_id: int, attempt: int) -> None:
    """Claim the run's attempt and bring it to an end in this process."""
    owner = f"{socket.gethostname()[:30]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    run = Run.objects.get(pk=run_id)
    if run.attempt != attempt or not run.claim(owner):
        told = {"run": run, "attempt": attempt}
        logger.info(_("%(run)s, attempt %(attempt)s, is taken care of already."), told)
        return
    if run.is_cancel_requested():
        run.finish_cancelled(owner)
        return
    with Lease(run, owner) as lease:
        runner.execute(run, lease)
    _after(Run.objects.get(pk=run_id))


def recover(*, is_thorough: bool = False) -> None:
    """Close what dead workers left, and put before the workers what never got there (R3, R4).

    Safe to call from several processes at once: every decision is a conditional update. When
    thorough, as at a worker's start, files are looked at however old they are.
    """
    for step in (
        _close_all_lost,
        _follow_failures,
        _enqueue_waiting,
        lambda: _clear_folder(is_thorough),
        _retry_copies,
        _remove_old_drafts,
        lambda: _forget_staged(is_thorough),
        clear_queue_rows,
        Worker.objects.forget_the_dead,
    ):
        with _logged():
            step()


def _enqueue(run: Run) -> None:
    execute_run.enqueue(run.pk, run.attempt)
    Run.objects.filter(pk=run.pk).update(enqueued_at=timezone.now())


def _after(run: Run) -> None:
    """What an end leads to: back before the workers, or the On Failure Task (R6)."""
    if run.status == Run.Status.QUEUED:
        _enqueue(run)
    elif run.status == Run.Status.FAILED:
        _queue_on_failure_task(run)


@transaction.atomic
def _queue_on_failure_task(run: Run) -> None:
    """Once, whoever sees the failure first: this worker, or the recovery after its death."""
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


@contextmanager
def _logged() -> Iterator[None]:
    """One thing that cannot be recovered must not keep the others from it."""
    try:
        yield
    except (OSError, DatabaseError):
        logger.exception(_("A part of the recovery was put off."))


def _follow_failures() -> None:
    for run in Run.objects.filter(is_failure_open=True).order_by("id"):
        with _logged():
            _queue_on_failure_task(run)


def _close_all_lost() -> None:
    for run in Run.objects.lost():
        with _logged():
            _close_lost(run)


def _close_lost(run: Run) -> None:
    """Resume or end a run whose worker fell silent; that worker is fenced off first."""
    owner = f"recovery-{uuid.uuid4().hex[:8]}"
    if not run.take_over(owner):
        return  # it lives, or came to an end in this very moment
    log = RunLog(run)
    lost_count = run.lost_count + 1
    if run.cancel_requested_at is not None:
        run.finish_cancelled(owner)
    elif lost_count >= _PARK_AFTER:
        _fail_lost(run, owner, f"{_parked(lost_count)} {_(_NO_HARM)}")
    elif run.can_resume and _has_beginning(run):
        run.give_back(owner, lost_count=lost_count)
        resumed = _("The run is resumed after the last page it wrote.")
        log.warning(f"{_(_SILENT)} {resumed}")
    else:
        _fail_lost(run, owner, f"{_(_SILENT)} {_(_NO_HARM)}")
    _after(run)


def _has_beginning(run: Run) -> bool:
    """Whether there is something to resume; what cannot be read is not there."""
    try:
        return files.checked_beginning(run) is not None
    except OSError:
        logger.exception(_("The part file of %(run)s cannot be read."), {"run": run})
        return False


def _parked(lost_count: int) -> str:
    return ngettext(
        "The worker of this run fell silent (the machine or the process was ended) %(count)s time "
        "in a row: it is parked.",
        "The worker of this run fell silent (the machine or the process was ended) %(count)s times "
        "in a row: it is parked.",
        lost_count,
    ) % {"count": lost_count}


def _fail_lost(run: Run, owner: str, sentence: str) -> None:
    with transaction.atomic():
        run.fail(owner, sentence)
        RunLog(run).error(sentence)


def _enqueue_waiting() -> None:
    long_ago = timezone.now() - _ENQUEUE_AGAIN_AFTER
    never = Q(enqueued_at=None, queued_at__lt=timezone.now() - timedelta(seconds=10))
    for run in Run.objects.queued().filter(never | Q(enqueued_at__lt=long_ago)):
        if not is_in_queue(run):
            _enqueue(run)


def _clear_folder(is_thorough: bool) -> None:
    """Remove what dead workers were writing; set whole files aside that no run owns (O2)."""
    found = files.found_files(None if is_thorough else timezone.now() - timedelta(hours=1))
    for start in range(0, len(found), 500):
        some = found[start : start + 500]
        # Read after the folder: a run that ends in between shows as active or with its file.
        runs = Run.objects.in_bulk([file.run_id for file in some])
        for file in some:
            with _logged():
                _clear_file(file, runs.get(file.run_id))


def _clear_file(file: files.FoundFile, run: Run | None) -> None:
    if run is not None and run.is_active:
        # Written to right now, or what the next attempt resumes from.
        return
    if not file.is_whole:
        # A proof stays as long as its file does.
        if not (file.path.suffix == ".json" and file.path.with_suffix(".xml").exists()):
            files.remove(file.path)
    elif run is None or run.file_path != f"runs/{file.path.name}":
        target = files.set_aside(file)
        told = {"file": file.path.name, "target": target}
        logger.warning(_("%(file)s belongs to no run and was moved to %(target)s."), told)
        if run is not None:
            moved = _("A whole file without a success was moved to %(target)s.")
            RunLog(run).warning(moved % told)


def _forget_staged(is_thorough: bool) -> None:
    """Delete the ledger rows that runs staged before they failed or were cancelled (W7)."""
    ended = Run.objects.filter(status__in=[Run.Status.FAILED, Run.Status.CANCELLED])
    if not is_thorough:
        ended = ended.filter(finished_at__gt=timezone.now() - timedelta(hours=1))
    for run_id in ended.values_list("pk", flat=True):
        while LedgerEntry.objects.forget_some(run_id):
            pass


def _retry_copies() -> None:
    for run in Run.objects.filter(is_copy_pending=True).order_by("id"):
        copy_for_pick_up(run, RunLog(run))


def _remove_old_drafts() -> None:
    noted = Run.objects.filter(is_copy_pending=True).values_list("copy_draft", flat=True)
    files.remove_old_drafts(keep=set(noted))
