"""One run of a workflow: where it stands in a sentence, and its steps with their runs."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from exports.models import Run, StepRun, WorkflowRun
from exports.models.codes import StepCode
from exports.reporting.workflow_overview import may_resume


@dataclass(frozen=True)
class StepLine:
    """A step with what its page shows besides: the run it waits for."""

    step: StepRun
    waits_for: Run | None = None
    is_present: bool = False


def workflow_run_context(workflow_run: WorkflowRun) -> dict[str, Any]:
    """What the page of a workflow run and its polled part show."""
    steps = list(workflow_run.steps.select_related("run", "task").order_by("position"))
    present = next((step for step in steps if not is_over(step)), None)
    blocker = _blocker(present)
    lines = [
        StepLine(step, blocker if step is present else None, step is present) for step in steps
    ]
    return {
        "workflow_run": workflow_run,
        "steps": lines,
        "step_count": len(steps),
        "over_count": sum(is_over(step) for step in steps),
        "succeeded_count": sum(step.state == StepRun.State.SUCCEEDED for step in steps),
        "batch_count": sum(step.run.batch_count or 0 for step in steps if step.run),
        "sentence": sentence_of(workflow_run, steps, present),
        "is_resumable": is_resumable(workflow_run),
        "title": _title(workflow_run),
    }


def is_over(step: StepRun) -> bool:
    return step.state not in (StepRun.State.WAITING, StepRun.State.RUNNING)


def is_resumable(workflow_run: WorkflowRun) -> bool:
    """Whether Resume is offered: failed, allowed by its workflow, and nothing has run since."""
    if workflow_run.status != WorkflowRun.Status.FAILED or not may_resume(workflow_run.workflow):
        return False
    return not workflow_run.workflow.runs.filter(pk__gt=workflow_run.pk).exists()


def sentence_of(workflow_run: WorkflowRun, steps: list[StepRun], present: StepRun | None) -> str:
    """Where it stands, or how it ended, in one sentence."""
    if workflow_run.is_active:
        return _active_sentence(workflow_run, steps, present)
    if workflow_run.status == WorkflowRun.Status.FAILED:
        return str(workflow_run.error)
    if workflow_run.status == WorkflowRun.Status.CANCELLED:
        by = workflow_run.cancel_requested_by
        return _("It was cancelled by %(user)s.") % {"user": by} if by else _("It was cancelled.")
    skipped = sum(step.state == StepRun.State.SKIPPED for step in steps)
    if skipped:
        named = {"count": len(steps) - skipped, "all": len(steps), "skipped": skipped}
        return _("%(count)d of %(all)d steps succeeded, %(skipped)d skipped.") % named
    return _("Every step succeeded.")


def _active_sentence(
    workflow_run: WorkflowRun, steps: list[StepRun], present: StepRun | None
) -> str:
    if workflow_run.cancel_requested_at is not None:
        return _("It is being cancelled: the present step ends, no other starts.")
    if present is None:
        return _("The last step is over.")
    named = {"position": present.position, "count": len(steps), "task": present.task_name}
    if present.reason_code == StepCode.TASK_ACTIVE:
        return _("Step %(position)d of %(count)d, %(task)s, waits: the task is active.") % named
    if present.state == StepRun.State.WAITING:
        return _("Step %(position)d of %(count)d, %(task)s, is about to start.") % named
    return _("Step %(position)d of %(count)d, %(task)s, is running.") % named


def _blocker(present: StepRun | None) -> Run | None:
    """The run elsewhere that the present step waits for (K2)."""
    if present is None or present.reason_code != StepCode.TASK_ACTIVE or present.task is None:
        return None
    return present.task.active_run()


def _title(workflow_run: WorkflowRun) -> str:
    """For the tab of the browser: the result comes first."""
    return f"{workflow_run.get_status_display()}: {workflow_run}"
