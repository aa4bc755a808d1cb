"""Workflows: list, one, run; and their runs: list, one, resume, cancel."""

from collections.abc import Callable
from typing import Any, Final

from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema

from exports.api.fields import Id
from exports.api.idempotency import KEY, once
from exports.api.lists import PageQuery, check_query, page_of
from exports.api.problems import ProblemCode, ProblemError
from exports.api.resources.tasks import RunRequest
from exports.api.resources.workflow_fields import (
    WorkflowFields,
    WorkflowPage,
    WorkflowRunFields,
    WorkflowRunPage,
    workflow_run_shapes,
    workflow_shapes,
)
from exports.models import StepRun, Workflow, WorkflowRun, WorkflowStep
from exports.models.errors import WorkflowActiveError, WorkflowUnusableError
from exports.workers.workflow_jobs import cancel_workflow, resume_workflow, start_workflow

router = Router(tags=["Workflows"])
runs_router = Router(tags=["Workflows"])
_RELATED: Final = ("workflow", "requested_by", "cancel_requested_by")


@router.get("", response=WorkflowPage, url_name="workflow-list", operation_id="list_workflows")
def list_workflows(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """By id, without archived ones."""
    check_query(request, PageQuery)
    rows = _with_steps().filter(archived_at=None)
    return page_of(request, query, rows, workflow_shapes(request), newest_first=False)


@router.get(
    "/{id:id}", response=WorkflowFields, url_name="workflow-detail", operation_id="get_workflow"
)
def show_workflow(request: HttpRequest, id: Id) -> Any:
    return workflow_shapes(request)([_found_workflow(id)])[0]


@router.get(
    "/{id:id}/runs",
    response=WorkflowRunPage,
    url_name="workflow-runs",
    operation_id="list_workflow_runs",
)
def list_workflow_runs(request: HttpRequest, id: Id, query: Query[PageQuery]) -> Any:
    """Newest first."""
    check_query(request, PageQuery)
    rows = _runs().filter(workflow=_found_workflow(id))
    return page_of(request, query, rows, workflow_run_shapes(request))


@router.post(
    "/{id:id}/runs",
    response={201: WorkflowRunFields},
    url_name="workflow-runs",
    operation_id="run_workflow",
)
def run_workflow(
    request: HttpRequest, id: Id, body: RunRequest | None = None, key: str | None = KEY
) -> HttpResponse:
    """Run all its tasks, one after another."""
    workflow = _found_workflow(id)
    trigger = WorkflowRun.Trigger.API
    return _started(request, key, lambda: start_workflow(workflow, trigger, request.user))


@runs_router.get(
    "/{id:id}",
    response=WorkflowRunFields,
    url_name="workflow-run-detail",
    operation_id="get_workflow_run",
)
def show_workflow_run(request: HttpRequest, id: Id) -> Any:
    return workflow_run_shapes(request)([_found_run(id)])[0]


@runs_router.post(
    "/{id:id}/resume",
    response={201: WorkflowRunFields},
    url_name="workflow-run-resume",
    operation_id="resume_workflow_run",
)
def resume_workflow_run(
    request: HttpRequest, id: Id, body: RunRequest | None = None, key: str | None = KEY
) -> HttpResponse:
    """Go on at the step that failed, in a new workflow run."""
    failed = _found_run(id)
    return _started(request, key, lambda: resume_workflow(failed, request.user))


@runs_router.post(
    "/{id:id}/cancel",
    response=WorkflowRunFields,
    url_name="workflow-run-cancel",
    operation_id="cancel_workflow_run",
)
def cancel_workflow_run(request: HttpRequest, id: Id, key: str | None = KEY) -> HttpResponse:
    """End the present step and start no other."""
    run = _found_run(id)

    def cancelled() -> Schema:
        if not run.is_active:
            raise ProblemError(ProblemCode.RUN_OVER, _("%(run)s was over already.") % {"run": run})
        cancel_workflow(run, request.user)
        return _fields(request, id)

    return once(request, key, cancelled)


def _started(
    request: HttpRequest, key: str | None, start: Callable[[], WorkflowRun]
) -> HttpResponse:
    def make() -> Schema:
        try:
            run = start()
        except WorkflowActiveError as error:
            active = error.workflow_run.pk
            raise ProblemError(
                ProblemCode.WORKFLOW_ACTIVE, str(error), workflow_run_id=active
            ) from error
        except WorkflowUnusableError as error:
            raise ProblemError(ProblemCode.WORKFLOW_UNUSABLE, str(error)) from error
        return _fields(request, run.pk)

    return once(request, key, make, status=201)


def _fields(request: HttpRequest, pk: int) -> WorkflowRunFields:
    [shape] = workflow_run_shapes(request)([_found_run(pk)])
    return WorkflowRunFields.model_validate(shape)


def _with_steps() -> Any:
    steps = WorkflowStep.objects.select_related("task").order_by("position")
    return Workflow.objects.prefetch_related(Prefetch("steps", steps))


def _runs() -> Any:
    steps = StepRun.objects.select_related("task").order_by("position")
    return WorkflowRun.objects.select_related(*_RELATED).prefetch_related(Prefetch("steps", steps))


def _found_workflow(pk: int) -> Workflow:
    workflow: Workflow | None = _with_steps().filter(pk=pk).first()
    if workflow is None:
        raise Http404(_("There is no workflow with this id."))
    return workflow


def _found_run(pk: int) -> WorkflowRun:
    run: WorkflowRun | None = _runs().filter(pk=pk).first()
    if run is None:
        raise Http404(_("There is no workflow run with this id."))
    return run
