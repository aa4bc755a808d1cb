"""Destinations: where finished files go besides the history, and which task uses which (D1, D2)."""

import json
from functools import cache
from typing import Any

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext_lazy

from exports import clock
from exports.connectwise.language import gettext as _
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.models.audited import AuditedModel, recording_changes
from exports.models.codes import DeliveryErrorCode
from exports.models.edits import EditedModel
from exports.models.secrets import decrypt, encrypt
from exports.models.tested import TestedModel, cleaned_steps, worst_of

EXPORT_FOLDER = "folder"
# The kind "folder" without a path is the export folder of this installation (rule O4).
EXPORT_FOLDER_TARGET = "folder:"
# A test result is valid only while these stay the same.
_TESTED = ("kind", "address", "secrets_token", "host_key")


class DestinationSecretsError(Exception):
    """The secrets cannot be decrypted with the keys this installation has."""

    code = DeliveryErrorCode.SECRET_UNREADABLE


class DestinationInUseError(Exception):
    """A task uses the destination, or files are on their way to it."""


@cache
def _names_of_export_folder() -> frozenset[str]:
    names = set()
    for language, _name in settings.CWEXPORT_MESSAGE_LANGUAGES.values():
        with translation.override(language):
            names.add(_("Export folder"))
    return frozenset(names)


class DestinationQuerySet(models.QuerySet["Destination"]):
    def export_folder(self) -> "Destination":
        """The default destination, which cannot be deleted (rule O4)."""
        name = _("Export folder")
        defaults = {"name": name, "kind": EXPORT_FOLDER}
        row = self.get_or_create(target_key=EXPORT_FOLDER_TARGET, defaults=defaults)[0]
        # Made in another language and never renamed: it follows the language of the pages.
        is_ours = row.name != name and row.name in _names_of_export_folder()
        if is_ours and not self.filter(name=name).exists():
            row.name = name
            self.filter(pk=row.pk).update(name=name)
        return row


