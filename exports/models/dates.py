"""The history of a task's two dates: who or which run moved them, and why (rules W2, W8)."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from exports import clock
from exports.number_formats import utc_text


class DateChangeQuerySet(models.QuerySet["DateChange"]):
    def in_force(self, task_id: int, field: str) -> "DateChangeQuerySet":
        """The changes of one date that were not undone, newest first."""
        return self.filter(task_id=task_id, field=field, undone_at=None).order_by("-id")


class DateChange(models.Model):
    """One change of Date Created or Date Modified; the newest one not undone is in force."""

    class DateField(models.TextChoices):
        CREATED = "date_created", gettext_lazy("Date Created")
        MODIFIED = "date_modified", gettext_lazy("Date Modified")

    class Origin(models.TextChoices):
        TYPED = "typed", gettext_lazy("typed")
        RUN = "run", gettext_lazy("moved by a run")
        FROM_NOW = "from_now", gettext_lazy("only from now on")

    task = models.ForeignKey("exports.Task", models.CASCADE, related_name="date_changes")
    field = models.CharField(max_length=20, choices=DateField.choices)
    origin = models.CharField(max_length=10, choices=Origin.choices)
    date_before = models.DateTimeField(null=True)
    date_after = models.DateTimeField()
    run = models.ForeignKey("exports.RunSummary", models.PROTECT, null=True, related_name="+")
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    reason = models.CharField(max_length=200, blank=True)
    # For *only from now on*: the filter that it was chosen for (W9).
    conditions = models.TextField(blank=True)
    changed_at = models.DateTimeField(default=clock.now)
    # An undone change stays in the history; the change before it is in force again.
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    objects = DateChangeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["task", "field", "-id"], name="date_change_newest"),
            # Finds the last typed date without reading the runs' changes since.
            models.Index(fields=["task", "field", "origin", "-id"], name="date_change_origin"),
        ]

    def __str__(self) -> str:
        return f"{self.get_field_display()} {utc_text(self.date_after)} ({self.origin})"
