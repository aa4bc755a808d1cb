"""Workflows: list, form, page and buttons."""

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from exports.forms.workflow_steps import steps_after
from exports.forms.workflows import WorkflowForm
from exports.models import Workflow, WorkflowRun
from exports.outside_numbers import read_id
from exports.reporting.schedules import schedule_lines
from exports.reporting.workflow_overview import may_resume, workflow_lines
from exports.views.buttons import button
from exports.views.expired_login import take_typed, typed_by
from exports.views.queueing import start_and_follow
from exports.workers.workflow_jobs import start_workflow

LATEST_RUNS = 20


@require_safe
def list_workflows(request: HttpRequest) -> HttpResponse:
    context = {"lines": workflow_lines(), "archived": workflow_lines(archived=True)}
    return render(request, "exports/workflows/workflow_list.html", context)


@require_safe
def show_workflow(request: HttpRequest, pk: int) -> HttpResponse:
    workflow = get_object_or_404(Workflow, pk=pk)
    runs = list(workflow.runs.select_related("requested_by").newest_first()[: LATEST_RUNS + 1])
    over = next((run for run in runs if not run.is_active), None)
    context = {
        "workflow": workflow,
        "steps": workflow.steps.select_related("task").order_by("position"),
        "active_run": workflow.active_run(),
        "last_run": over,
        # Only the newest run can be resumed, and only while nothing runs.
        "is_resumable": bool(runs) and runs[0] == over and may_resume(workflow),
        "schedules": schedule_lines(workflow.schedules.kept().select_related("workflow")),
        "runs": runs[:LATEST_RUNS],
        "has_more": len(runs) > LATEST_RUNS,
    }
    return render(request, "exports/workflow/workflow.html", context)


@require_safe
def list_workflow_runs(request: HttpRequest, pk: int) -> HttpResponse:
    """All runs of a workflow, newest first, a page at a time."""
    workflow = get_object_or_404(Workflow, pk=pk)
    runs = workflow.runs.select_related("requested_by").newest_first()
    before = read_id(request.GET.get("before", ""))
    if before is not None:
        runs = runs.filter(pk__lt=before)
    found = list(runs[: LATEST_RUNS + 1])
    context = {"workflow": workflow, "runs": found[:LATEST_RUNS], "is_first": before is None}
    if len(found) > LATEST_RUNS:
        context["older_than"] = found[LATEST_RUNS - 1].pk
    return render(request, "exports/workflow/workflow_runs.html", context)


@require_http_methods(["GET", "POST"])
def create_workflow(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
def edit_workflow(request: HttpRequest, pk: int) -> HttpResponse:
    workflow = Workflow.objects.filter(pk=pk).first()
    if workflow is None and request.method == "POST":
        return _show_deleted(request)
    if workflow is None:
        raise Http404
    if workflow.archived_at is not None:
        sentence = _("%(workflow)s is archived. Restore it to change it.")
        messages.error(request, sentence % {"workflow": workflow})
        if request.method == "POST":
            form = WorkflowForm(instance=workflow, data=_unchecked(request.POST))
            return _show_form(request, form)
        return redirect("workflow-detail", pk)
    return _edit(request, workflow)


@require_POST
def change_steps(request: HttpRequest) -> HttpResponse:
    """The rows of the form alone, after one of their buttons was pressed; nothing is saved."""
    rows = steps_after(request.POST, request.POST.get("row_action", ""))
    return render(request, "exports/workflow_form/_steps_changed.html", {"rows": rows})


@button
def run_workflow(request: HttpRequest, pk: int) -> HttpResponse:
    workflow = get_object_or_404(Workflow, pk=pk)
    return start_and_follow(
        request,
        lambda: start_workflow(workflow, WorkflowRun.Trigger.MANUAL, request.user),
        back=reverse("workflow-detail", args=[pk]),
    )


@button
def archive_workflow(request: HttpRequest, pk: int) -> HttpResponse:
    """Archive a workflow with runs or schedules, delete any other, restore an archived one."""
    with transaction.atomic():
        workflow = get_object_or_404(Workflow.objects.select_for_update(no_key=True), pk=pk)
        named = {"workflow": workflow.name}
        if active := workflow.active_run():
            sentence = _("%(run)s is not over yet. Cancel it, then archive again.")
            messages.error(request, sentence % {"run": active})
        elif workflow.archived_at is not None:
            workflow.restore()
            sentence = _("%(workflow)s is back, not enabled yet. Enable it on its form.")
            messages.success(request, sentence % named)
        elif not workflow.runs.exists() and not workflow.schedules.exists():
            workflow.remove()
            messages.success(request, _("%(workflow)s was deleted; it had never run.") % named)
            return redirect("workflow-list")
        else:
            workflow.archive()
            sentence = _("%(workflow)s is archived. Its runs stay in the history.")
            messages.success(request, sentence % named)
    return redirect("workflow-detail", pk)


def _edit(request: HttpRequest, workflow: Workflow | None) -> HttpResponse:
    if request.method == "POST" and "row_action" not in request.POST:
        return _save(request, workflow)
    typed = take_typed(request)
    data = _unchecked(typed) if typed else request.POST if request.method == "POST" else None
    return _show_form(request, WorkflowForm(instance=workflow, data=data))


def _unchecked(typed: QueryDict) -> QueryDict:
    """The form with everything typed and no errors, as after a row button."""
    shown = typed.copy()
    shown["row_action"] = "add" if shown.get("added_task") else ""
    return shown


def _show_deleted(request: HttpRequest) -> HttpResponse:
    sentence = _(
        "Somebody deleted this workflow meanwhile. Save to make a new one of what is here."
    )
    messages.error(request, sentence)
    form = WorkflowForm(data=_unchecked(request.POST))
    return _show_form(request, form)


def _save(request: HttpRequest, workflow: Workflow | None) -> HttpResponse:
    try:
        with transaction.atomic():
            # Locked, so that a second form waits for this one and sees the saved values.
            locked = workflow and Workflow.objects.select_for_update(no_key=True).get(
                pk=workflow.pk
            )
            form = WorkflowForm(instance=locked, data=request.POST)
            form.compare_with_stored()
            if not form.is_valid():
                return _show_form(request, form)
            saved = form.save_for(request.user)
    except IntegrityError:
        # Another request took the name or deleted a task just now: this time the check sees it.
        form = WorkflowForm(instance=workflow, data=request.POST)
        form.compare_with_stored()
        form.is_valid()
        return _show_form(request, form)
    messages.success(request, _("%(workflow)s was saved.") % {"workflow": saved.name})
    for notice in form.taken_over():
        messages.warning(request, notice)
    return redirect("workflow-detail", saved.pk)


def _show_form(request: HttpRequest, form: WorkflowForm) -> HttpResponse:
    workflow = form.before
    context = {
        "form": form,
        "rows": form.steps,
        "workflow": workflow,
        "action": reverse("workflow-edit", args=[workflow.pk])
        if workflow
        else reverse("workflow-create"),
        "typed_by": typed_by(request),
        "problems": form.problems() if form.is_bound else [],
    }
    return render(request, "exports/workflow_form/workflow_form.html", context)