class Destination(AuditedModel, EditedModel, TestedModel):
    """A place for files; what its kind needs stands in `address` and, encrypted, in the secrets."""

    AUDITED_SECRETS = {"secrets_token": "secrets"}

    name = models.CharField(gettext_lazy("Name"), max_length=100, unique=True)
    # The code of a module in exports/delivery/kinds/.
    kind = models.CharField(gettext_lazy("Kind"), max_length=30)
    address = models.JSONField(default=dict)
    # A Fernet token of a JSON object. Only the methods below use it, so no page shows a secret.
    secrets_token = models.TextField(blank=True, editable=False)
    # The SSH host key pinned at the first test, as `ssh-ed25519 AAAA…`.
    host_key = models.TextField(blank=True, editable=False)
    # The same for two destinations that would write the same files; "" where names do not matter.
    target_key = models.CharField(max_length=800, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = DestinationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target_key"], condition=~Q(target_key=""), name="one_destination_a_target"
            ),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(kind=""), name="destination_is_complete"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_export_folder(self) -> bool:
        return self.target_key == EXPORT_FOLDER_TARGET

    def write_secrets(self, secrets: dict[str, str]) -> None:
        """Encrypt `secrets` into this row; the caller saves."""
        self.secrets_token = encrypt(json.dumps(secrets)) if any(secrets.values()) else ""

    def read_secrets(self) -> dict[str, str]:
        """The decrypted secrets, only for logging in. Raises DestinationSecretsError."""
        if not self.secrets_token:
            return {}
        try:
            return dict(json.loads(decrypt(self.secrets_token)))
        except (InvalidToken, ValueError):
            raise DestinationSecretsError(
                _(
                    "The secrets of %(destination)s cannot be decrypted with this installation's "
                    "encryption key. Put back the key they were saved with "
                    "(CWEXPORT_ENCRYPTION_KEYS) or enter them again on the destination."
                )
                % {"destination": self.name}
            ) from None

    def rotate_secrets(self) -> None:
        """Encrypt again with the first encryption key. Raises DestinationSecretsError."""
        self.write_secrets(self.read_secrets())
        self.save(update_fields=["secrets_token"])

    def audited_values(self) -> dict[str, Any]:
        values = super().audited_values()
        address = values.pop("address")
        return values | {f"address.{name}": value for name, value in address.items()}

    def pin_host_key(self, host_key: str) -> bool:
        """Keep the key seen at the first test; False when another one was pinned meanwhile."""
        pinned = Destination.objects.filter(pk=self.pk, host_key="", address=self.address)
        with transaction.atomic():
            if pinned.update(host_key=host_key) != 1:
                return False
            record_action(AuditAction.HOST_KEY_PINNED, self, {"host_key": ["", host_key]})
        self.host_key = host_key
        return True

    def record_test(self, steps: list[dict[str, str]]) -> None:
        """Store the steps and the time of a test, unless the row was changed meanwhile."""
        self.last_test_steps = cleaned_steps(steps)
        self.last_tested_at = clock.now()
        record_action(AuditAction.DESTINATION_TESTED, self, {"outcome": [None, worst_of(steps)]})
        as_tested = {name: getattr(self, name) for name in _TESTED}
        Destination.objects.filter(pk=self.pk, **as_tested).update(
            last_test_steps=self.last_test_steps, last_tested_at=self.last_tested_at
        )

    def wake(self) -> None:
        """It works again: what waits for it is due, but for files with faults of their own."""
        now = clock.now()
        waiting = self.deliveries.filter(state="waiting", next_try_at__gt=now)
        waiting = waiting.exclude(error_code__in=DeliveryErrorCode.about_file())
        waiting.update(next_try_at=now, waits_since=now)

    def forget_host_key(self) -> None:
        """After an announced change: the next test pins the key it is shown."""
        forgotten: dict[str, Any] = {"host_key": "", "last_tested_at": None, "last_test_steps": []}
        with transaction.atomic():
            Destination.objects.filter(pk=self.pk).update(**forgotten)
            record_action(AuditAction.HOST_KEY_FORGOTTEN, self, {"host_key": [self.host_key, ""]})

    def remove(self) -> None:
        """Delete it; what was delivered stays on record. Raises DestinationInUseError."""
        with transaction.atomic():
            locked = Destination.objects.select_for_update(no_key=True).get(pk=self.pk)
            is_used = self.tasks_using().exists() or self.deliveries.open().exists()
            if locked.is_export_folder or is_used:
                raise DestinationInUseError
            with recording_changes(locked):
                locked.uses.all().delete()
                locked.delete()

    def tasks_using(self) -> "models.QuerySet[TaskDestination]":
        """What tasks say about it, without archived tasks."""
        rows = TaskDestination.objects.filter(destination=self, task__archived_at=None)
        return rows.select_related("task").order_by("task__name")


class TaskDestinationQuerySet(models.QuerySet["TaskDestination"]):
    def for_file(self, *, is_empty: bool) -> "TaskDestinationQuerySet":
        """Those that take a file with batches, or one without (rule D5)."""
        return self.filter(sends_empty=True) if is_empty else self


class TaskDestination(models.Model):
    """A task's files go to a destination, under a name of its own or the Output File (D2)."""

    task = models.ForeignKey("exports.Task", models.CASCADE, related_name="task_destinations")
    destination = models.ForeignKey(Destination, models.PROTECT, related_name="uses")
    # As Output File; "" for the Output File itself.
    name_template = models.CharField(max_length=200, blank=True)
    # Also the file of a run without batches (rule D5).
    sends_empty = models.BooleanField(default=False)
    objects = TaskDestinationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task", "destination"], name="task_names_destination_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.task} → {self.destination}"

    @classmethod
    def copy_all(cls, source: Any, task: Any) -> None:
        """Give `task` the destinations of `source`.

        A file name is kept only when it has the task's name in it: otherwise both tasks would
        write the same file there.
        """
        wanted = [
            cls(
                destination_id=row.destination_id,
                name_template=row.name_template if "{task}" in row.name_template else "",
                sends_empty=row.sends_empty,
            )
            for row in cls.objects.filter(task=source)
        ]
        cls.replace_all(task, wanted)

    @classmethod
    def replace_all(cls, task: Any, wanted: "list[TaskDestination]") -> None:
        """Make these the destinations of the task; one that stays keeps its row."""
        with transaction.atomic():
            kept = [row.destination_id for row in wanted]
            cls.objects.filter(task=task).exclude(destination_id__in=kept).delete()
            for row in wanted:
                values = {"name_template": row.name_template, "sends_empty": row.sends_empty}
                cls.objects.update_or_create(
                    task=task, destination_id=row.destination_id, defaults=values
                )
