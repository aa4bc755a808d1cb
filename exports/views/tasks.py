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
from exports.forms.dates import DATES
from exports.forms.task_copies import decided_dates
from exports.forms.tasks import TaskForm
from exports.forms.utc_input import canonical
from exports.models import Connection, DateChange, Installation, Run, Task
from exports.models.sync_window import restart_of
from exports.views.buttons import button
from exports.views.expired_login import take_typed, typed_by
from exports.views.queueing import queue_and_follow
from exports.views.task_description import describe
from exports.views.task_destinations import message_where_files_go
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
    is_despite_restore = "despite_restore" in request.POST
    if not is_despite_restore and (held := Installation.objects.held()):
        return render(request, "exports/backups/run_ask.html", {"task": task, "held": held})
    trigger, user = Run.Trigger.MANUAL, request.user
    return queue_and_follow(
        request,
        lambda: jobs.queue_run(task, trigger, user, is_despite_restore=is_despite_restore),
        back=reverse("task-detail", args=[pk]),
    )


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
            locked = task and Task.objects.select_for_update(no_key=True).get(pk=task.pk)
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
    if task is None:
        message_where_files_go(request, saved)
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
        "source_destinations": form.source.destination_names() if form.source else [],
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
