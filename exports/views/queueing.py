"""Queues a run of a task or a workflow from a page, and answers whether or not that works."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from exports.connectwise.filter.conditions import ConditionError
from exports.models import Run, WorkflowRun
from exports.models.errors import (
    RunActiveError,
    TaskUnusableError,
    WorkflowActiveError,
    WorkflowUnusableError,
)

# A message about an active run: base.html hides it once that run is over.
WHILE_ACTIVE = "while-active"


def queue_and_follow(request: HttpRequest, queue: Callable[[], Run], *, back: str) -> HttpResponse:
    """Go to the run that `queue` makes, or to the one in its way; to `back` when it is refused."""
    try:
        run = queue()
    except RunActiveError as error:
        run = error.run
        named = {"task": run.task_name, "run": run}
        sentence = _("%(task)s is already running: this is %(run)s.") % named
    except (TaskUnusableError, ConditionError) as error:
        messages.error(request, str(error))
        return redirect(back)
    else:
        sentence = _begun(run)
    messages.info(request, sentence, extra_tags=WHILE_ACTIVE)
    return redirect("run-detail", run.pk)


def start_and_follow(
    request: HttpRequest, start: Callable[[], WorkflowRun], *, back: str
) -> HttpResponse:
    """As `queue_and_follow`, for a workflow."""
    try:
        workflow_run = start()
    except WorkflowActiveError as error:
        workflow_run = error.workflow_run
        named = {"workflow": workflow_run.workflow_name, "run": workflow_run}
        sentence = _("%(workflow)s is already running: this is %(run)s.") % named
    except WorkflowUnusableError as error:
        messages.error(request, str(error))
        return redirect(back)
    else:
        sentence = _("%(run)s started.") % {"run": workflow_run}
    messages.info(request, sentence, extra_tags=WHILE_ACTIVE)
    return redirect("workflow-run-detail", workflow_run.pk)


def _begun(run: Run) -> str:
    if run.reexport_of_id:
        sentence = _("%(run)s exports the batches of run %(earlier)s again.")
        return sentence % {"run": run, "earlier": run.reexport_of_id}
    if run.is_reexport:
        return _("%(run)s exports the chosen batches again.") % {"run": run}
    return _("%(run)s started.") % {"run": run}
