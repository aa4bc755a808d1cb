"""Messages: what one channel is told about one event, each with its own state (rule N4)."""

from datetime import timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports import clock
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.models.channels import Channel
from exports.models.conditional_changes import ChangedWhileHeld
from exports.models.message_field import MessageField

# After the first failed try; it doubles with each further one.
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=1)
# What could not be told for this long is no longer news; a person may still send it again.
GIVEN_UP_AFTER = timedelta(days=2)
# A living sender renews its heartbeat before each step that takes time.
STALLED_AFTER = timedelta(seconds=120)


class MessageLostError(Exception):
    """This sender no longer holds the message; another one sends it."""


class MessageQuerySet(models.QuerySet["Message"]):
    def open(self) -> "MessageQuerySet":
        return self.filter(state__in=Message.OPEN)

    def due(self) -> "MessageQuerySet":
        """Waiting messages whose pause is over, none before an earlier one of its order (N4)."""
        now = clock.now()
        earlier = Message.objects.open().filter(
            channel=OuterRef("channel"), order_key=OuterRef("order_key"), pk__lt=OuterRef("pk")
        )
        # A time beyond the longest pause was written before the clock was set back: also due.
        is_over = Q(next_try_at__lte=now) | Q(next_try_at__gt=now + LONGEST_PAUSE)
        paused = Q(channel__paused_until__gt=now, channel__paused_until__lte=now + LONGEST_PAUSE)
        waiting = self.filter(is_over, state=Message.State.WAITING, channel__is_enabled=True)
        return waiting.exclude(paused).filter(~Exists(earlier)).order_by("id")

    def sending(self) -> "MessageQuerySet":
        return self.filter(state=Message.State.SENDING)

    def hasten(self, channel: Channel) -> None:
        """Let the channel's waiting messages be tried now, as it works again."""
        self.filter(channel=channel, state=Message.State.WAITING).update(next_try_at=clock.now())


class Message(ChangedWhileHeld):
    """One event for one channel; created in the transaction that causes the event."""

    class State(models.TextChoices):
        WAITING = "waiting", gettext_lazy("Waiting")
        SENDING = "sending", gettext_lazy("Sending")
        SENT = "sent", gettext_lazy("Sent")
        FAILED = "failed", gettext_lazy("Failed")

    OPEN = (State.WAITING, State.SENDING)

    event = models.ForeignKey("exports.Event", models.CASCADE, related_name="messages")
    channel = models.ForeignKey(Channel, models.CASCADE, related_name="messages")
    # Messages of one order go out one after another; by task, where the event has one.
    order_key = models.CharField(max_length=150)
    with_log = models.BooleanField(default=False)
    with_file = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    queued_at = models.DateTimeField(default=clock.now)
    attempt_count = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(default=clock.now)
    owner = models.CharField(max_length=64, blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Why the last try failed: a stable code and a sentence. What the other side said to a success.
    error_code = models.CharField(max_length=50, blank=True)
    error = MessageField(blank=True)
    answer = models.CharField(max_length=300, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "channel"], name="one_message_each"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "sending", "sent", "failed"]),
                name="message_state_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | ~Q(error_code=""), name="failed_message_says_why"
            ),
        ]
        indexes = [
            # Senders ask for those that wait, every few seconds, and whether one is before them.
            # Not partial: SQLite uses no partial index for a state given as a parameter.
            models.Index(fields=["state", "id"], name="message_state"),
            models.Index(fields=["order_key", "channel", "state", "id"], name="message_order"),
            models.Index(fields=["-id"], name="message_newest"),
        ]

    @property
    def audit_name(self) -> str:
        return str(self.channel)

    def __str__(self) -> str:
        params = {"message": self.pk, "channel": self.channel}
        return _("Message %(message)s to %(channel)s") % params

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    def take(self, owner: str) -> bool:
        """Begin a try as the sender `owner`; False when another has begun one, or it has ended."""
        return self._change(
            Q(state=self.State.WAITING, attempt_count=self.attempt_count),
            state=self.State.SENDING,
            owner=owner,
            heartbeat_at=clock.now(),
            attempt_count=self.attempt_count + 1,
        )

    def renew(self) -> None:
        """Record a heartbeat. Raises MessageLostError."""
        self._change_or_raise(heartbeat_at=clock.now())

    def finish(self, answer: str) -> None:
        """End as sent. Raises MessageLostError."""
        self._change_or_raise(
            state=self.State.SENT,
            owner="",
            finished_at=clock.now(),
            error_code="",
            error="",
            answer=answer[:300],
        )

    def put_off(self, code: str, sentence: str) -> None:
        """Wait for another try, longer each time, or give up. Raises MessageLostError."""
        now = clock.now()
        if now - self.queued_at > GIVEN_UP_AFTER and self.attempt_count > 1:
            self.fail(code, sentence)
            return
        pause = min(FIRST_PAUSE * 2 ** min(self.attempt_count - 1, 10), LONGEST_PAUSE)
        self._change_or_raise(
            state=self.State.WAITING,
            owner="",
            next_try_at=now + pause,
            error_code=code,
            error=sentence,
        )

    def fail(self, code: str, sentence: str) -> None:
        """End as failed: no further try would help. Raises MessageLostError."""
        self._change_or_raise(
            state=self.State.FAILED,
            owner="",
            finished_at=clock.now(),
            error_code=code,
            error=sentence,
        )

    def release(self) -> bool:
        """Take it back from a stalled sender; False when it has sent a heartbeat since."""
        return self._change(
            Q(state=self.State.SENDING, owner=self.owner, heartbeat_at=self.heartbeat_at),
            state=self.State.WAITING,
            owner="",
            next_try_at=clock.now(),
        )

    def send_again(self) -> bool:
        """Put it back in the queue, whatever became of it; False while it is being sent."""
        with transaction.atomic():
            is_queued = self._change(
                ~Q(state=self.State.SENDING),
                state=self.State.WAITING,
                queued_at=clock.now(),
                next_try_at=clock.now(),
                finished_at=None,
            )
            if is_queued:
                record_action(AuditAction.MESSAGE_SENT_AGAIN, self)
        return is_queued

    def _change_or_raise(self, **fields: Any) -> None:
        if not self._change(Q(state=self.State.SENDING, owner=self.owner), **fields):
            raise MessageLostError(_("%(message)s is sent by another worker.") % {"message": self})
