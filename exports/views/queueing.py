"""Queueing a run from a page: what it answers when that works, and when it does not."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from exports.connectwise.conditions import ConditionError
from exports.models import Run
from exports.models.tasks import RunActiveError, TaskUnusableError

# Said of a run that goes on: base.html shows it no more when the page's run is over.
WHILE_ACTIVE = "while-active"


def queue_and_follow(
    request: HttpRequest, queue: Callable[[], Run], *, back: str, what: str = "started"
) -> HttpResponse:
    """Go to the run that `queue` makes, or to the one in its way; `back` when it is refused."""
    try:
        run = queue()
    except RunActiveError as error:
        run = error.run
        sentence = f"{run.task_name} is already running: this is {run}."
    except (TaskUnusableError, ConditionError) as error:
        messages.error(request, str(error))
        return redirect(back)
    else:
        sentence = f"{run} {what}."
    messages.info(request, sentence, extra_tags=WHILE_ACTIVE)
    return redirect("run-detail", run.pk)
