"""Recovery, every ten seconds: stalled runs, lost jobs, and what dead workers left."""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from exports import clock
from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop, joined, ngettext
from exports.delivery.kinds.folder import remove_old_temp_files
from exports.housekeeping.isolation import isolated
from exports.housekeeping.leftovers import (
    clear_run_folder,
    delete_lately_staged,
)
from exports.housekeeping.sessions import clear_expired_sessions
from exports.models import Delivery, Message, Run, RunSummary, Worker
from exports.models.codes import ErrorCode
from exports.models.deliveries import STALLED_AFTER
from exports.models.messages import STALLED_AFTER as MESSAGE_STALLED_AFTER
from exports.models.runs import DEAD_AFTER, PARK_AFTER
from exports.storage.run_log import RunLog
from exports.workers.heartbeats import ClockWatch, HeartbeatWatch
from exports.workers.jobs import enqueue_lost, follow_up, queue_on_failure_task
from exports.workers.queues.chosen import queue_engine

logger = logging.getLogger(__name__)

_STALLED = gettext_noop(
    "The worker of this run stopped answering (its process or its machine ended)."
)
# Which of the two is known only to the worker that takes it: the part file is on one machine.
_GOES_ON = gettext_noop(
    "The run goes on after the last page it wrote or, where that part of its file is not within "
    "reach, starts again with the same window and dates."
)
_NO_HARM = gettext_noop("Nothing was exported and no date moved; run the task again.")
# A queued run that no worker took is enqueued again after this long: a worker may have died between
# taking its job and claiming the run, or the engine have lost its memory. With a round every ten
# seconds that is within a minute (rule Q2). A second job for the same run does nothing.
_ENQUEUE_AGAIN_AFTER = timedelta(seconds=30)

_HOUR = 3600.0
# At a worker's start, of each result; housekeeping looks at all runs, however many.
_LAST_RUNS = 500

_watch = HeartbeatWatch()
_delivery_watch = HeartbeatWatch()
_message_watch = HeartbeatWatch()
_clock = ClockWatch()


@dataclass
class _Hourly:
    """When this process last did an hourly step; None to do it in the next round."""

    at: float | None = None

    @property
    def is_due(self) -> bool:
        return self.at is None or time.monotonic() - self.at > _HOUR


_listing = _Hourly()
_session_clearing = _Hourly()


def recover(*, is_thorough: bool = False) -> None:
    """Close what dead workers left, and enqueue the runs whose job was lost.

    Safe to call from several processes at once: every decision is a conditional update. When
    thorough, as at a worker's start, files of any age and what the last runs left are checked.
    """
    steps: dict[str, Callable[[], object]] = {
        _("runs of dead workers"): _close_all_stalled,
        _("On Failure Tasks"): _follow_failures,
        _("queued runs"): _enqueue_waiting,
        _("the folder of runs"): lambda: _clear_run_folder(is_thorough),
        _("deliveries of dead workers"): _release_stalled_deliveries,
        _("messages of dead workers"): _release_stalled_messages,
        _("temporary files in the export folder"): remove_old_temp_files,
        _("staged ledger rows"): lambda: _delete_staged(is_thorough),
        _("the queue's own rows"): lambda: queue_engine().clear(),
        _("expired sessions"): lambda: _clear_sessions(is_thorough),
        _("rows of dead workers"): Worker.objects.prune_stalled,
        _("summaries of runs"): lambda: _add_summaries(is_thorough),
    }
    for name, step in steps.items():
        with isolated(name):
            step()


def _delete_staged(is_thorough: bool) -> None:
    delete_lately_staged(among_last=_LAST_RUNS if is_thorough else None)


def _add_summaries(is_thorough: bool) -> None:
    """At a worker's start: a worker of an earlier version may have gone on during an upgrade."""
    if is_thorough:
        RunSummary.objects.add_missing(among_last=_LAST_RUNS)


def _follow_failures() -> None:
    for run in Run.objects.filter(is_failure_open=True).order_by("id"):
        with isolated(_("On Failure Task of run %(run)s") % {"run": run.pk}):
            queue_on_failure_task(run)


