"""Tasks that are no longer wanted: archived, deleted, restored (rule R7)."""

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from exports.models import Task
from exports.views.buttons import button


@button
def archive_task(request: HttpRequest, pk: int) -> HttpResponse:
    """Archive a task with runs or in a workflow, delete any other, restore an archived one (R7)."""
    with transaction.atomic():
        task = get_object_or_404(Task.objects.select_for_update(no_key=True), pk=pk)
        if active := task.active_run():
            sentence = _("%(run)s is not over yet. Cancel it, then archive again.")
            messages.error(request, sentence % {"run": active})
            return redirect("task-detail", pk)
        if task.archived_at is not None:
            return _restore(request, task)
        users = ", ".join(_users_of(task))
        workflows = ", ".join(task.names_of_workflows())
        if not workflows and not task.runs.exists():
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
    if workflows:
        sentence = _(
            "%(task)s is a step of %(workflows)s and, archived, is skipped there. Take it out of "
            "the workflow on its form, or restore it."
        )
        messages.warning(request, sentence % {"task": task.name, "workflows": workflows})
    return redirect("task-detail", pk)


def _users_of(task: Task) -> list[str]:
    """The names of the tasks that have it as On Failure Task."""
    users = Task.objects.filter(on_failure_task=task, archived_at=None)
    return list(users.order_by("name").values_list("name", flat=True))


def _delete(request: HttpRequest, task: Task, users: str) -> HttpResponse:
    task.remove()
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
    try:
        task.restore()
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
