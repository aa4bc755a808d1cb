"""Channels: where people are told, with which secrets, and about what (rules N1, N2)."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cryptography.fernet import InvalidToken
from django.db import models, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy

from exports import clock
from exports.connectwise.language import gettext as _
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.models.audited import AuditedModel, recording_changes
from exports.models.codes import EventCode
from exports.models.edits import EditedModel
from exports.models.message_field import MessageField
from exports.models.secrets import decrypt, encrypt
from exports.models.tested import TestedModel, cleaned_steps, worst_of

# How long a channel that failed is left alone; it doubles with each further failure.
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=1)


class ChannelSecretError(Exception):
    """The secrets of the channel cannot be decrypted with the keys this installation has."""


class ChannelQuerySet(models.QuerySet["Channel"]):
    def subscribed(
        self, code: str, task_id: int | None, workflow_id: int | None = None
    ) -> "ChannelQuerySet":
        """Channels to tell about an event of this code and, if it has one, of this task.

        One that is told about chosen tasks hears of each workflow with such a task.
        """
        wanted = self.filter(is_enabled=True, subscriptions__code=code)
        chosen = Channel.tasks.through.objects.all()
        if task_id is not None:
            chosen = chosen.filter(task_id=task_id)
        elif workflow_id is not None:
            chosen = chosen.filter(task__workflow_steps__workflow_id=workflow_id)
        else:
            return wanted.order_by("id")
        about = Q(is_for_all=True) | Q(pk__in=chosen.values("channel_id"))
        return wanted.filter(about).order_by("id")

    def failing(self) -> "ChannelQuerySet":
        """Channels whose last message did not get out, the longest first."""
        return self.filter(is_enabled=True, failing_since__isnull=False).order_by("failing_since")


class Channel(AuditedModel, EditedModel, TestedModel):
    """A place where people are told: `kind` names its module in `exports/notifications/`."""

    AUDITED_SECRETS = {"secrets_token": "secrets"}

    name = models.CharField(gettext_lazy("Name"), max_length=100, unique=True)
    kind = models.CharField(max_length=30)
    is_enabled = models.BooleanField(gettext_lazy("Enabled"), default=True)
    language = models.CharField(gettext_lazy("Language"), max_length=10, default="en")
    # What the form of its kind declares; the secret ones are encrypted, as JSON, in the token.
    settings = models.JSONField(default=dict)
    secrets_token = models.TextField(blank=True, editable=False)
    # Events of tasks are told for all of them, or for the chosen ones.
    is_for_all = models.BooleanField(default=True)
    tasks = models.ManyToManyField("exports.Task", blank=True, related_name="channels")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_sent_at = models.DateTimeField(null=True, editable=False)
    # Since when nothing gets out, and why; null again once a message or a test does.
    failing_since = models.DateTimeField(null=True, editable=False)
    failure_code = models.CharField(max_length=50, blank=True, editable=False)
    failure = MessageField(blank=True, editable=False)
    failure_count = models.PositiveIntegerField(default=0, editable=False)
    paused_until = models.DateTimeField(null=True, editable=False)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name="") & ~Q(kind=""), name="channel_is_complete"),
            models.CheckConstraint(
                condition=Q(failing_since=None) | ~Q(failure_code=""),
                name="failing_channel_says_why",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def write_secrets(self, secrets: Mapping[str, str]) -> None:
        """Encrypt the secrets into this row; the caller saves."""
        self.secrets_token = encrypt(json.dumps(dict(secrets))) if secrets else ""

    def read_secrets(self) -> dict[str, str]:
        """The decrypted secrets, only for sending. Raises ChannelSecretError."""
        if not self.secrets_token:
            return {}
        try:
            secrets: dict[str, str] = json.loads(decrypt(self.secrets_token))
        except InvalidToken:
            raise ChannelSecretError(
                _(
                    "The secrets of channel %(channel)s cannot be decrypted with this "
                    "installation's encryption key. Put back the key they were saved with "
                    "(CWEXPORT_ENCRYPTION_KEYS) or enter them again on the channel."
                )
                % {"channel": self.name}
            ) from None
        return secrets

    def rotate_secrets(self) -> None:
        """Encrypt again with the first encryption key. Raises ChannelSecretError."""
        self.write_secrets(self.read_secrets())
        self.save(update_fields=["secrets_token"])

    def subscribe(self, codes: "list[str]") -> None:
        """Tell this channel about these events and no others."""
        with transaction.atomic():
            self.subscriptions.exclude(code__in=codes).delete()
            Subscription.objects.bulk_create(
                [Subscription(channel=self, code=code) for code in codes], ignore_conflicts=True
            )

    def subscribed_codes(self) -> set[str]:
        return set(self.subscriptions.values_list("code", flat=True))

    def record_sent(self, **fields: Any) -> None:
        """A message or a test got out: it is not failing any more."""
        self._update(
            **{"last_sent_at": clock.now(), **fields},
            failing_since=None,
            failure_code="",
            failure="",
            failure_count=0,
            paused_until=None,
        )

    def mend(self) -> None:
        """Its settings were changed: forget why it failed, and let what waits be tried now."""
        self.record_sent(last_sent_at=self.last_sent_at)
        self.messages.filter(state="waiting").update(next_try_at=clock.now())

    def record_failure(self, code: str, sentence: str) -> None:
        """Note why nothing gets out, and leave the channel alone for a while, longer each time."""
        now = clock.now()
        pause = min(FIRST_PAUSE * 2 ** min(self.failure_count, 10), LONGEST_PAUSE)
        self._update(
            failing_since=Coalesce("failing_since", Value(now, models.DateTimeField())),
            failure_code=code,
            failure=sentence,
            failure_count=F("failure_count") + 1,
            paused_until=now + pause,
        )

    def audited_values(self) -> dict[str, Any]:
        values = super().audited_values()
        settings = values.pop("settings")
        return {
            **values,
            **{f"settings.{name}": value for name, value in settings.items()},
            "tasks": list(self.tasks.order_by("name")),
            "events": self.subscribed_codes(),
        }

    def remove(self) -> None:
        """Delete it with what waits for it. Raises ProtectedError while a report goes to it."""
        with recording_changes(self):
            self.delete()

    def record_test(self, steps: list[dict[str, str]]) -> None:
        record_action(AuditAction.CHANNEL_TESTED, self, {"outcome": [None, worst_of(steps)]})
        self._update(last_test_steps=cleaned_steps(steps), last_tested_at=clock.now())

    def _update(self, **fields: Any) -> None:
        Channel.objects.filter(pk=self.pk).update(**fields)
        self.refresh_from_db(fields=list(fields))


class Subscription(models.Model):
    """An event that a channel is told about."""

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="subscriptions")
    code = models.CharField(max_length=30, choices=EventCode.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "code"], name="one_subscription_each"),
        ]
        indexes = [models.Index(fields=["code"], name="subscription_code")]

    def __str__(self) -> str:
        return f"{self.channel}: {self.get_code_display()}"
