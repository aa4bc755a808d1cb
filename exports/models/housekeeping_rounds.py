"""Rounds of housekeeping: each deletes what is too old, one at a time on all hosts (rule G1)."""

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.models.conditional_changes import ChangedWhileHeld
from exports.models.message_field import MessageField

# A living round records a heartbeat with every portion.
STALLED_AFTER = timedelta(minutes=5)


class RoundLostError(Exception):
    """Another worker goes on with this round, as this one was silent for too long."""


class RoundQuerySet(models.QuerySet["HousekeepingRound"]):
    def active(self) -> "RoundQuerySet":
        return self.filter(status__in=HousekeepingRound.ACTIVE)

    def ended(self) -> "RoundQuerySet":
        """Rounds that are over, the newest first."""
        return self.exclude(status__in=HousekeepingRound.ACTIVE).order_by("-id")

    def ask(
        self, trigger: str, now: datetime, *, day: date | None = None, **fields: Any
    ) -> "HousekeepingRound | None":
        """Add a waiting round; None when one waits already, or this day had its own."""
        try:
            with transaction.atomic():
                row = self.create(trigger=trigger, queued_at=now, day=day, **fields)
                if trigger != HousekeepingRound.Trigger.DAILY:
                    record_action(AuditAction.HOUSEKEEPING_ASKED, row)
                return row
        except IntegrityError:
            return None


class HousekeepingRound(ChangedWhileHeld):
    """Its status changes only through the methods below."""

    class Status(models.TextChoices):
        WAITING = "waiting", gettext_lazy("Waiting")
        RUNNING = "running", gettext_lazy("Running")
        SUCCEEDED = "succeeded", gettext_lazy("Succeeded")
        FAILED = "failed", gettext_lazy("Failed")

    class Trigger(models.TextChoices):
        DAILY = "daily", gettext_lazy("Daily")
        MANUAL = "manual", gettext_lazy("Clean up now")
        COMMAND = "command", gettext_lazy("Command line")

    ACTIVE = (Status.WAITING, Status.RUNNING)

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    trigger = models.CharField(max_length=10, choices=Trigger.choices)
    # The day of a daily round; unique, so that each day has one, whichever worker asks for it.
    day = models.DateField(null=True, unique=True)
    # The first daily round only counts, so that nobody loses history by an upgrade.
    is_dry_run = models.BooleanField(default=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    owner = models.CharField(max_length=64, blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    run_count = models.PositiveIntegerField(default=0)
    file_count = models.PositiveIntegerField(default=0)
    file_bytes = models.BigIntegerField(default=0)
    # Lines of logs, due times, events and the like.
    row_count = models.PositiveIntegerField(default=0)
    # Given back to the disk by the database.
    freed_bytes = models.BigIntegerField(default=0)
    error = MessageField(blank=True)

    objects = RoundQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["status"],
                condition=Q(status__in=["waiting", "running"]),
                name="one_active_round_each",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "running", "succeeded", "failed"]),
                name="round_status_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="failed") | ~Q(error=""), name="a_failed_round_says_why"
            ),
        ]

    def __str__(self) -> str:
        return _("Housekeeping %(number)s") % {"number": self.pk}

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE

    def take(self, owner: str, now: datetime) -> bool:
        """Begin it as the worker `owner`; False when another has, or another round is running."""
        try:
            with transaction.atomic():
                return self._change(
                    Q(status=self.Status.WAITING),
                    status=self.Status.RUNNING,
                    owner=owner,
                    started_at=self.started_at or now,
                    heartbeat_at=now,
                )
        except IntegrityError:
            return False

    def steal(self, owner: str, now: datetime) -> bool:
        """Go on with a round whose worker is silent; False when it is alive or not running."""
        is_silent = Q(heartbeat_at__lt=now - STALLED_AFTER) | Q(
            heartbeat_at__gt=now + STALLED_AFTER
        )
        running = Q(status=self.Status.RUNNING, owner=self.owner)
        return self._change(running & is_silent, owner=owner, heartbeat_at=now)

    def renew(self, now: datetime, **counts: int) -> None:
        """Record a heartbeat and what was deleted so far. Raises RoundLostError."""
        self._change_or_raise(heartbeat_at=now, **counts)

    def release(self) -> bool:
        """Give it back, as this worker shuts down."""
        held = Q(status=self.Status.RUNNING, owner=self.owner)
        try:
            with transaction.atomic():
                return self._change(held, status=self.Status.WAITING, owner="")
        except IntegrityError:
            # Another round waits, which then does the rest.
            return self._change(
                held,
                status=self.Status.FAILED,
                error=_("It was interrupted; the next one goes on."),
            )

    def finish(self, now: datetime, **counts: int) -> None:
        """End as succeeded. Raises RoundLostError."""
        with transaction.atomic():
            self._change_or_raise(status=self.Status.SUCCEEDED, finished_at=now, **counts)
            if self.run_count or self.row_count:
                deleted = ("run_count", "file_count", "file_bytes", "row_count")
                counted = {name: [None, getattr(self, name)] for name in deleted}
                record_action(AuditAction.HOUSEKEEPING_DONE, self, counted)

    def fail(self, now: datetime, error: str, **counts: int) -> None:
        """End as failed; what was deleted stays deleted. Raises RoundLostError."""
        self._change_or_raise(status=self.Status.FAILED, finished_at=now, error=error, **counts)

    def _change_or_raise(self, **fields: Any) -> None:
        if not self._change(Q(status=self.Status.RUNNING, owner=self.owner), **fields):
            raise RoundLostError(_("%(round)s is continued elsewhere.") % {"round": self})
