"""Runs several tasks at once: each is queued or refused by itself, and the page says which."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports.connectwise.filter.conditions import ConditionError
from exports.models import Installation, Run, Task
from exports.models.errors import RestoredError, RunActiveError, TaskUnusableError
from exports.outside_numbers import read_id
from exports.views.buttons import button, page_with_button
from exports.workers import jobs

# More than a page shows.
MAX_SELECTED = 100


@button
def run_selected(request: HttpRequest) -> HttpResponse:
    back = redirect(page_with_button(request))
    asked = request.POST.getlist("task")[: MAX_SELECTED + 1]
    ids = {pk for pk in map(read_id, asked) if pk is not None}
    tasks = list(Task.objects.filter(pk__in=ids).order_by("name"))
    if not tasks:
        messages.error(request, _("No task is selected: tick the ones to run, then run them."))
    elif len(asked) > MAX_SELECTED:
        sentence = _("Select at most %(most)s tasks at once; none of these was started.")
        messages.error(request, sentence % {"most": MAX_SELECTED})
    elif (held := Installation.objects.held()) and held.restored_from:
        messages.error(request, str(RestoredError(held.restored_from)))
    else:
        _run_each(request, tasks)
    return back


def _run_each(request: HttpRequest, tasks: list[Task]) -> None:
    started, refused = [], []
    for task in tasks:
        try:
            started.append(jobs.queue_run(task, Run.Trigger.MANUAL, request.user).task_name)
        except RunActiveError as error:
            named = {"task": task.name, "run": error.run}
            refused.append(_("%(task)s is already running: %(run)s.") % named)
        except (TaskUnusableError, ConditionError) as error:
            refused.append(_named(task, str(error)))
    if started:
        sentence = ngettext(
            "%(count)s run started: %(tasks)s.", "%(count)s runs started: %(tasks)s.", len(started)
        )
        messages.success(request, sentence % {"count": len(started), "tasks": ", ".join(started)})
    for sentence in refused:
        messages.warning(request, sentence)


def _named(task: Task, sentence: str) -> str:
    return sentence if task.name in sentence else f"{task.name}: {sentence}"
