"""Errors for what a task does not allow in its current state."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.models.runs import Run

_ALREADY_ACTIVE = {
    Run.Status.QUEUED: gettext_noop("%(run)s is already queued."),
    Run.Status.RUNNING: gettext_noop("%(run)s is already running."),
}
_DATES_HELD = {
    Run.Status.QUEUED: gettext_noop(
        "%(run)s is queued. Change the date when it is over, or cancel it."
    ),
    Run.Status.RUNNING: gettext_noop(
        "%(run)s is running. Change the date when it is over, or cancel it."
    ),
}


class TaskUnusableError(Exception):
    """The task cannot be used in its current state; `str()` says why and what to do."""


class RunActiveError(Exception):
    """The task already has an active run, which `run` names (rule R1)."""

    def __init__(self, run: Run) -> None:
        super().__init__(_(_ALREADY_ACTIVE[Run.Status(run.status)]) % {"run": run})
        self.run = run


class DatesHeldError(TaskUnusableError):
    """A run that is queued or running may move the task's dates (rule W8)."""

    def __init__(self, run: Run) -> None:
        super().__init__(_(_DATES_HELD[Run.Status(run.status)]) % {"run": run})
