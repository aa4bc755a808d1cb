"""Deliveries: a run's finished file on its way to one destination, each with its own state."""

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.models.runs import Run

# After the first failed try; it doubles with each further one.
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=5)
# A living sender renews its heartbeat every few seconds.
STALLED_AFTER = timedelta(seconds=60)


class DeliveryLostError(Exception):
    """This sender no longer holds the delivery and must not give the file its final name."""


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def open(self) -> "DeliveryQuerySet":
        return self.filter(state__in=Delivery.OPEN)

    def due(self) -> "DeliveryQuerySet":
        """Waiting deliveries whose pause is over."""
        now = timezone.now()
        # A time beyond the longest pause was written before the clock was set back: also due.
        is_over = Q(next_try_at__lte=now) | Q(next_try_at__gt=now + LONGEST_PAUSE)
        return self.filter(is_over, state=Delivery.State.WAITING).order_by("id")

    def untried(self) -> "DeliveryQuerySet":
        """Not tried yet, or being tried right now."""
        state = Delivery.State
        return self.filter(Q(state=state.WAITING, attempt_count=0) | Q(state=state.SENDING))

    def sending(self) -> "DeliveryQuerySet":
        return self.filter(state=Delivery.State.SENDING)

    def plan(self, run: Run) -> None:
        """Create the delivery to the export folder for a run that has just succeeded."""
        # Not for a re-export: other programs must not pick up the same batches twice.
        if run.batch_count and not run.is_reexport:
            folder = Delivery.Destination.EXPORT_FOLDER
            self.create(run=run, destination=folder, name_key=run.file_name.lower())

    def holding_name(self, destination: str, name_key: str) -> "DeliveryQuerySet":
        """Deliveries whose file has this name or is about to get it."""
        holding = Q(state=Delivery.State.DELIVERED) | ~Q(temp_name="")
        return self.filter(holding, destination=destination, name_key=name_key)


class Delivery(models.Model):
    """One run's file for one destination; created in the transaction of the run's success."""

    class State(models.TextChoices):
        WAITING = "waiting", gettext_lazy("Waiting")
        SENDING = "sending", gettext_lazy("Sending")
        DELIVERED = "delivered", gettext_lazy("Delivered")
        SUPERSEDED = "superseded", gettext_lazy("Replaced by a newer run")
        FAILED = "failed", gettext_lazy("Failed")

    class Destination(models.TextChoices):
        EXPORT_FOLDER = "export_folder", gettext_lazy("Export folder")

    OPEN = (State.WAITING, State.SENDING)

    run = models.ForeignKey(Run, models.CASCADE, related_name="deliveries")
    destination = models.CharField(max_length=20, choices=Destination.choices)
    # The file name as the destination compares it, as two templates may give the same name.
    name_key = models.CharField(max_length=250)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField(default=timezone.now)
    attempt_count = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    owner = models.CharField(max_length=64, blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    # The temporary file about to be renamed: if it no longer exists, it was renamed.
    temp_name = models.CharField(max_length=100, blank=True)
    finished_at = models.DateTimeField(null=True)
    # Why the last try failed: a stable code, and the task that owns the name or a system error.
    error_code = models.CharField(max_length=50, blank=True)
    error_detail = models.CharField(max_length=300, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "destination"], name="one_delivery_each"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "sending", "delivered", "superseded", "failed"]),
                name="delivery_state_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | ~Q(error_code=""), name="failed_delivery_says_why"
            ),
        ]
        indexes = [
            # Senders query this every few seconds, and there are few such rows.
            models.Index(
                fields=["id"],
                condition=Q(state__in=["waiting", "sending"]),
                name="delivery_open",
            ),
            models.Index(fields=["destination", "name_key", "-id"], name="delivery_name"),
        ]

    def __str__(self) -> str:
        params = {"run": self.run, "destination": self.get_destination_display()}
        return _("%(run)s to %(destination)s") % params

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    def take(self, owner: str) -> bool:
        """Begin a try as the sender `owner`; False when another has begun one, or it has ended."""
        return self._change(
            Q(state=self.State.WAITING, attempt_count=self.attempt_count),
            state=self.State.SENDING,
            owner=owner,
            heartbeat_at=timezone.now(),
            attempt_count=self.attempt_count + 1,
        )

    def renew(self) -> None:
        """Record a heartbeat. Raises DeliveryLostError."""
        self._change_or_raise(heartbeat_at=timezone.now())

    def note_temp_name(self, temp_name: str) -> None:
        """Store the temporary name before renaming the file. Raises DeliveryLostError."""
        self._change_or_raise(temp_name=temp_name)

    def finish(self, state: "Delivery.State") -> None:
        """End as delivered or superseded. Raises DeliveryLostError."""
        self._end(state, "", "")

    def fail(self, error_code: str, detail: str) -> None:
        """End as failed: no further try would help. Raises DeliveryLostError."""
        self._end(self.State.FAILED, error_code, detail)

    def put_off(self, error_code: str, detail: str) -> None:
        """Wait for another try, longer each time. Raises DeliveryLostError."""
        pause = min(FIRST_PAUSE * 2 ** min(self.attempt_count - 1, 10), LONGEST_PAUSE)
        self._change_or_raise(
            state=self.State.WAITING,
            owner="",
            next_try_at=timezone.now() + pause,
            error_code=error_code,
            error_detail=detail[:300],
        )

    def release(self) -> bool:
        """Take it back from a stalled sender; False when it has sent a heartbeat since."""
        return self._change(
            Q(state=self.State.SENDING, owner=self.owner, heartbeat_at=self.heartbeat_at),
            state=self.State.WAITING,
            owner="",
            next_try_at=timezone.now(),
        )

    def _end(self, state: str, error_code: str, detail: str) -> None:
        self._change_or_raise(
            state=state,
            owner="",
            finished_at=timezone.now(),
            temp_name="",
            error_code=error_code,
            error_detail=detail[:300],
        )

    def _change_or_raise(self, **fields: Any) -> None:
        if not self._change(Q(state=self.State.SENDING, owner=self.owner), **fields):
            raise DeliveryLostError(
                _("%(delivery)s is sent by another worker.") % {"delivery": self}
            )

    def _change(self, held: Q, **fields: Any) -> bool:
        """One conditional UPDATE: the database row decides, not the values in this object."""
        if Delivery.objects.filter(held, pk=self.pk).update(**fields) != 1:
            return False
        for name, value in fields.items():
            setattr(self, name, value)
        return True
