"""What somebody has seen of what needs attention; it holds until that thing changes."""

from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import Exists, OuterRef

from exports import clock
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction


class AcknowledgementQuerySet(models.QuerySet["Acknowledgement"]):
    def leave_out(self, rows: "models.QuerySet[Any]", kind: str, since: str) -> Any:
        """`rows` without those acknowledged in the state they have had since that column."""
        seen = self.filter(kind=kind, number=OuterRef("pk"), since=OuterRef(since))
        return rows.exclude(Exists(seen))

    def acknowledge(
        self, kind: str, row: Any, since: datetime, *, name: str, note: str, by: str
    ) -> bool:
        """False when somebody has done so already."""
        with transaction.atomic():
            values = {"name": name[:250], "note": note, "acknowledged_by_name": by[:150]}
            _row, is_new = self.get_or_create(
                kind=kind, number=row.pk, since=since, defaults=values
            )
            if is_new:
                changes = {"since": [None, since], "note": [None, note]}
                record_action(AuditAction.ATTENTION_ACKNOWLEDGED, row, changes, name=name)
        return is_new


class Acknowledgement(models.Model):
    """One state of one thing: its kind, its number, and since when it has been so."""

    kind = models.CharField(max_length=20)
    number = models.BigIntegerField()
    since = models.DateTimeField()
    # What the thing was called.
    name = models.CharField(max_length=250)
    note = models.CharField(max_length=200, blank=True)
    # A name, as it outlives the user.
    acknowledged_by_name = models.CharField(max_length=150)
    acknowledged_at = models.DateTimeField(default=clock.now)

    objects = AcknowledgementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "number", "since"], name="each_state_is_acknowledged_once"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def take_back(self) -> None:
        with transaction.atomic():
            changes = {"since": [self.since, None], "note": [self.note, None]}
            record_action(AuditAction.ACKNOWLEDGEMENT_UNDONE, self, changes)
            self.delete()
