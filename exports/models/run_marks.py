"""What the accountant did with a run's file: imported it, checked it (rule M1)."""

from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext_lazy

from exports import clock
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.models.runs import Run, RunSummary


class RunMarkQuerySet(models.QuerySet["RunMark"]):
    def imported(self) -> "RunMarkQuerySet":
        return self.filter(kind=RunMark.Kind.IMPORTED)

    def mark(self, run: Run, kind: str, note: str, user: Any) -> bool:
        """Set a mark; False when the run has it, or has no file with batches to mark."""
        if run.status != Run.Status.SUCCEEDED or not run.batch_count:
            return False
        with transaction.atomic():
            _row, is_new = self.get_or_create(
                run_id=run.pk,
                kind=kind,
                defaults={"note": note, "marked_by_name": user.get_username()[:150]},
            )
            if is_new:
                values = {"mark": [None, kind], "note": [None, note]}
                record_action(AuditAction.RUN_MARKED, run, values)
        return is_new

    def unmark(self, run: Run, kind: str) -> bool:
        """Take a mark back; False when there is none."""
        with transaction.atomic():
            rows = self.select_for_update(no_key=True).filter(run_id=run.pk, kind=kind)
            row = rows.first()
            if row is not None:
                values = {"mark": [kind, None], "note": [row.note, None]}
                record_action(AuditAction.RUN_MARK_REMOVED, run, values)
                row.delete()
        return row is not None


class RunMark(models.Model):
    """One of each kind a run; it outlives the run, as the month's totals do."""

    class Kind(models.TextChoices):
        IMPORTED = "imported", gettext_lazy("Imported")
        CHECKED = "checked", gettext_lazy("Checked")

    run = models.ForeignKey(RunSummary, models.CASCADE, related_name="marks")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    note = models.CharField(max_length=200, blank=True)
    # A name, as it outlives the user.
    marked_by_name = models.CharField(max_length=150)
    marked_at = models.DateTimeField(default=clock.now)

    objects = RunMarkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "kind"], name="run_has_each_mark_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["imported", "checked"]), name="mark_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.run}"
