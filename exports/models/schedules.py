"""Schedules: when a task or workflow is due by itself (rules S1, S4)."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from exports import clock
from exports.models.audited import AuditedModel
from exports.models.conditional_changes import ChangedWhileHeld
from exports.models.edits import EditedModel
from exports.models.tasks import Task
from exports.models.workflows import Workflow

# A difference between two clocks that is not yet taken for a clock that was set back.
CLOCK_TOLERANCE = timedelta(minutes=1)
LONGEST_GRACE = 7 * 24 * 60


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def kept(self) -> "ScheduleQuerySet":
        return self.filter(deleted_at=None)

    def with_work(self, now: datetime) -> "ScheduleQuerySet":
        """Those with a due time up to `now`, or planned by a clock that was set back since (S7)."""
        ahead = Q(planned_at__gt=now + CLOCK_TOLERANCE)
        # Unordered: sorting, SQLite would read the whole index instead of both by their ends.
        return self.filter(Q(next_due_at__lte=now) | ahead).order_by()

    def to_watch(self, now: datetime) -> "ScheduleQuerySet":
        """Those whose grace is over, and those whose success is still missing."""
        return self.filter(Q(alarm_at__lte=now) | Q(missed_due_at__isnull=False)).order_by("id")


class Schedule(AuditedModel, EditedModel, ChangedWhileHeld):
    """When a task or workflow is due: cron text in a time zone."""

    class CatchUp(models.TextChoices):
        NONE = "none", gettext_lazy("None: only record what was missed")
        ONE = "one", gettext_lazy("One: run once for the newest missed time")

    task = models.ForeignKey(
        "exports.Task",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="schedules",
        verbose_name=gettext_lazy("Task"),
    )
    workflow = models.ForeignKey(
        "exports.Workflow",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="schedules",
        verbose_name=gettext_lazy("Workflow"),
    )
    cron = models.CharField(gettext_lazy("Cron text"), max_length=100)
    zone = models.CharField(gettext_lazy("Time zone"), max_length=64)
    is_paused = models.BooleanField(gettext_lazy("Paused"), default=False)
    catch_up = models.CharField(
        gettext_lazy("After being away"),
        max_length=10,
        choices=CatchUp.choices,
        default=CatchUp.ONE,
    )
    grace_minutes = models.PositiveIntegerField(
        gettext_lazy("Grace in minutes"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_GRACE)],
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    # A deleted schedule stays as a row, for the history of its due times.
    deleted_at = models.DateTimeField(null=True, editable=False)
    # The next due time nobody has dealt with; null when paused, deleted or without one.
    next_due_at = models.DateTimeField(null=True, editable=False)
    # When `next_due_at` was computed: one in the future tells of a clock that was set back.
    planned_at = models.DateTimeField(null=True, editable=False)
    # The due time that waits for a success, and when its grace is over.
    watched_due_at = models.DateTimeField(null=True, editable=False)
    alarm_at = models.DateTimeField(null=True, editable=False)
    # The due time whose grace passed without a success; null again after one.
    missed_due_at = models.DateTimeField(null=True, editable=False)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(task=None, workflow__isnull=False)
                | Q(task__isnull=False, workflow=None),
                name="a_schedule_has_a_task_or_a_workflow",
            ),
            models.CheckConstraint(
                condition=Q(catch_up__in=["none", "one"]), name="catch_up_is_known"
            ),
            models.CheckConstraint(
                condition=Q(grace_minutes__range=(1, LONGEST_GRACE)), name="grace_within_limits"
            ),
            models.CheckConstraint(
                condition=Q(next_due_at=None) | Q(is_paused=False, deleted_at=None),
                name="a_paused_schedule_is_not_due",
            ),
            models.CheckConstraint(
                condition=Q(next_due_at=None) | Q(planned_at__isnull=False),
                name="a_next_due_time_was_planned",
            ),
        ]
        indexes = [
            # Every worker asks for these every few seconds.
            models.Index(fields=["next_due_at"], name="schedule_next_due"),
            models.Index(fields=["planned_at"], name="schedule_planned"),
            models.Index(fields=["alarm_at"], name="schedule_alarm"),
            models.Index(
                fields=["id"],
                condition=Q(missed_due_at__isnull=False),
                name="schedule_missed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cron} ({self.zone})"

    @property
    def target(self) -> Task | Workflow:
        target = self.task or self.workflow
        assert target is not None  # noqa: S101  a constraint of the table
        return target

    @property
    def name(self) -> str:
        """What it is called where there is one line for it."""
        return f"{self.target.name}, {self}"

    @property
    def audit_name(self) -> str:
        return self.name

    def audited_values(self) -> dict[str, Any]:
        return {**super().audited_values(), "task": self.task, "workflow": self.workflow}

    @property
    def grace(self) -> timedelta:
        return timedelta(minutes=self.grace_minutes)

    @property
    def is_active(self) -> bool:
        return not self.is_paused and self.deleted_at is None

    def advance(self, now: datetime, next_due_at: datetime | None, **fields: Any) -> bool:
        """Go on to the next due time; False when another worker or a person was faster."""
        return self._change(
            Q(next_due_at=self.next_due_at, planned_at=self.planned_at),
            next_due_at=next_due_at,
            planned_at=None if next_due_at is None else now,
            **fields,
        )


def installation_zone() -> str:
    """The zone of a new schedule."""
    return str(settings.TIME_ZONE)
