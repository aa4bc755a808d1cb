"""Due times: each moment at which a schedule was due, and what became of it (rules S2, S3)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from exports.models.codes import DueTimeCode
from exports.models.message_field import MessageField


class DueTimeQuerySet(models.QuerySet["DueTime"]):
    def newest_first(self) -> "DueTimeQuerySet":
        return self.order_by("-due_at", "-id")


class DueTime(models.Model):
    """One due time of a schedule; the database allows each only once, whoever ticks."""

    class State(models.TextChoices):
        FIRED = "fired", gettext_lazy("Fired")
        SKIPPED = "skipped", gettext_lazy("Skipped")
        MISSED = "missed", gettext_lazy("Missed")
        REFUSED = "refused", gettext_lazy("Refused")

    schedule = models.ForeignKey("exports.Schedule", models.CASCADE, related_name="due_times")
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices)
    # When a worker dealt with it.
    settled_at = models.DateTimeField()
    # What was queued; for a skipped one what was still active.
    run = models.ForeignKey("exports.Run", models.SET_NULL, null=True, related_name="due_times")
    workflow_run = models.ForeignKey(
        "exports.WorkflowRun", models.SET_NULL, null=True, related_name="due_times"
    )
    reason_code = models.CharField(max_length=50, blank=True, choices=DueTimeCode.choices)
    reason = MessageField(blank=True)

    objects = DueTimeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["schedule", "due_at"], name="one_row_each_due_time"),
            models.CheckConstraint(
                condition=Q(state__in=["fired", "skipped", "missed", "refused"]),
                name="due_time_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state="fired", reason_code="")
                | (~Q(state="fired") & ~Q(reason_code="")),
                name="due_time_says_why_it_did_not_fire",
            ),
        ]
        indexes = [
            # The history of due times and its filters, newest first.
            models.Index(fields=["-due_at", "-id"], name="due_time_newest"),
            models.Index(fields=["state", "-due_at", "-id"], name="due_time_state_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.due_at:%Y-%m-%d %H:%M} {self.state}"
