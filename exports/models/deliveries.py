"""Deliveries: a run's finished file on its way to one destination, each with its own state (D3)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports import clock
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.models.codes import DeliveryErrorCode, EventCode
from exports.models.conditional_changes import ChangedWhileHeld
from exports.models.delivery_attempts import DeliveryAttempt
from exports.models.destinations import Destination, TaskDestination
from exports.models.events import record_event
from exports.models.message_field import MessageField
from exports.models.name_keys import name_key
from exports.models.runs import Run

# After the first failed try; it doubles with each further one.
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(days=1)
# A living sender renews its heartbeat every few seconds.
STALLED_AFTER = timedelta(seconds=60)
# People are told after this many failed tries in a row: some two and a half minutes.
TOLD_AFTER = 5


class DeliveryLostError(Exception):
    """This sender no longer holds the delivery and must not give the file its final name."""


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def open(self) -> "DeliveryQuerySet":
        return self.filter(state__in=Delivery.OPEN)

    def undelivered(self) -> "DeliveryQuerySet":
        """Those whose file is still needed: on its way, or failed until somebody mends it."""
        return self.filter(state__in=[*Delivery.OPEN, Delivery.State.FAILED])

    def failing(self) -> "DeliveryQuerySet":
        """Ended as failed, or waiting after a failed try."""
        is_tried = Q(state=Delivery.State.WAITING) & ~Q(error_code="")
        return self.filter(is_tried | Q(state=Delivery.State.FAILED))

    def due(self) -> "DeliveryQuerySet":
        """Waiting deliveries whose pause is over."""
        now = clock.now()
        # A pause that began in the future was written before the clock was set back: also due.
        is_over = Q(next_try_at__lte=now) | Q(waits_since__gt=now)
        return self.filter(is_over, state=Delivery.State.WAITING).order_by("id")

    def untried(self) -> "DeliveryQuerySet":
        """Not tried yet, or being tried right now."""
        state = Delivery.State
        return self.filter(Q(state=state.WAITING, attempt_count=0) | Q(state=state.SENDING))

    def sending(self) -> "DeliveryQuerySet":
        return self.filter(state=Delivery.State.SENDING)

    def plan(self, run: Run, names: Mapping[str, str] | None = None) -> None:
        """Create the deliveries of a run that has just succeeded, in its transaction.

        `names` holds the file name for each name template of the task's destinations.
        """
        # Not for a re-export: nobody must be given the same batches twice unasked.
        if run.is_reexport:
            return
        wanted = TaskDestination.objects.filter(task=run.task_id).select_related("destination")
        for row in wanted.for_file(is_empty=not run.batch_count).order_by("id"):
            template = row.name_template
            name = (names or {}).get(template, run.file_name) if template else run.file_name
            self.create(
                run=run,
                destination=row.destination,
                destination_name=row.destination.name,
                file_name=name,
                name_key=name_key(name),
            )

    def holding_name(self, destination_id: int, key: str) -> "DeliveryQuerySet":
        """Deliveries whose file has this name or is about to get it."""
        holding = Q(state=Delivery.State.DELIVERED) | ~Q(temp_name="")
        return self.filter(holding, destination_id=destination_id, name_key=key)


class Delivery(ChangedWhileHeld):
    """One run's file for one destination; created in the transaction of the run's success."""

    class State(models.TextChoices):
        WAITING = "waiting", gettext_lazy("Waiting")
        SENDING = "sending", gettext_lazy("Sending")
        DELIVERED = "delivered", gettext_lazy("Delivered")
        SUPERSEDED = "superseded", gettext_lazy("Replaced by a newer run")
        FAILED = "failed", gettext_lazy("Failed")

    class Compared(models.TextChoices):
        """What the other side told about the file afterwards, and agreed (rule D4)."""

        NOTHING = "", gettext_lazy("Nothing")
        SIZE = "size", gettext_lazy("Size")
        HASH = "hash", gettext_lazy("Size and SHA-256")

    OPEN = (State.WAITING, State.SENDING)

    run = models.ForeignKey(Run, models.CASCADE, related_name="deliveries")
    # Null once the destination was deleted; its name is kept.
    destination = models.ForeignKey(
        Destination, models.SET_NULL, null=True, related_name="deliveries"
    )
    destination_name = models.CharField(max_length=100)
    file_name = models.CharField(max_length=250)
    # The file name as names are compared, as two templates may give the same name.
    name_key = models.CharField(max_length=750)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    # Who asked for it by hand; "" when the run's success did.
    requested_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    attempt_count = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(default=clock.now)
    # When the pause before the next try began.
    waits_since = models.DateTimeField(default=clock.now)
    owner = models.CharField(max_length=64, blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    # The temporary file about to be renamed: if it no longer exists, it was renamed.
    temp_name = models.CharField(max_length=100, blank=True)
    # The unfinished upload in parts that a try began there; ours to abort if that try was killed.
    upload_id = models.TextField(blank=True, default="", db_default="")
    finished_at = models.DateTimeField(null=True)
    # Where the file is now, for people: sftp://host/folder/batches.xml.
    location = models.CharField(max_length=1000, blank=True)
    compared = models.CharField(max_length=10, choices=Compared.choices, blank=True)
    # Why the last try failed: a stable code, and a sentence for people.
    error_code = models.CharField(max_length=50, blank=True)
    error = MessageField(blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "destination"],
                condition=Q(requested_by=""),
                name="one_delivery_each",
            ),
            models.UniqueConstraint(
                fields=["run", "destination"],
                condition=Q(state__in=["waiting", "sending"]),
                name="one_open_delivery_each",
            ),
            # Two senders never write the same name at the same time.
            models.UniqueConstraint(
                fields=["destination", "name_key"],
                condition=Q(state="sending"),
                name="one_sender_a_name",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "sending", "delivered", "superseded", "failed"]),
                name="badge_is_known",
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
            # The list of deliveries, newest first, by its filters.
            models.Index(fields=["state", "-id"], name="badge_newest"),
            models.Index(fields=["destination", "-id"], name="delivery_destination_newest"),
        ]

    @property
    def audit_name(self) -> str:
        return self.destination_name

    def __str__(self) -> str:
        params = {"run": self.run, "destination": self.destination_name}
        return _("%(run)s to %(destination)s") % params

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def is_failing(self) -> bool:
        return self.state != self.State.DELIVERED and bool(self.error_code)

    def take(self, owner: str) -> bool:
        """Begin a try as the sender `owner`; False when another has begun one, or it has ended."""
        now = clock.now()
        same_name = Delivery.objects.sending().filter(
            destination=OuterRef("destination"), name_key=OuterRef("name_key")
        )
        number = self.attempt_count + 1
        try:
            with transaction.atomic():
                is_taken = self._change(
                    Q(state=self.State.WAITING, attempt_count=self.attempt_count)
                    & ~Q(Exists(same_name)),
                    state=self.State.SENDING,
                    owner=owner,
                    heartbeat_at=now,
                    attempt_count=number,
                )
                if is_taken:
                    DeliveryAttempt.objects.create(delivery=self, number=number, started_at=now)
        except IntegrityError:
            # Another sender began to write the same name just now.
            return False
        return is_taken

    def renew(self) -> None:
        """Record a heartbeat. Raises DeliveryLostError."""
        self._change_or_raise(heartbeat_at=clock.now())

    def note_temp_name(self, temp_name: str) -> None:
        """Store the temporary name before renaming the file. Raises DeliveryLostError."""
        self._change_or_raise(temp_name=temp_name)

    def note_upload(self, upload_id: str) -> None:
        """Store an upload before its first part is sent. Raises DeliveryLostError."""
        self._change_or_raise(upload_id=upload_id)

    def finish(self, state: "Delivery.State", *, location: str = "", compared: str = "") -> None:
        """End as delivered or superseded. Raises DeliveryLostError."""
        with transaction.atomic():
            self._end(state, "", "", location=location[:1000], compared=compared)
            if state == self.State.DELIVERED:
                if self.destination is not None:
                    self.destination.wake()
                record_event(EventCode.DELIVERY_RECOVERED, delivery=self)

    def fail(self, error_code: str, error: str) -> None:
        """End as failed: no further try would help. Raises DeliveryLostError."""
        with transaction.atomic():
            self._end(self.State.FAILED, error_code, error)
            record_event(EventCode.DELIVERY_FAILED, delivery=self, reason=error)

    def put_off(self, error_code: str, error: str) -> None:
        """Wait for another try, longer each time, up to a day. Raises DeliveryLostError."""
        now = clock.now()
        pause = min(FIRST_PAUSE * 2 ** min(self.attempt_count - 1, 20), LONGEST_PAUSE)
        with transaction.atomic():
            self._change_or_raise(
                state=self.State.WAITING,
                owner="",
                waits_since=now,
                next_try_at=now + pause,
                error_code=error_code,
                error=error,
            )
            self._end_attempt(DeliveryAttempt.Outcome.FAILED, error_code, error)
            if self.attempt_count >= TOLD_AFTER:
                record_event(EventCode.DELIVERY_FAILED, delivery=self, reason=error)

    def release(self) -> bool:
        """Take it back from a stalled sender; False when it has sent a heartbeat since."""
        now = clock.now()
        with transaction.atomic():
            is_released = self._change(
                Q(state=self.State.SENDING, owner=self.owner, heartbeat_at=self.heartbeat_at),
                state=self.State.WAITING,
                owner="",
                waits_since=now,
                next_try_at=now,
            )
            if is_released:
                self._end_attempt(DeliveryAttempt.Outcome.STOPPED, "", "")
        return is_released

    def forget_copy_elsewhere(self) -> None:
        """A person says that the host that began it is gone: another one begins anew."""
        begun = Q(state=self.State.WAITING, error_code=DeliveryErrorCode.BEGUN_ELSEWHERE)
        self._change(begun, temp_name="")

    def try_now(self) -> bool:
        """End the pause before the next try; False when it is not waiting."""
        now = clock.now()
        with transaction.atomic():
            waiting = Q(state=self.State.WAITING)
            is_waiting = self._change(waiting, waits_since=now, next_try_at=now)
            if is_waiting:
                record_action(AuditAction.DELIVERY_TRIED, self, {"file": [None, self.file_name]})
        return is_waiting

    def _end(self, state: str, error_code: str, error: str, **fields: Any) -> None:
        self._change_or_raise(
            state=state,
            owner="",
            finished_at=clock.now(),
            temp_name="",
            upload_id="",
            error_code=error_code,
            error=error,
            **fields,
        )
        self._end_attempt(state, error_code, error)

    def _end_attempt(self, outcome: str, error_code: str, error: str) -> None:
        self.attempts.filter(number=self.attempt_count).update(
            outcome=outcome, ended_at=clock.now(), error_code=error_code, error=error
        )

    def _change_or_raise(self, **fields: Any) -> None:
        if not self._change(Q(state=self.State.SENDING, owner=self.owner), **fields):
            raise DeliveryLostError(
                _("%(delivery)s is sent by another worker.") % {"delivery": self}
            )
