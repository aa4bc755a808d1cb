"""One execution of a workflow (rules K1 to K4).

A run keeps the list of its steps from its start on, whatever becomes of the workflow meanwhile.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports import clock
from exports.acting import acting_token_name
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.models.conditional_changes import ChangedWhileHeld
from exports.models.message_field import MessageField


class WorkflowRunQuerySet(models.QuerySet["WorkflowRun"]):
    def active(self) -> "WorkflowRunQuerySet":
        return self.filter(status__in=WorkflowRun.ACTIVE)

    def newest_first(self) -> "WorkflowRunQuerySet":
        return self.order_by("-id")


class WorkflowRun(ChangedWhileHeld):
    """Its status changes only through the methods below."""

    class Status(models.TextChoices):
        QUEUED = "queued", gettext_lazy("Queued")
        RUNNING = "running", gettext_lazy("Running")
        SUCCEEDED = "succeeded", gettext_lazy("Succeeded")
        FAILED = "failed", gettext_lazy("Failed")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")

    class Trigger(models.TextChoices):
        MANUAL = "manual", gettext_lazy("Run now")
        COMMAND = "command", gettext_lazy("Command line")
        SCHEDULE = "schedule", gettext_lazy("Schedule")
        RESUME = "resume", gettext_lazy("Resume")
        API = "api", gettext_lazy("API")

    ACTIVE = (Status.QUEUED, Status.RUNNING)

    workflow = models.ForeignKey("exports.Workflow", models.PROTECT, related_name="runs")
    workflow_name = models.CharField(max_length=100)
    trigger = models.CharField(max_length=20, choices=Trigger.choices)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    # The name of the token by which a program asked in that person's name.
    requested_with = models.CharField(max_length=100, blank=True)
    # The failed run whose results this one keeps (K3); a run is resumed once at most.
    resumed_from = models.OneToOneField(
        "self", models.SET_NULL, null=True, related_name="resumed_by"
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    queued_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    cancel_requested_with = models.CharField(max_length=100, blank=True)
    error = MessageField(blank=True)
    error_code = models.CharField(max_length=60, blank=True)

    objects = WorkflowRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workflow"],
                condition=Q(status__in=["queued", "running"]),
                name="one_active_run_per_workflow",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "succeeded", "failed", "cancelled"]),
                name="workflow_run_status_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="failed") | (~Q(error="") & ~Q(error_code="")),
                name="a_failed_workflow_says_why",
            ),
        ]
        indexes = [
            models.Index(fields=["workflow", "-id"], name="workflow_run_newest"),
            # Workers query this every few seconds, and there are few such rows.
            models.Index(
                fields=["id"],
                condition=Q(status__in=["queued", "running"]),
                name="workflow_run_active",
            ),
        ]

    def __str__(self) -> str:
        return _("Workflow run %(run)s of %(workflow)s") % {
            "run": self.pk,
            "workflow": self.workflow_name,
        }

    @property
    def audit_name(self) -> str:
        return self.workflow_name

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE

    @property
    def duration(self) -> timedelta | None:
        if self.started_at is None:
            return None
        return (self.finished_at or clock.now()) - self.started_at

    def begin(self) -> bool:
        return self._change(
            Q(status=self.Status.QUEUED), status=self.Status.RUNNING, started_at=clock.now()
        )

    def cancel(self, user: Any = None) -> bool:
        """Ask for its end; False when that has been asked for or it is over."""
        with transaction.atomic():
            is_asked = self._change(
                Q(status__in=self.ACTIVE, cancel_requested_at=None),
                cancel_requested_at=clock.now(),
                cancel_requested_by=user,
                cancel_requested_with=acting_token_name(),
            )
            if is_asked:
                record_action(AuditAction.WORKFLOW_RUN_CANCELLED, self)
        return is_asked

    def finish(self, status: str, *, error: str = "", code: str = "") -> bool:
        """End it; False when another process has."""
        return self._change(
            Q(status__in=self.ACTIVE),
            status=status,
            finished_at=clock.now(),
            error=error,
            error_code=code,
        )
