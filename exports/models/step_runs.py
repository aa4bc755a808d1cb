"""One execution of each step of a workflow (rules K1 to K4)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports import clock
from exports.models.conditional_changes import ChangedWhileHeld
from exports.models.message_field import MessageField
from exports.models.runs import Run
from exports.models.workflow_runs import WorkflowRun


class StepRunQuerySet(models.QuerySet["StepRun"]):
    def drop_waiting(self, reason: str, code: str) -> int:
        """End the steps that have not begun: they will not."""
        return self.filter(state=StepRun.State.WAITING).update(
            state=StepRun.State.NOT_STARTED,
            finished_at=clock.now(),
            reason=reason,
            reason_code=code,
        )


class StepRun(ChangedWhileHeld):
    """One step of a workflow run; the task's own Run row says how its export went."""

    class State(models.TextChoices):
        WAITING = "waiting", gettext_lazy("Waiting")
        RUNNING = "running", gettext_lazy("Running")
        SUCCEEDED = "succeeded", gettext_lazy("Succeeded")
        FAILED = "failed", gettext_lazy("Failed")
        SKIPPED = "skipped", gettext_lazy("Skipped")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")
        NOT_STARTED = "not_started", gettext_lazy("Not started")

    workflow_run = models.ForeignKey(WorkflowRun, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    # Null once a task that never ran was deleted.
    task = models.ForeignKey("exports.Task", models.SET_NULL, null=True, related_name="step_runs")
    task_name = models.CharField(max_length=100)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    # Null before the start, and once the run was removed from the history.
    run = models.ForeignKey(Run, models.SET_NULL, null=True, related_name="step_runs")
    # The result is that of the workflow run this one was resumed from.
    is_kept = models.BooleanField(default=False)
    reason = MessageField(blank=True)
    reason_code = models.CharField(max_length=60, blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = StepRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workflow_run", "position"], name="one_step_run_at_each_position"
            ),
            models.UniqueConstraint(
                fields=["run"], condition=Q(is_kept=False), name="one_step_per_run"
            ),
            models.UniqueConstraint(
                fields=["workflow_run"],
                condition=Q(state="running"),
                name="one_running_step_per_workflow_run",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "waiting",
                        "running",
                        "succeeded",
                        "failed",
                        "skipped",
                        "cancelled",
                        "not_started",
                    ]
                ),
                name="step_state_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(run__isnull=False),
                name="a_running_step_has_a_run",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["skipped", "not_started"]) | ~Q(reason_code=""),
                name="a_step_left_out_says_why",
            ),
        ]

    def __str__(self) -> str:
        return _("Step %(position)s, %(task)s") % {
            "position": self.position,
            "task": self.task_name,
        }

    @property
    def is_good(self) -> bool:
        """Whether a resumed workflow keeps its result."""
        return self.state in (self.State.SUCCEEDED, self.State.SKIPPED)

    def start(self, run: Run) -> bool:
        return self._change(
            Q(state=self.State.WAITING),
            state=self.State.RUNNING,
            run=run,
            started_at=clock.now(),
            reason="",
            reason_code="",
        )

    def wait(self, reason: str, code: str) -> bool:
        """Say what it waits for."""
        return self._change(Q(state=self.State.WAITING), reason=reason, reason_code=code)

    def leave_out(self, state: str, reason: str, code: str) -> bool:
        """End it without a run: skipped, or failed as none could be queued."""
        return self._change(
            Q(state=self.State.WAITING),
            state=state,
            finished_at=clock.now(),
            reason=reason,
            reason_code=code,
        )

    def finish(self, state: str, reason: str = "", code: str = "") -> bool:
        """End it as its run has ended."""
        return self._change(
            Q(state=self.State.RUNNING),
            state=state,
            finished_at=clock.now(),
            reason=reason,
            reason_code=code,
        )

    def again(self, workflow_run: WorkflowRun, *, is_kept: bool) -> "StepRun":
        """The same step in a resumed run, with its result or to be run again; not saved."""
        step = StepRun(
            workflow_run=workflow_run,
            position=self.position,
            task=self.task,
            task_name=self.task_name,
            is_kept=is_kept,
        )
        if is_kept:
            for name in ("state", "run_id", "reason", "reason_code", "started_at", "finished_at"):
                setattr(step, name, getattr(self, name))
        return step
