"""The page of a workflow run, and its buttons: cancel and resume."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from exports.models import WorkflowRun
from exports.reporting.workflow_progress import workflow_run_context
from exports.views.buttons import button
from exports.views.queueing import WHILE_ACTIVE, start_and_follow
from exports.workers import jobs
from exports.workers.workflow_jobs import cancel_workflow, resume_workflow


@require_safe
def show_workflow_run(request: HttpRequest, pk: int) -> HttpResponse:
    return _show(request, _found(pk), "workflow_run.html")


@require_safe
def show_workflow_run_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part that the page polls while the workflow runs; then the result."""
    return _show(request, _found(pk), "_progress.html")


@button
def cancel_workflow_run(request: HttpRequest, pk: int) -> HttpResponse:
    """End the present step and start no other (K4)."""
    workflow_run = _found(pk)
    is_asked = cancel_workflow(workflow_run, request.user)
    workflow_run = _found(pk)
    named = {"run": workflow_run}
    if getattr(request, "htmx", None):
        return _show(request, workflow_run, "_progress.html")
    if workflow_run.is_active:
        sentence = _("%(run)s is being cancelled.") % named
        messages.info(request, sentence, extra_tags=WHILE_ACTIVE)
    elif is_asked:
        messages.success(request, _("%(run)s was cancelled.") % named)
    else:
        messages.info(request, _("%(run)s was over already.") % named)
    return redirect("workflow-run-detail", pk)


@button
def resume_workflow_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on at the step that failed (K3)."""
    workflow_run = _found(pk)
    return start_and_follow(
        request,
        lambda: resume_workflow(workflow_run, request.user),
        back=reverse("workflow-run-detail", args=[pk]),
    )


def _found(pk: int) -> WorkflowRun:
    related = ("workflow", "requested_by", "cancel_requested_by", "resumed_from", "resumed_by")
    return get_object_or_404(WorkflowRun.objects.select_related(*related), pk=pk)


def _show(request: HttpRequest, workflow_run: WorkflowRun, template: str) -> HttpResponse:
    context = workflow_run_context(workflow_run)
    context["has_worker"] = not workflow_run.is_active or jobs.any_worker_alive()
    # base.html hides messages about an active run once `run` is over.
    context["run"] = workflow_run
    context["is_polled"] = template == "_progress.html"
    return render(request, f"exports/workflow_run/{template}", context)
