"""Workflows: tasks that run one after another (rules K1 to K4)."""

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports import clock
from exports.acting import acting_token_name
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.models.audited import AuditedModel, recording_changes
from exports.models.edits import EditedModel
from exports.models.errors import RestoredError, WorkflowActiveError, WorkflowUnusableError
from exports.models.installations import Installation
from exports.models.reports import Reported
from exports.models.step_runs import StepRun
from exports.models.tasks import Task
from exports.models.workflow_runs import WorkflowRun

MAX_STEPS = 20


class WorkflowQuerySet(models.QuerySet["Workflow"]):
    def with_step(self, task_id: int) -> "WorkflowQuerySet":
        """Those that have the task as a step, by name."""
        kept = self.filter(archived_at=None, steps__task=task_id)
        return kept.distinct().order_by("name")


class Workflow(AuditedModel, Reported, EditedModel):
    """An ordered list of tasks, run as one."""

    name = models.CharField(gettext_lazy("Workflow Name"), max_length=100, unique=True)
    enabled = models.BooleanField(gettext_lazy("Enabled"), default=True)
    can_resume_from_failure = models.BooleanField(
        gettext_lazy("Can Resume From Failure"), default=True
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    archived_at = models.DateTimeField(null=True, editable=False)

    objects = WorkflowQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    def tasks(self) -> list[Task]:
        """The tasks of its steps, in order; one may come several times."""
        return [step.task for step in self.steps.select_related("task").order_by("position")]

    def audited_values(self) -> dict[str, Any]:
        values = super().audited_values()
        return {**values, "report_channel": self.report_channel, "steps": self.tasks()}

    def replace_steps(self, tasks: Sequence[Task]) -> None:
        """Replace the stored steps by these; a run that goes on keeps its own."""
        with transaction.atomic():
            self.steps.all().delete()
            WorkflowStep.objects.bulk_create(
                WorkflowStep(workflow=self, position=position, task=task)
                for position, task in enumerate(tasks, 1)
            )

    def active_run(self) -> WorkflowRun | None:
        return self.runs.active().order_by("-id").first()

    def last_run(self) -> WorkflowRun | None:
        return self.runs.order_by("-id").first()

    def queue_run(self, trigger: str, user: Any = None) -> WorkflowRun:
        """Queue a run of the steps as they are now; workers take it from there.

        Raises WorkflowUnusableError when disabled, archived or without a step that could run,
        WorkflowActiveError while a run is active.
        """
        with transaction.atomic():
            workflow = self._locked()
            tasks = workflow.tasks()
            workflow._check_usable(tasks)
            run = workflow._insert_run(trigger, user)
            StepRun.objects.bulk_create(
                StepRun(workflow_run=run, position=position, task=task, task_name=task.name)
                for position, task in enumerate(tasks, 1)
            )
            if trigger != WorkflowRun.Trigger.SCHEDULE:
                record_action(AuditAction.WORKFLOW_RUN_QUEUED, run)
        return run

    def resume(self, failed: WorkflowRun, user: Any = None) -> WorkflowRun:
        """Queue a run that starts at the step where `failed` failed and keeps what came before.

        Raises WorkflowUnusableError, WorkflowActiveError (rule K3).
        """
        with transaction.atomic():
            workflow = self._locked()
            if (active := workflow.active_run()) is not None:
                raise WorkflowActiveError(active)
            steps = list(failed.steps.select_related("task").order_by("position"))
            start = next((step.position for step in steps if not step.is_good), 1)
            ahead = [step.task for step in steps if step.position >= start and step.task]
            workflow._check_usable(ahead)
            workflow._check_resumable(failed)
            run = workflow._insert_run(WorkflowRun.Trigger.RESUME, user, failed)
            StepRun.objects.bulk_create(
                step.again(run, is_kept=step.position < start) for step in steps
            )
            record_action(
                AuditAction.WORKFLOW_RUN_RESUMED, run, {"resumed_from": [None, failed.pk]}
            )
        return run

    def archive(self) -> None:
        """Hide the workflow; its runs stay."""
        with recording_changes(self, action=AuditAction.WORKFLOW_ARCHIVED, always=True):
            self.archived_at, self.enabled = clock.now(), False
            self.save(update_fields=["archived_at", "enabled"])

    def restore(self) -> None:
        """Bring it back, not enabled yet."""
        with recording_changes(self, action=AuditAction.WORKFLOW_RESTORED, always=True):
            self.archived_at = None
            self.save(update_fields=["archived_at"])

    def remove(self) -> None:
        """Delete one that has never run."""
        with recording_changes(self):
            self.delete()

    def _locked(self) -> "Workflow":
        return Workflow.objects.select_for_update(no_key=True).get(pk=self.pk)

    def _insert_run(
        self, trigger: str, user: Any, resumed_from: WorkflowRun | None = None
    ) -> WorkflowRun:
        run = WorkflowRun(
            workflow=self,
            workflow_name=self.name,
            trigger=trigger,
            requested_by=user,
            requested_with=acting_token_name(),
            resumed_from=resumed_from,
        )
        for is_last in (False, True):
            try:
                with transaction.atomic():
                    run.save(force_insert=True)
                break
            except IntegrityError:
                active = self.active_run()
                if active is not None:
                    raise WorkflowActiveError(active) from None
                if is_last:
                    raise
                # The run that prevented it has just ended: try again.
        return run

    def _check_usable(self, tasks: Sequence[Task]) -> None:
        held = Installation.objects.held()
        if held is not None and held.restored_from is not None:
            raise RestoredError(held.restored_from)
        if self.archived_at is not None:
            sentence = _("%(workflow)s is archived. Restore it to run it again.")
        elif not self.enabled:
            sentence = _("%(workflow)s is disabled. Enable it on its form to run it.")
        elif not tasks:
            sentence = _("%(workflow)s has no steps. Add a task on its form.")
        elif not any(task.enabled and task.archived_at is None for task in tasks):
            sentence = _(
                "No task of %(workflow)s is enabled, so that nothing would run. Enable one on its "
                "form, or choose other tasks."
            )
        else:
            return
        raise WorkflowUnusableError(sentence % {"workflow": self})

    def _check_resumable(self, failed: WorkflowRun) -> None:
        if not self.can_resume_from_failure:
            sentence = _(
                "%(workflow)s starts anew after a failure. To resume it, switch on Can Resume From "
                "Failure on its form."
            )
        elif failed.workflow_id != self.pk or failed.status != WorkflowRun.Status.FAILED:
            sentence = _("Only a run that failed can be resumed. Run %(workflow)s anew.")
        elif self.runs.filter(pk__gt=failed.pk).exists():
            sentence = _("%(workflow)s has run since. Resume its newest run, or run it anew.")
        else:
            return
        raise WorkflowUnusableError(sentence % {"workflow": self})


class WorkflowStep(models.Model):
    """One task of a workflow, at its place."""

    workflow = models.ForeignKey(Workflow, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    task = models.ForeignKey(Task, models.PROTECT, related_name="workflow_steps")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "position"], name="one_step_at_each_position"
            ),
            models.CheckConstraint(
                condition=Q(position__range=(1, MAX_STEPS)), name="step_position_within_limits"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.task}"
