"""Runs: the queue entry, the history line and the download in one row (rules R1 to R5)."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# Without a heartbeat for this long a run's worker is taken for dead (rule R3).
DEAD_AFTER = timedelta(seconds=60)


class LeaseLostError(Exception):
    """This worker no longer holds the run; whatever it has must not be published."""


class RunQuerySet(models.QuerySet["Run"]):
    def active(self) -> "RunQuerySet":
        return self.filter(status__in=Run.ACTIVE)

    def queued(self) -> "RunQuerySet":
        return self.filter(status=Run.Status.QUEUED)

    def running(self) -> "RunQuerySet":
        return self.filter(status=Run.Status.RUNNING)

    def succeeded(self) -> "RunQuerySet":
        return self.filter(status=Run.Status.SUCCEEDED)

    def lost(self) -> "RunQuerySet":
        """Running, but their worker has been silent for too long."""
        return self.running().filter(heartbeat_at__lt=timezone.now() - DEAD_AFTER)

    def newest_first(self) -> "RunQuerySet":
        return self.order_by("-id")


class Run(models.Model):
    """One execution of a task. Moves only towards an end state, by the verbs below."""

    class Status(models.TextChoices):
        QUEUED = "queued", gettext_lazy("Queued")
        RUNNING = "running", gettext_lazy("Running")
        SUCCEEDED = "succeeded", gettext_lazy("Succeeded")
        FAILED = "failed", gettext_lazy("Failed")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")

    class Trigger(models.TextChoices):
        MANUAL = "manual", gettext_lazy("Run now")
        COMMAND = "command", gettext_lazy("Command line")
        FAILURE = "failure", gettext_lazy("On Failure Task")
        REEXPORT = "reexport", gettext_lazy("Export again")

    ACTIVE = (Status.QUEUED, Status.RUNNING)

    # Who asked, and what exactly was asked: frozen when queued (rule R2).
    task = models.ForeignKey("exports.Task", models.PROTECT, related_name="runs")
    task_name = models.CharField(max_length=100)
    connection = models.ForeignKey("exports.Connection", models.PROTECT, related_name="+")
    trigger = models.CharField(max_length=20, choices=Trigger.choices)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    site = models.CharField(max_length=255)
    company = models.CharField(max_length=100)
    public_key = models.CharField(max_length=100)
    client_id = models.CharField(max_length=100, blank=True)
    conditions = models.TextField(
        blank=True, help_text=gettext_lazy("The user's part of the filter, as sent.")
    )
    export = models.CharField(max_length=10)
    date_created_before = models.DateTimeField()
    date_modified_before = models.DateTimeField()
    page_size = models.PositiveSmallIntegerField()
    output_file = models.CharField(max_length=200)
    include_extra_fields = models.BooleanField(default=False)
    parallel_requests = models.PositiveSmallIntegerField(default=4)
    can_resume = models.BooleanField(default=True)
    # The window that mode and dates come to (rules W1, W4, W5): see windows.py.
    modified_after = models.DateTimeField(null=True)
    created_after = models.DateTimeField(null=True)
    start_id = models.BigIntegerField(null=True)
    skips_known = models.BooleanField(default=False)
    # What earlier runs exported is not left out: the date was typed after them (W5).
    known_from_run = models.BigIntegerField(null=True)
    window_reason = models.CharField(max_length=300, blank=True)

    # *Export these batches again* (rule R7): those of an earlier run, or these ids.
    reexport_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    reexport_ids = models.JSONField(default=list)
    # The failed run that this one was queued after (R6).
    caused_by = models.ForeignKey("self", models.PROTECT, null=True, related_name="led_to")

    # Where it stands. `attempt` and `owner` fence every decision (rule R3).
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=1)
    owner = models.CharField(max_length=64, blank=True)
    queued_at = models.DateTimeField(default=timezone.now)
    enqueued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    activity = models.CharField(
        max_length=300, blank=True, help_text=gettext_lazy("What it does right now.")
    )
    request_sent = models.TextField(
        blank=True, help_text=gettext_lazy("The full filter of the first page.")
    )
    page_count = models.PositiveIntegerField(default=0)
    retry_count = models.PositiveIntegerField(default=0)
    expected_count = models.PositiveIntegerField(null=True)
    fetched_count = models.PositiveIntegerField(default=0)
    # Of those fetched, the ones no newer than the highest id when the run started.
    within_count = models.PositiveIntegerField(default=0)
    skipped_count = models.PositiveIntegerField(default=0)
    repeated_count = models.PositiveIntegerField(default=0)
    replaced_count = models.PositiveIntegerField(default=0)
    # How far the part file is safe to resume from: its size and hash after the last page (R4).
    part_name = models.CharField(max_length=100, blank=True)
    part_size = models.BigIntegerField(null=True)
    part_sha256 = models.CharField(max_length=64, blank=True)
    last_id = models.BigIntegerField(null=True)
    stalled_count = models.PositiveSmallIntegerField(default=0)

    # What came of it.
    connectwise_started_at = models.DateTimeField(null=True)
    api_version = models.CharField(max_length=50, blank=True)
    unfiltered_count = models.PositiveIntegerField(null=True)
    highest_id = models.BigIntegerField(
        null=True, help_text=gettext_lazy("The highest id when it started.")
    )
    proven_count = models.PositiveIntegerField(null=True)
    batch_count = models.PositiveIntegerField(null=True)
    # The run's own file below the data folder, and the name it is downloaded under.
    file_path = models.CharField(max_length=300, blank=True)
    file_name = models.CharField(max_length=250, blank=True)
    file_size = models.BigIntegerField(null=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    is_copy_pending = models.BooleanField(default=False)
    # The copy that is about to get the name for pick-up: if it is gone, it has got it (O4).
    copy_temp_name = models.CharField(max_length=100, blank=True)
    date_created_after = models.DateTimeField(null=True)
    date_modified_after = models.DateTimeField(null=True)
    suspicion = models.CharField(max_length=300, blank=True)
    error = models.TextField(blank=True)
    # Failed, and its On Failure Task has not been seen to yet (R6).
    is_failure_open = models.BooleanField(default=False)

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
            # With the time, so that a status since a day is counted without a look at its runs.
            models.Index(fields=["status", "-id", "started_at"], name="run_status_newest"),
            models.Index(fields=["task", "-id"], name="run_task_newest"),
            models.Index(fields=["started_at"], name="run_started"),
            # A page far back is found among ids alone, not among the whole runs.
            models.Index(fields=["-id"], name="run_newest"),
            # What the history filters and sorts by, in the order it is shown in.
            models.Index(fields=["trigger", "-id"], name="run_trigger_newest"),
            models.Index(fields=["task_name", "-id"], name="run_name_newest"),
            models.Index(fields=["batch_count", "id"], name="run_batches"),
            models.Index(fields=["file_size", "id"], name="run_size"),
            models.Index(fields=["-id"], condition=~Q(suspicion=""), name="run_suspicious"),
            # Home asks each task for its last result and for its newest file with batches, what was
            # exported again left aside; most runs find nothing new.
            models.Index(
                fields=["task", "-id"], condition=~Q(trigger="reexport"), name="run_own_newest"
            ),
            models.Index(
                fields=["task", "-id"],
                condition=Q(batch_count__gt=0) & ~Q(trigger="reexport"),
                name="run_with_batches",
            ),
            # What the recovery looks for every ten seconds, and hardly ever finds.
            models.Index(fields=["id"], condition=Q(is_copy_pending=True), name="run_copy_pending"),
            models.Index(fields=["id"], condition=Q(is_failure_open=True), name="run_failure_open"),
        ]

    def __str__(self) -> str:
        return _("Run %(run)s of %(task)s") % {"run": self.pk, "task": self.task_name}

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE

    @property
    def is_reexport(self) -> bool:
        return self.trigger == self.Trigger.REEXPORT

    @property
    def is_suspicious(self) -> bool:
        return bool(self.suspicion)

    @property
    def written_count(self) -> int:
        return self.fetched_count - self.skipped_count

    @property
    def duration(self) -> timedelta | None:
        if self.started_at is None:
            return None
        return (self.finished_at or timezone.now()) - self.started_at

    def claim(self, owner: str) -> bool:
        """Take this queued attempt for the worker `owner`; False when somebody else has it."""
        now = timezone.now()
        return self._change(
            Q(status=self.Status.QUEUED, attempt=self.attempt),
            status=self.Status.RUNNING,
            owner=owner,
            started_at=self.started_at or now,
            heartbeat_at=now,
            activity=_("Starting"),
        )

    def steal(self, owner: str) -> bool:
        """Fence off a worker that fell silent; False when it lives or the run is over."""
        silent = Q(heartbeat_at__lt=timezone.now() - DEAD_AFTER)
        return self._change(
            self._held_by(self.owner) & silent, owner=owner, heartbeat_at=timezone.now()
        )

    def renew(self, owner: str) -> bool:
        """A sign of life; False when `owner` no longer holds the run."""
        return self._change(self._held_by(owner), heartbeat_at=timezone.now())

    def progress(self, owner: str, **fields: Any) -> None:
        """Show where the run stands. Raises LostRunError."""
        self._change_or_raise(owner, heartbeat_at=timezone.now(), **fields)

    def succeed(self, owner: str, **fields: Any) -> None:
        """End as a success; the caller's transaction holds file, ledger and dates together."""
        self._end(owner, self.Status.SUCCEEDED, error="", **fields)

    def fail(self, owner: str, sentence: str) -> None:
        """End as a failure with a reason a person can read. Raises LostRunError."""
        self._end(owner, self.Status.FAILED, error=sentence, is_failure_open=True)

    def close_failure(self) -> bool:
        """Take what follows from this failure; False when somebody else has."""
        return self._change(Q(is_failure_open=True), is_failure_open=False)

    def record_copy(self, draft: str) -> bool:
        """Write down that `draft` is about to be picked up; False when this has been seen to."""
        return self._change(Q(is_copy_pending=True, copy_temp_name=""), copy_temp_name=draft)

    def finish_copy(self) -> None:
        """There is nothing more to copy for pick-up, unless somebody else is at it."""
        self._change(
            Q(copy_temp_name=self.copy_temp_name), is_copy_pending=False, copy_temp_name=""
        )

    def finish_cancelled(self, owner: str) -> None:
        """End as cancelled. Raises LostRunError."""
        self._end(owner, self.Status.CANCELLED)

    def requeue(self, owner: str, *, stalled_count: int = 0) -> None:
        """Return to the queue as the next attempt, for another worker. Raises LostRunError."""
        self._change_or_raise(
            owner,
            stalled_count=stalled_count,
            status=self.Status.QUEUED,
            attempt=self.attempt + 1,
            owner="",
            heartbeat_at=None,
            enqueued_at=None,
            activity=_("Waiting for a worker"),
        )

    def cancel(self, user: Any = None) -> bool:
        """Ask for the end: at once when queued, by its worker when running. False when over."""
        now = timezone.now()
        asked = {"cancel_requested_at": now, "cancel_requested_by": user}
        return self._change(
            Q(status=self.Status.QUEUED), status=self.Status.CANCELLED, finished_at=now, **asked
        ) or self._change(Q(status=self.Status.RUNNING), **asked)

    def is_cancel_requested(self) -> bool:
        """Fresh from the database: the request comes from another process."""
        return Run.objects.filter(pk=self.pk, cancel_requested_at__isnull=False).exists()

    def _held_by(self, owner: str) -> Q:
        return Q(status=self.Status.RUNNING, owner=owner, attempt=self.attempt)

    def _end(self, owner: str, status: str, **fields: Any) -> None:
        self._change_or_raise(
            owner, status=status, finished_at=timezone.now(), activity="", **fields
        )

    def _change_or_raise(self, holder: str, /, **fields: Any) -> None:
        if not self._change(self._held_by(holder), **fields):
            params = {"run": self, "holder": holder}
            raise LeaseLostError(_("%(run)s is no longer held by %(holder)s.") % params)

    def _change(self, held: Q, **fields: Any) -> bool:
        """One conditional UPDATE; its row count decides, never what this object remembers."""
        if Run.objects.filter(held, pk=self.pk).update(**fields) != 1:
            return False
        for name, value in fields.items():
            setattr(self, name, value)
        return True
