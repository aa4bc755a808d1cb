"""Tasks: form, page and actions."""

from datetime import datetime

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from exports.connectwise.filter.conditions import ConditionError
from exports.forms.dates import DATES, canonical
from exports.forms.task_copies import decided_dates
from exports.forms.tasks import TaskForm
from exports.models import Connection, DateChange, Run, Task
from exports.models.sync_window import restart_of
from exports.views.buttons import button
from exports.views.expired_login import take_typed, typed_by
from exports.views.queueing import queue_and_follow
from exports.views.task_description import describe
from exports.views.task_page import last_run_of, render_task_page, restart_sentence
from exports.workers import jobs


@require_http_methods(["GET", "POST"])
def create_task(request: HttpRequest) -> HttpResponse:
    if not Connection.objects.exists():
        messages.info(request, _("A task needs a connection to export from. Create one first."))
        return redirect("connection-create")
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
def edit_task(request: HttpRequest, pk: int) -> HttpResponse:
    task = Task.objects.select_related("connection").filter(pk=pk).first()
    if task is None and request.method == "POST":
        return _show_deleted(request)
    if task is None:
        raise Http404
    if task.archived_at is not None:
        archived = _("%(task)s is archived. Restore it to change it.") % {"task": task.name}
        messages.error(request, archived)
        if request.method == "POST":
            return _show_form(request, TaskForm(instance=task, data=_unchecked(request.POST)))
        return redirect("task-detail", pk)
    return _edit(request, task)


