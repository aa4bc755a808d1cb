"""Lost runs, jobs that never arrived, copies that failed: put right, every ten seconds (R3, R4)."""

import logging
import uuid
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop, joined, ngettext
from exports.delivery.export_folder import remove_old_temp_files
from exports.housekeeping.leftovers import (
    clear_run_folder,
    delete_staged,
    one_at_a_time,
)
from exports.housekeeping.queue_table import clear_queue_rows, is_in_queue
from exports.models import Delivery, Run, Worker
from exports.models.codes import ErrorCode
from exports.models.deliveries import STALLED_AFTER
from exports.storage import files
from exports.storage.run_log import RunLog
from exports.workers.jobs import enqueue, follow_up, queue_on_failure_task

logger = logging.getLogger(__name__)

# A run whose worker died this many times is taken for the cause (R3).
_PARK_AFTER = 3
_STALLED = gettext_noop(
    "The worker of this run fell silent (the machine or the process was ended)."
)
_NO_HARM = gettext_noop("Nothing was exported and no date moved; run the task again.")
# A queued run that nobody took is put before the workers again after this long: its job may have
# died with a worker between taking it and claiming the run. A job too many does nothing.
_ENQUEUE_AGAIN_AFTER = timedelta(minutes=1)


def recover(*, is_thorough: bool = False) -> None:
    """Close what dead workers left, and put before the workers what never got there (R3, R4).

    Safe to call from several processes at once: every decision is a conditional update. When
    thorough, as at a worker's start, files are looked at however old they are.
    """
    for step in (
        _close_all_stalled,
        _follow_failures,
        _enqueue_waiting,
        lambda: clear_run_folder(is_thorough),
        _release_stalled_deliveries,
        remove_old_temp_files,
        lambda: delete_staged(is_thorough),
        clear_queue_rows,
        Worker.objects.prune_stalled,
    ):
        with one_at_a_time():
            step()


def _follow_failures() -> None:
    for run in Run.objects.filter(is_failure_open=True).order_by("id"):
        with one_at_a_time():
            queue_on_failure_task(run)


def _close_all_stalled() -> None:
    for run in Run.objects.lost():
        with one_at_a_time():
            _close_stalled(run)


def _close_stalled(run: Run) -> None:
    """Resume or end a run whose worker fell silent; that worker is fenced off first."""
    owner = f"recovery-{uuid.uuid4().hex[:8]}"
    if not run.steal(owner):
        return  # it lives, or came to an end in this very moment
    log = RunLog(run)
    stalled_count = run.stalled_count + 1
    if run.cancel_requested_at is not None:
        run.finish_cancelled(owner)
    elif stalled_count >= _PARK_AFTER:
        _fail_stalled(run, owner, _parked(stalled_count), ErrorCode.RUN_PARKED)
    elif run.can_resume and _has_beginning(run):
        run.requeue(owner, stalled_count=stalled_count)
        resumed = _("The run is resumed after the last page it wrote.")
        log.warning(joined([_(_STALLED), resumed]))
    else:
        _fail_stalled(run, owner, _(_STALLED), ErrorCode.WORKER_STALLED)
    follow_up(run)


def _has_beginning(run: Run) -> bool:
    """Whether there is something to resume; what cannot be read is not there."""
    try:
        return files.checked_beginning(run) is not None
    except OSError:
        logger.exception(_("The part file of %(run)s cannot be read."), {"run": run})
        return False


def _parked(stalled_count: int) -> str:
    return ngettext(
        "The worker of this run fell silent (the machine or the process was ended) %(count)s time "
        "in a row: it is parked.",
        "The worker of this run fell silent (the machine or the process was ended) %(count)s times "
        "in a row: it is parked.",
        stalled_count,
    ) % {"count": stalled_count}


def _fail_stalled(run: Run, owner: str, reason: str, code: ErrorCode) -> None:
    message = joined([reason, _(_NO_HARM)])
    with transaction.atomic():
        run.fail(owner, message, code=code)
        RunLog(run).error(message)


def _enqueue_waiting() -> None:
    long_ago = timezone.now() - _ENQUEUE_AGAIN_AFTER
    never = Q(enqueued_at=None, queued_at__lt=timezone.now() - timedelta(seconds=10))
    for run in Run.objects.queued().filter(never | Q(enqueued_at__lt=long_ago)):
        if run.blocker() is None and not is_in_queue(run):
            enqueue(run)


def _release_stalled_deliveries() -> None:
    silent = Q(heartbeat_at__lt=timezone.now() - STALLED_AFTER)
    for delivery in Delivery.objects.sending().filter(silent):
        delivery.release()
