"""The progress of a run: its status, its worker, its counts so far (rules R3 to R5)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from exports import clock
from exports.models.codes import Activity
from exports.models.message_field import MessageField


@dataclass(frozen=True)
class Waiting:
    """A pause before ConnectWise is asked again; `number` is that of the next try.

    `until` is a time rather than a length, so that a page opened later can still count down.
    """

    until: datetime
    number: int
    limit: int
    reason: str


class Progress(models.Model):
    """The columns that change while the run is queued and running."""

    class Status(models.TextChoices):
        QUEUED = "queued", gettext_lazy("Queued")
        RUNNING = "running", gettext_lazy("Running")
        SUCCEEDED = "succeeded", gettext_lazy("Succeeded")
        FAILED = "failed", gettext_lazy("Failed")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")

    ACTIVE = (Status.QUEUED, Status.RUNNING)
    ENDED = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)

    # Every change requires the expected `attempt` and `owner` (rule R3).
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=1)
    owner = models.CharField(max_length=64, blank=True)
    queued_at = models.DateTimeField(default=clock.now)
    enqueued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    cancel_requested_with = models.CharField(max_length=100, blank=True)
    # The last answer of ConnectWise in this attempt; None before the first one and during retries.
    answered_at = models.DateTimeField(null=True)
    # The run of the same connection whose first answer this queued run waits for.
    waits_for = models.ForeignKey("exports.Run", models.SET_NULL, null=True, related_name="+")
    activity = models.CharField(
        max_length=30,
        blank=True,
        choices=Activity.choices,
        help_text=gettext_lazy("What it does right now."),
    )
    # The pause before ConnectWise is asked again; none while `retry_at` is null.
    retry_at = models.DateTimeField(null=True)
    retry_number = models.PositiveSmallIntegerField(default=0)
    retry_limit = models.PositiveSmallIntegerField(default=0)
    retry_code = models.CharField(max_length=60, blank=True)
    retry_reason = MessageField(blank=True)
    request_sent = models.TextField(
        blank=True, help_text=gettext_lazy("The full filter of the first page.")
    )
    # A re-export: by the ids of its batches, in portions, instead of with one filter (R7).
    asks_by_ids = models.BooleanField(default=False, db_default=False)
    page_count = models.PositiveIntegerField(default=0)
    retry_count = models.PositiveIntegerField(default=0)
    expected_count = models.PositiveIntegerField(null=True)
    fetched_count = models.PositiveIntegerField(default=0)
    # Fetched, up to the highest id when the run started.
    within_count = models.PositiveIntegerField(default=0)
    skipped_count = models.PositiveIntegerField(default=0)
    repeated_count = models.PositiveIntegerField(default=0)
    replaced_count = models.PositiveIntegerField(default=0)
    # The part file to resume from: its name, and size and hash after the last page (R4).
    part_name = models.CharField(max_length=100, blank=True)
    part_size = models.BigIntegerField(null=True)
    part_sha256 = models.CharField(max_length=64, blank=True)
    last_id = models.BigIntegerField(null=True)
    stalled_count = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE

    @property
    def waiting(self) -> Waiting | None:
        """The current pause before a retry, if any."""
        if self.retry_at is None:
            return None
        return Waiting(self.retry_at, self.retry_number, self.retry_limit, self.retry_reason)

    @property
    def written_count(self) -> int:
        return self.fetched_count - self.skipped_count

    @property
    def duration(self) -> timedelta | None:
        if self.started_at is None:
            return None
        return (self.finished_at or clock.now()) - self.started_at
