"""Starts, resumes, cancels and advances workflow runs, and enqueues the runs of their steps."""

from typing import Any

from django.db import transaction

from exports.connectwise.language import gettext as _
from exports.housekeeping.isolation import isolated
from exports.models import Workflow, WorkflowRun
from exports.workers.jobs import enqueue
from exports.workflows.advancing import advance


def start_workflow(workflow: Workflow, trigger: str, user: Any = None) -> WorkflowRun:
    """Queue a run of the workflow and begin it.

    Raises WorkflowUnusableError, WorkflowActiveError.
    """
    workflow_run = workflow.queue_run(trigger, user)
    advance_workflow(workflow_run.pk)
    return workflow_run


def resume_workflow(failed: WorkflowRun, user: Any = None) -> WorkflowRun:
    """Go on where it failed (rule K3). Raises WorkflowUnusableError, WorkflowActiveError."""
    workflow_run = failed.workflow.resume(failed, user)
    advance_workflow(workflow_run.pk)
    return workflow_run


def cancel_workflow(workflow_run: WorkflowRun, user: Any = None) -> bool:
    """Have its present step end and no other start; False when it is over or being cancelled."""
    is_asked = workflow_run.cancel(user)
    advance_workflow(workflow_run.pk)
    return is_asked


def advance_workflow(workflow_run_id: int) -> None:
    run = advance(workflow_run_id)
    if run is not None:
        transaction.on_commit(lambda: enqueue(run))


def advance_workflows() -> None:
    """Advance every open workflow run: one query when there is none.

    All workers do so every few seconds and after each of their runs: if one dies between the end
    of a step and the start of the next, another one starts it.
    """
    for pk in WorkflowRun.objects.active().order_by("id").values_list("pk", flat=True):
        with isolated(_("workflow run %(run)s") % {"run": pk}):
            advance_workflow(pk)