def _clear_run_folder(is_thorough: bool) -> None:
    """Clear the folder of runs: at start, after closing a stalled run, and once an hour.

    Listing a hundred thousand files in every round would take a tenth of a core. Leftovers come
    from dead workers, or at any time from a failing disk.
    """
    if is_thorough or _listing.is_due:
        clear_run_folder()
        _listing.at = time.monotonic()


def _clear_sessions(is_thorough: bool) -> None:
    # If one round leaves expired sessions, the next round goes on.
    if (is_thorough or _session_clearing.is_due) and clear_expired_sessions():
        _session_clearing.at = time.monotonic()


def _close_all_stalled() -> None:
    running = list(Run.objects.running())
    unchanged = _watch.unchanged_for({run.pk: run.heartbeat_at for run in running})
    is_steady = _clock.is_steady(DEAD_AFTER.total_seconds())
    stalled = set(Run.objects.lost().values_list("pk", flat=True)) if is_steady else set()
    for run in running:
        if run.pk in stalled or unchanged[run.pk] > DEAD_AFTER.total_seconds():
            with isolated(_("run %(run)s") % {"run": run.pk}):
                _close_stalled(run)
                _listing.at = None


def _close_stalled(run: Run) -> None:
    """Take a stalled run from its worker, then resume it or end it."""
    owner = f"recovery-{uuid.uuid4().hex[:8]}"
    if not run.steal(owner):
        return  # its worker is alive, or the run has just ended
    log = RunLog(run)
    stalled_count = run.stalled_count + 1
    if run.cancel_requested_at is not None:
        run.finish_cancelled(owner)
    elif stalled_count >= PARK_AFTER:
        _fail_stalled(run, owner, _parked(stalled_count), ErrorCode.RUN_PARKED)
    elif run.can_resume:
        run.requeue(owner, stalled_count=stalled_count)
        log.warning(joined([_(_STALLED), _(_GOES_ON)]))
    else:
        _fail_stalled(run, owner, _(_STALLED), ErrorCode.WORKER_STALLED)
    follow_up(run)


def _parked(stalled_count: int) -> str:
    return ngettext(
        "The worker of this run stopped answering (its process or its machine ended) "
        "%(count)s time in a row: it is parked.",
        "The worker of this run stopped answering (its process or its machine ended) "
        "%(count)s times in a row: it is parked.",
        stalled_count,
    ) % {"count": stalled_count}


def _fail_stalled(run: Run, owner: str, reason: str, code: ErrorCode) -> None:
    message = joined([reason, _(_NO_HARM)])
    with transaction.atomic():
        run.fail(owner, message, code=code)
        RunLog(run).error(message)


def _enqueue_waiting() -> None:
    now = clock.now()
    # A time in the future was written before the clock was set back: ignore it.
    never = Q(enqueued_at=None) & ~Q(queued_at__range=(now - timedelta(seconds=10), now))
    long_ago = Q(enqueued_at__lt=now - _ENQUEUE_AGAIN_AFTER) | Q(enqueued_at__gt=now)
    enqueue_lost(Run.objects.queued().filter(never | long_ago))


def _release_stalled_deliveries() -> None:
    sending = list(Delivery.objects.sending())
    unchanged = _delivery_watch.unchanged_for({row.pk: row.heartbeat_at for row in sending})
    long_ago = clock.now() - STALLED_AFTER
    is_steady = _clock.is_steady(STALLED_AFTER.total_seconds())
    for row in sending:
        is_stalled = row.heartbeat_at is None or (is_steady and row.heartbeat_at < long_ago)
        if is_stalled or unchanged[row.pk] > STALLED_AFTER.total_seconds():
            row.release()


def _release_stalled_messages() -> None:
    sending = list(Message.objects.sending())
    unchanged = _message_watch.unchanged_for({row.pk: row.heartbeat_at for row in sending})
    long_ago = clock.now() - MESSAGE_STALLED_AFTER
    is_steady = _clock.is_steady(MESSAGE_STALLED_AFTER.total_seconds())
    for row in sending:
        is_silent = row.heartbeat_at is None or (is_steady and row.heartbeat_at < long_ago)
        if is_silent or unchanged[row.pk] > MESSAGE_STALLED_AFTER.total_seconds():
            row.release()
