"""A task's dates on its page: set them, undo a change, start from now on (rules W8, W9)."""

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from exports.connectwise.filter.conditions import ConditionError
from exports.forms.dates import DATES, DatesForm
from exports.models import DateChange, Task
from exports.models.errors import TaskUnusableError
from exports.models.sync_window import restart_of
from exports.outside_numbers import read_id
from exports.templatetags.formatting import utc_words
from exports.views.buttons import button
from exports.views.task_page import render_task_page


@button
@transaction.atomic
def change_dates(request: HttpRequest, pk: int) -> HttpResponse:
    task = _locked(pk)
    if task.archived_at is not None:
        message = _("%(task)s is archived. Restore it to change its dates.")
        messages.error(request, message % {"task": task})
        return redirect("task-detail", pk)
    form = DatesForm(task, request.POST)
    if not form.is_valid():
        # Validation wrote the typed values into the instance; the page shows the stored ones.
        return render_task_page(request, Task.objects.get(pk=pk), form)
    saved = form.save_typed(request.user)
    typed = [name for name in DATES if getattr(saved, name) != getattr(form.before, name)]
    for name in typed:
        message = _("%(date)s of %(task)s is now %(moment)s.")
        moment = utc_words(getattr(saved, name))
        label = form.fields[name].label
        messages.success(request, message % {"date": label, "task": task, "moment": moment})
    if not typed:
        messages.info(request, _("The dates of %(task)s stand as they were.") % {"task": task})
    return redirect("task-detail", pk)


@button
@transaction.atomic
def undo_date(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo the change that the page showed; a second click must not undo the change before it."""
    task = _locked(pk)
    change = _change(task, request.POST.get("change", ""))
    newest = DateChange.objects.in_force(task.pk, change.field).first()
    label = change.get_field_display()
    if newest is None or newest.pk != change.pk:
        message = _("Nothing was undone: this is no longer the newest change of %(date)s.")
        messages.info(request, message % {"date": label})
        return redirect("task-detail", pk)
    try:
        task.undo_date(change.field, request.user)
    except TaskUnusableError as error:
        messages.error(request, str(error))
    else:
        message = _("%(date)s of %(task)s is back at %(moment)s.")
        back = utc_words(getattr(task, change.field))
        messages.success(request, message % {"date": label, "task": task, "moment": back})
    return redirect("task-detail", pk)


@button
@transaction.atomic
def start_from_now(request: HttpRequest, pk: int) -> HttpResponse:
    """After changed conditions: continue from the current date and skip older batches (W9)."""
    task = _locked(pk)
    try:
        restart = restart_of(task, task.rendered_conditions())
        if restart is None:
            message = _("The next run of %(task)s goes on from its date already.")
            messages.info(request, message % {"task": task})
            return redirect("task-detail", pk)
        task.start_from_now(restart.field, request.user)
    except (TaskUnusableError, ConditionError) as error:
        messages.error(request, str(error))
    else:
        message = _("The next run of %(task)s goes on from %(moment)s.")
        moment = utc_words(getattr(task, restart.field))
        messages.success(request, message % {"task": task, "moment": moment})
    return redirect("task-detail", pk)


def _locked(pk: int) -> Task:
    # Queueing a run takes the same lock, so a date never moves while a run is being queued.
    return get_object_or_404(Task.objects.select_for_update(no_key=True), pk=pk)


def _change(task: Task, number: str) -> DateChange:
    if (change_id := read_id(number)) is None:
        raise Http404
    return get_object_or_404(task.date_changes, pk=change_id)
