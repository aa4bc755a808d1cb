"""Tasks: the form, the page, and what can be done with one."""

from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from exports import jobs
from exports.connectwise import conditions
from exports.connectwise.batches import FIELD_KINDS
from exports.connectwise.conditions import ConditionError
from exports.forms.conditions import rows_after
from exports.forms.tasks import TaskForm
from exports.models import Connection, DateChange, Run, Task
from exports.models.tasks import RunActiveError, TaskUnusableError
from exports.models.windows import next_window
from exports.output_names import is_overwritten_each_run
from exports.tables import RunTable

LATEST_RUNS = 10
LATEST_CHANGES = 20


@require_http_methods(["GET", "POST"])
def create_task(request: HttpRequest) -> HttpResponse:
    if not Connection.objects.exists():
        messages.info(request, "A task needs a connection to export from. Create one first.")
        return redirect("connection-create")
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
def edit_task(request: HttpRequest, pk: int) -> HttpResponse:
    task = get_object_or_404(Task, pk=pk)
    if task.archived_at is not None:
        messages.error(request, f"{task.name} is archived. Restore it to change it.")
        return redirect("task-detail", pk)
    return _edit(request, task)


@require_POST
def change_condition_rows(request: HttpRequest) -> HttpResponse:
    """The rows alone, after one of their buttons; nothing is saved."""
    rows = rows_after(request.POST, request.POST.get("row_action", ""))
    return render(request, "exports/_condition_rows.html", {"rows": rows})


@require_safe
def show_task(request: HttpRequest, pk: int) -> HttpResponse:
    task = get_object_or_404(Task.objects.select_related("connection", "on_failure_task"), pk=pk)
    newest = task.runs.select_related("requested_by").newest_first()
    table = RunTable(newest[:LATEST_RUNS], exclude=("task_name",), orderable=False)
    changes = task.date_changes.select_related("changed_by", "run").order_by("-id")
    context = {
        "task": task,
        "active_run": task.active_run(),
        "last_run": task.last_run(),
        "has_runs": task.runs.exists(),
        "table": table,
        "date_changes": changes[:LATEST_CHANGES],
        "is_overwritten": task.export != Task.Export.ALL
        and is_overwritten_each_run(task.output_file),
        **_filter_in_words(task),
    }
    return render(request, "exports/task_detail.html", context)


@require_POST
def run_task(request: HttpRequest, pk: int) -> HttpResponse:
    task = get_object_or_404(Task, pk=pk)
    try:
        run = jobs.queue_run(task, Run.Trigger.MANUAL, request.user)
    except RunActiveError as error:
        messages.info(request, f"{task.name} is already running: this is {error.run}.")
        return redirect("run-detail", error.run.pk)
    except (TaskUnusableError, ConditionError) as error:
        messages.error(request, str(error))
        return redirect("task-detail", pk)
    messages.success(request, f"{run} started.")
    return redirect("run-detail", run.pk)


@require_POST
def archive_task(request: HttpRequest, pk: int) -> HttpResponse:
    """Archive a task with runs, delete one that never ran, restore an archived one (R7)."""
    with transaction.atomic():
        task = get_object_or_404(Task.objects.select_for_update(), pk=pk)
        if active := task.active_run():
            messages.error(request, f"{active} is {active.status}. Cancel it, then archive again.")
            return redirect("task-detail", pk)
        if task.archived_at is not None:
            return _restore(request, task)
        if not task.runs.exists():
            task.delete()
            messages.success(request, f"{task.name} was deleted; it had never run.")
            return redirect("home")
        task.archive()
    messages.success(request, f"{task.name} is archived. Its runs and files stay in the history.")
    return redirect("task-detail", pk)


def _restore(request: HttpRequest, task: Task) -> HttpResponse:
    task.archived_at = None
    try:
        with transaction.atomic():
            task.save(update_fields=["archived_at"])
    except IntegrityError:
        messages.error(
            request,
            f"{task.name} cannot be restored: another task exports to {task.output_file} now. "
            "Give that one another Output File first.",
        )
    else:
        messages.success(request, f"{task.name} is back, not enabled yet. Enable it on its form.")
    return redirect("task-detail", task.pk)


def _edit(request: HttpRequest, task: Task | None) -> HttpResponse:
    if request.method == "POST" and "row_action" not in request.POST:
        return _save(request, task)
    data = request.POST if request.method == "POST" else None
    return _show_form(request, TaskForm(instance=task, data=data))


def _save(request: HttpRequest, task: Task | None) -> HttpResponse:
    try:
        with transaction.atomic():
            # Locked, so that a run that ends meanwhile and a second form wait for this one (W8).
            locked = task and Task.objects.select_for_update().get(pk=task.pk)
            form = TaskForm(instance=locked, data=request.POST)
            sent_before = _sent(locked)
            if not form.is_valid():
                return _show_form(request, form)
            saved = form.save_for(request.user)
    except IntegrityError:
        # Another request took the name or the file in this moment: now the check can see it.
        form = TaskForm(instance=task, data=request.POST)
        form.is_valid()
        return _show_form(request, form)
    messages.success(request, f"{saved.name} was saved.")
    _tell_what_follows(request, form, saved, sent_before)
    return redirect("task-detail", saved.pk)


def _show_form(request: HttpRequest, form: TaskForm) -> HttpResponse:
    task = form.before
    context = {
        "form": form,
        "rows": form.rows,
        "task": task,
        "last_run": task.last_run() if task else None,
    }
    return render(request, "exports/task_form.html", context)


def _tell_what_follows(
    request: HttpRequest, form: TaskForm, task: Task, sent_before: str | None
) -> None:
    for warning in form.warnings():
        messages.warning(request, warning)
    sent = task.rendered_conditions()
    if sent_before is None or sent == sent_before or not _date_was_moved_by_a_run(task):
        return
    window = next_window(task, sent, timezone.now())
    reason = window.reason or "everything since the last typed date, less what already went out."
    messages.info(request, f"The conditions changed. The next run fetches: {reason}")


def _date_was_moved_by_a_run(task: Task) -> bool:
    field = {"modified": "date_modified", "new": "date_created"}.get(task.export)
    newest = task.date_changes.filter(field=field).order_by("-id").first() if field else None
    return newest is not None and newest.origin == DateChange.Origin.RUN


def _sent(task: Task | None) -> str | None:
    try:
        return task.rendered_conditions() if task else None
    except ConditionError:
        return None


def _filter_in_words(task: Task) -> dict[str, Any]:
    """The filter in words and as sent, and the window of the next run."""
    typed = task.saved_conditions()
    try:
        sent = conditions.render(typed, FIELD_KINDS)
    except ConditionError as error:
        return {"condition_error": str(error)}
    return {
        "sent": sent,
        "in_words": conditions.in_words(typed, FIELD_KINDS),
        "window": next_window(task, sent, timezone.now()),
    }