@require_http_methods(["GET", "POST"])
def clone_task(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of a new task, filled with the settings of another one."""
    return _edit(request, None, get_object_or_404(Task, pk=pk))


@require_safe
def show_task(request: HttpRequest, pk: int) -> HttpResponse:
    task = get_object_or_404(Task.objects.select_related("connection", "on_failure_task"), pk=pk)
    return render_task_page(request, task)


@button
def run_task(request: HttpRequest, pk: int) -> HttpResponse:
    task = get_object_or_404(Task, pk=pk)
    return queue_and_follow(
        request,
        lambda: jobs.queue_run(task, Run.Trigger.MANUAL, request.user),
        back=reverse("task-detail", args=[pk]),
    )


@button
def archive_task(request: HttpRequest, pk: int) -> HttpResponse:
    """Archive a task with runs, delete one that never ran, restore an archived one (R7)."""
    with transaction.atomic():
        task = get_object_or_404(Task.objects.select_for_update(), pk=pk)
        if active := task.active_run():
            sentence = _("%(run)s is not over yet. Cancel it, then archive again.")
            messages.error(request, sentence % {"run": active})
            return redirect("task-detail", pk)
        if task.archived_at is not None:
            return _restore(request, task)
        users = ", ".join(_users_of(task))
        if not task.runs.exists():
            return _delete(request, task, users)
        task.archive()
    sentence = _("%(task)s is archived. Its runs and files stay in the history.")
    messages.success(request, sentence % {"task": task.name})
    if users:
        sentence = _(
            "%(task)s is the On Failure Task of %(users)s and, archived, no longer runs after a "
            "failure there. Choose another one on the form, or none."
        )
        messages.warning(request, sentence % {"task": task.name, "users": users})
    return redirect("task-detail", pk)


def _users_of(task: Task) -> list[str]:
    """The names of the tasks that have it as On Failure Task."""
    users = Task.objects.filter(on_failure_task=task, archived_at=None)
    return list(users.order_by("name").values_list("name", flat=True))


def _delete(request: HttpRequest, task: Task, users: str) -> HttpResponse:
    task.delete()
    sentence = _("%(task)s was deleted; it had never run.")
    messages.success(request, sentence % {"task": task.name})
    if users:
        sentence = _(
            "%(task)s was the On Failure Task of %(users)s: nothing runs after a failure there "
            "now. Choose another one on the form."
        )
        messages.warning(request, sentence % {"task": task.name, "users": users})
    return redirect("home")


def _restore(request: HttpRequest, task: Task) -> HttpResponse:
    task.archived_at = None
    try:
        with transaction.atomic():
            task.save(update_fields=["archived_at", "output_file_key"])
    except IntegrityError:
        sentence = _(
            "%(task)s cannot be restored: another task exports to %(file)s now. Give that one "
            "another Output File first."
        )
        messages.error(request, sentence % {"task": task.name, "file": task.output_file})
    else:
        sentence = _("%(task)s is back, not enabled yet. Enable it on its form.")
        messages.success(request, sentence % {"task": task.name})
    return redirect("task-detail", task.pk)


def _edit(request: HttpRequest, task: Task | None, source: Task | None = None) -> HttpResponse:
    if request.method == "POST" and "row_action" not in request.POST:
        return _save(request, task, source)
    typed = take_typed(request)
    data = _unchecked(typed) if typed else request.POST if request.method == "POST" else None
    return _show_form(request, TaskForm(instance=task, data=data, source=source))


def _unchecked(typed: QueryDict) -> QueryDict:
    """The form with everything typed and no errors, as after a row button."""
    shown = typed.copy()
    shown["row_action"] = ""
    return shown


def _show_deleted(request: HttpRequest) -> HttpResponse:
    """What was typed for a task that was deleted meanwhile, to be saved as a new one."""
    sentence = _("Somebody deleted this task meanwhile. Save to make a new one of what is here.")
    messages.error(request, sentence)
    form = TaskForm(data=_unchecked(request.POST))
    form.helper.form_action = reverse("task-create")
    return _show_form(request, form)


def _save(request: HttpRequest, task: Task | None, source: Task | None) -> HttpResponse:
    try:
        with transaction.atomic():
            # Locked, so that a run that is ending and a second form wait for this one (W8).
            locked = task and Task.objects.select_for_update().get(pk=task.pk)
            form = TaskForm(instance=locked, data=request.POST, source=source)
            sent_before = _sent(locked)
            form.compare_with_stored()
            if not form.is_valid():
                return _show_form(request, form)
            saved = form.save_for(request.user)
    except IntegrityError:
        # Another request took the name or the file just now: this time the check sees it.
        form = TaskForm(instance=task, data=request.POST, source=source)
        form.compare_with_stored()
        form.is_valid()
        return _show_form(request, form)
    messages.success(request, _("%(task)s was saved.") % {"task": saved.name})
    _message_what_follows(request, form, saved, sent_before)
    return redirect("task-detail", saved.pk)


def _show_form(request: HttpRequest, form: TaskForm) -> HttpResponse:
    """The whole page of the form, with its errors; views/preview.py shows it too."""
    task = form.before
    context = {
        "form": form,
        "rows": form.rows,
        "task": task,
        "typed_by": typed_by(request),
        "source": form.source,
        "source_dates": _source_dates(form),
        "last_run": last_run_of(task) if task else None,
        "problems": form.problems() if form.is_bound else [],
        "description": describe(form),
    }
    return render(request, "exports/task_form/task_form.html", context)


def _source_dates(form: TaskForm) -> list[tuple[str, str, str]]:
    """Each date of a copied task: its label, the copy's value and the source's value."""
    source = form.source
    if source is None:
        return []
    # Needed only when typed values have replaced the initial ones.
    is_first = isinstance(form.initial.get(DATES[0]), datetime)
    decided = form.initial if is_first else decided_dates(source)
    return [
        (
            str(DateChange.DateField(name).label),
            canonical(decided[name]),
            canonical(getattr(source, name)),
        )
        for name in DATES
    ]


def _message_what_follows(
    request: HttpRequest, form: TaskForm, task: Task, sent_before: str | None
) -> None:
    for warning in (*form.taken_over(), *form.warnings()):
        messages.warning(request, warning)
    sent = task.rendered_conditions()
    restart = restart_of(task, sent)
    if restart and (sent != sent_before or restart.company_changed):
        messages.warning(request, restart_sentence(task, restart))


def _sent(task: Task | None) -> str | None:
    try:
        return task.rendered_conditions() if task else None
    except ConditionError:
        return None
