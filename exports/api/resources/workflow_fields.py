"""Workflows and their runs as programs see them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Schema

from exports.api.fields import Fault, Named, code, fault, named
from exports.api.links import links_of
from exports.api.lists import Page
from exports.models import StepRun, Workflow, WorkflowRun


class WorkflowLinks(Schema):
    self: str
    runs: str
    page: str


class WorkflowFields(Schema):
    """Tasks that run one after another."""

    id: int
    name: str
    enabled: bool
    can_resume_from_failure: bool
    archived_at: datetime | None
    tasks: list[Named]
    links: WorkflowLinks


class WorkflowPage(Page):
    items: list[WorkflowFields]


class StepFields(Schema):
    position: int
    task: Named | None
    task_name: str
    state: str = code(StepRun.State)
    run_id: int | None
    is_kept: bool
    reason: Fault | None
    started_at: datetime | None
    finished_at: datetime | None


class WorkflowRunLinks(Schema):
    self: str
    workflow: str
    page: str


class WorkflowRunFields(Schema):
    """One execution of a workflow."""

    id: int
    workflow: Named
    status: str = code(WorkflowRun.Status)
    trigger: str = code(WorkflowRun.Trigger)
    requested_by: str | None
    requested_with: str | None
    resumed_from: int | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    error: Fault | None
    steps: list[StepFields]
    links: WorkflowRunLinks


class WorkflowRunPage(Page):
    items: list[WorkflowRunFields]


def workflow_shapes(request: HttpRequest) -> Callable[[Sequence[Workflow]], list[dict[str, Any]]]:
    link = links_of(request)

    def shape(workflow: Workflow) -> dict[str, Any]:
        same = ("id", "name", "enabled", "can_resume_from_failure", "archived_at")
        return {
            **{name: getattr(workflow, name) for name in same},
            "tasks": [named(step.task) for step in workflow.steps.all()],
            "links": {
                "self": link("api:workflow-detail", workflow.pk),
                "runs": link("api:workflow-runs", workflow.pk),
                "page": link("workflow-detail", workflow.pk),
            },
        }

    return lambda workflows: [shape(workflow) for workflow in workflows]


def workflow_run_shapes(
    request: HttpRequest,
) -> Callable[[Sequence[WorkflowRun]], list[dict[str, Any]]]:
    link = links_of(request)

    def shape(run: WorkflowRun) -> dict[str, Any]:
        same = (
            *("id", "status", "trigger", "queued_at", "started_at", "finished_at"),
            "cancel_requested_at",
        )
        return {
            **{name: getattr(run, name) for name in same},
            "workflow": named(run.workflow, run.workflow_name),
            "requested_by": run.requested_by.get_username() if run.requested_by else None,
            "requested_with": run.requested_with or None,
            "resumed_from": run.resumed_from_id,
            "error": fault(run.error_code, run.error),
            "steps": [_step(step) for step in run.steps.all()],
            "links": {
                "self": link("api:workflow-run-detail", run.pk),
                "workflow": link("api:workflow-detail", run.workflow_id),
                "page": link("workflow-run-detail", run.pk),
            },
        }

    return lambda runs: [shape(run) for run in runs]


def _step(step: StepRun) -> dict[str, Any]:
    same = ("position", "task_name", "state", "run_id", "is_kept", "started_at", "finished_at")
    return {
        **{name: getattr(step, name) for name in same},
        "task": named(step.task),
        "reason": fault(step.reason_code, step.reason),
    }
