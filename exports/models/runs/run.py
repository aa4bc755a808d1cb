"""Runs: the queue entry, the history line and the download in one row (rules R1 to R5)."""

from typing import Any

from django.db import models, transaction
from django.db.models import Exists, Q
from django.utils.translation import gettext as _

from exports import clock
from exports.acting import acting_token_name
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.models.codes import Activity, ErrorCode, EventCode, SuspicionCode
from exports.models.conditional_changes import ChangedWhileHeld
from exports.models.events import record_run_end, settle_event
from exports.models.runs.asked import Asked
from exports.models.runs.progress import Progress, Waiting
from exports.models.runs.queryset import RunQuerySet
from exports.models.runs.result import Result
from exports.models.runs.summary import RunSummary
from exports.models.runs.tally import RunTally
from exports.models.runs.visibility import Visibility


class LeaseLostError(Exception):
    """This worker no longer holds the run and must not publish its file."""


class Run(Asked, Progress, Result, Visibility, ChangedWhileHeld):
    """One execution of a task. Its status changes only through the methods below."""

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task"],
                condition=Q(status__in=["queued", "running"]),
                name="one_active_run_per_task",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "succeeded", "failed", "cancelled"]),
                name="run_status_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="succeeded")
                | (Q(batch_count__isnull=False) & ~Q(file_path="") & ~Q(file_sha256="")),
                name="a_success_has_a_file",
            ),
            models.CheckConstraint(
                condition=~Q(status="failed") | ~Q(error=""), name="a_failure_says_why"
            ),
        ]
        indexes = [
            # With started_at, so that a status since a day is counted from the index alone.
            models.Index(fields=["status", "-id", "started_at"], name="run_status_newest"),
            models.Index(fields=["task", "-id"], name="run_task_newest"),
            models.Index(fields=["started_at"], name="run_started"),
            # Finds a page far back in the history from the index alone.
            models.Index(fields=["-id"], name="run_newest"),
            # The filters of the history, newest first, and its sort columns.
            models.Index(fields=["trigger", "-id"], name="run_trigger_newest"),
            models.Index(fields=["task_name", "-id"], name="run_name_newest"),
            models.Index(fields=["batch_count", "id"], name="run_batches"),
            models.Index(fields=["file_size", "id"], name="run_size"),
            models.Index(fields=["-id"], condition=~Q(suspicion=""), name="run_suspicious"),
            # For the home page: each task's last result and newest file with batches, both without
            # re-exports; most runs find no batches.
            models.Index(
                fields=["task", "-id"], condition=~Q(trigger="reexport"), name="run_own_newest"
            ),
            models.Index(
                fields=["task", "-id"],
                condition=Q(batch_count__gt=0) & ~Q(trigger="reexport"),
                name="run_with_batches",
            ),
            # The recovery queries this every ten seconds, and there are few such rows.
            models.Index(fields=["id"], condition=Q(is_failure_open=True), name="run_failure_open"),
            # For the alarm of a missed success: the last one of a task.
            models.Index(
                fields=["task", "finished_at"],
                condition=Q(status="succeeded") & ~Q(trigger="reexport"),
                name="run_success_finished",
            ),
            # Only while housekeeping deletes them.
            models.Index(fields=["id"], condition=~Q(pruned_at=None), name="run_pruned"),
            # And it looks for what failed within the last hour, among a year of failures.
            models.Index(fields=["status", "finished_at"], name="run_status_finished"),
        ]

    def __str__(self) -> str:
        return _("Run %(run)s of %(task)s") % {"run": self.pk, "task": self.task_name}

    @property
    def audit_name(self) -> str:
        return self.task_name

    def claim(self, owner: str) -> bool:
        """Take this queued attempt for the worker `owner`.

        False when another worker has it, or while it has a `blocker`.
        """
        now = clock.now()
        is_claimed = self._change(
            self._is_queued() & ~Q(Exists(self._blockers())),
            status=self.Status.RUNNING,
            owner=owner,
            started_at=self.started_at or now,
            heartbeat_at=now,
            answered_at=None,
            waits_for=None,
            activity=Activity.STARTING,
        )
        return is_claimed or self._was_claimed(owner)

    def _was_claimed(self, owner: str) -> bool:
        """Whether an earlier try did it, whose answer was lost with the connection."""
        if not Run.objects.filter(self._held_by(owner), pk=self.pk).exists():
            return False
        self.refresh_from_db()
        return True

    def blocker(self) -> "Run | None":
        """An unanswered run of the same connection, so that only one waits for a dead host."""
        return self._blockers().order_by("id").first()

    def wait_for(self, blocker: "Run") -> bool:
        """Stay in the queue until the other run has an answer or has ended."""
        return self._change(self._is_queued(), waits_for=blocker)

    def steal(self, owner: str) -> bool:
        """Take the run from a dead worker; False when that worker is alive or the run has ended."""
        as_seen = Q(heartbeat_at=self.heartbeat_at)
        return self._change(
            self._held_by(self.owner) & as_seen, owner=owner, heartbeat_at=clock.now()
        )

    def renew(self, owner: str) -> bool:
        """Record a heartbeat; False when `owner` no longer holds the run."""
        return self._change(self._held_by(owner), heartbeat_at=clock.now())

    def answered(self, owner: str, **fields: Any) -> None:
        """As `progress`, and note that ConnectWise answered. Raises LeaseLostError."""
        self.progress(owner, answered_at=clock.now(), **fields)

    def progress(self, owner: str, **fields: Any) -> None:
        """Store progress and a heartbeat; a new activity ends a pause. Raises LeaseLostError."""
        if "activity" in fields:
            fields = {"retry_at": None, **fields}
        self._change_or_raise(owner, heartbeat_at=clock.now(), **fields)

    def record_wait(self, owner: str, waiting: Waiting, code: str) -> None:
        """Store the pause before a retry. Raises LeaseLostError."""
        self.progress(
            owner,
            retry_count=self.retry_count + 1,
            answered_at=None,
            retry_at=waiting.until,
            retry_number=waiting.number,
            retry_limit=waiting.limit,
            retry_reason=waiting.reason,
            retry_code=code,
        )

    def succeed(self, owner: str, **fields: Any) -> None:
        """End as a success, within the caller's transaction for ledger and dates."""
        with transaction.atomic():
            self._end(owner, self.Status.SUCCEEDED, error="", **fields)
            RunSummary.objects.remember(self)
            record_run_end(self)

    def fail(self, owner: str, message: str, *, code: str = ErrorCode.UNEXPECTED) -> None:
        """End as a failure, with a code for programs and a message for people.

        Raises LeaseLostError.
        """
        with transaction.atomic():
            self._end(
                owner, self.Status.FAILED, error=message, error_code=code, is_failure_open=True
            )
            record_run_end(self)

    @property
    def is_doubtful(self) -> bool:
        """Suspicious, and nobody has accepted its count."""
        return self.is_suspicious and self.count_accepted_at is None

    @property
    def is_count_acceptable(self) -> bool:
        """Whether a person may accept this run's count."""
        is_about_counts = self.suspicion_code in SuspicionCode.about_counts()
        is_open = self.count_accepted_at is None and self.unfiltered_count is not None
        return is_about_counts and is_open and not self.is_reexport

    def accept_count(self, reason: str, *, name: str, user: Any = None) -> bool:
        """Accept this suspicious run's count as complete; later runs are compared with it.

        No date moves: the next run fetches everything since. False when it cannot be accepted.
        """
        if not self.is_count_acceptable:
            return False
        with transaction.atomic():
            is_accepted = self._change(
                Q(status=self.Status.SUCCEEDED, count_accepted_at=None, pruned_at=None),
                count_accepted_at=clock.now(),
                count_accepted_by=user,
                count_accepted_name=name[:150],
                count_accepted_reason=reason[:200],
            )
            if is_accepted:
                settle_event(EventCode.RECOVERED, EventCode.SUSPICIOUS, task=self.task)
                accepted = {"reason": [None, reason[:200]], "accepted_by": [None, name]}
                record_action(AuditAction.COUNT_ACCEPTED, self, accepted)
        return is_accepted

    def close_failure(self) -> bool:
        """Claim the handling of this failure; False when another process has claimed it."""
        return self._change(Q(is_failure_open=True), is_failure_open=False)

    def finish_cancelled(self, owner: str) -> None:
        """End as cancelled. Raises LeaseLostError."""
        self._end(owner, self.Status.CANCELLED)

    def requeue(self, owner: str, *, stalled_count: int = 0) -> None:
        """Return to the queue as the next attempt, for another worker. Raises LeaseLostError."""
        self._change_or_raise(
            owner,
            stalled_count=stalled_count,
            status=self.Status.QUEUED,
            attempt=self.attempt + 1,
            owner="",
            heartbeat_at=None,
            enqueued_at=None,
            activity=Activity.WAITING_FOR_WORKER,
        )

    def cancel(self, user: Any = None) -> bool:
        """Cancel a queued run, or ask its worker to when running; False when it has ended."""
        with transaction.atomic():
            is_first = not self.is_cancel_requested()
            is_asked = self._ask_to_cancel(user)
            # A workflow asks its step's run again until that obeys.
            if is_asked and is_first:
                record_action(AuditAction.RUN_CANCELLED, self)
        return is_asked

    def _ask_to_cancel(self, user: Any) -> bool:
        now = clock.now()
        asked = {
            "cancel_requested_at": now,
            "cancel_requested_by": user,
            "cancel_requested_with": acting_token_name(),
        }
        queued = Q(status=self.Status.QUEUED)
        if self._change(queued, status=self.Status.CANCELLED, finished_at=now, **asked):
            RunTally.objects.add(self)
            return True
        return self._change(Q(status=self.Status.RUNNING), **asked)

    def is_cancel_requested(self) -> bool:
        """Read from the database, as another process sets it."""
        return Run.objects.filter(pk=self.pk, cancel_requested_at__isnull=False).exists()

    def _is_queued(self) -> Q:
        return Q(status=self.Status.QUEUED, attempt=self.attempt)

    def _blockers(self) -> RunQuerySet:
        return Run.objects.unanswered().filter(connection_id=self.connection_id)

    def _held_by(self, owner: str) -> Q:
        return Q(**self._fields_while_held_by(owner))

    def _fields_while_held_by(self, owner: str) -> dict[str, Any]:
        return {"status": self.Status.RUNNING, "owner": owner, "attempt": self.attempt}

    @transaction.atomic
    def _end(self, owner: str, status: str, **fields: Any) -> None:
        self._change_or_raise(
            owner, status=status, finished_at=clock.now(), activity="", retry_at=None, **fields
        )
        RunTally.objects.add(self)

    def _change_or_raise(self, holder: str, /, **fields: Any) -> None:
        if not self._change_often(self._fields_while_held_by(holder), **fields):
            params = {"run": self, "holder": holder}
            raise LeaseLostError(_("%(run)s is no longer held by %(holder)s.") % params)
