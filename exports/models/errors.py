"""Errors for what a task or a workflow does not allow in its current state."""

from datetime import UTC, datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.connectwise.language import gettext
from exports.models.runs import Run
from exports.models.workflow_runs import WorkflowRun

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


class WorkflowUnusableError(Exception):
    """The workflow cannot be run in its current state; `str()` says why and what to do."""


class RestoredError(TaskUnusableError, WorkflowUnusableError):
    """The installation was restored from a backup, and nobody has confirmed it (rule B3)."""

    def __init__(self, made_at: datetime) -> None:
        message = gettext(
            "This installation was restored from a backup of %(time)s UTC, and nobody has "
            "confirmed yet that exports may go on: what was exported since then would be exported "
            "again. An administrator looks at Settings > Backups first."
        )
        super().__init__(message % {"time": f"{made_at.astimezone(UTC):%Y-%m-%d %H:%M}"})


class WorkflowActiveError(Exception):
    """The workflow already has an active run, which `workflow_run` names (rule K1)."""

    def __init__(self, workflow_run: WorkflowRun) -> None:
        super().__init__(_("%(run)s is not over yet.") % {"run": workflow_run})
        self.workflow_run = workflow_run
