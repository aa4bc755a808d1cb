"""Queues the run of a due time, or records why it was not queued (rule S3)."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from exports.connectwise.filter.conditions import ConditionError
from exports.connectwise.language import gettext as _
from exports.connectwise.language import message_of
from exports.models import DueTime, Run, Schedule, Task, Workflow, WorkflowRun
from exports.models.codes import DueTimeCode
from exports.models.errors import (
    RestoredError,
    RunActiveError,
    TaskUnusableError,
    WorkflowActiveError,
    WorkflowUnusableError,
)
from exports.schedules.recording import record

Queue = Callable[[Task], Run]

_State: Final = DueTime.State


def fire(schedule: Schedule, due_at: datetime, now: datetime, queue: Queue) -> None:
    """In the transaction that moves the schedule on; `queue` undoes what it did when it raises."""
    try:
        run = _queue(schedule.target, queue)
    except RunActiveError as error:
        active = _("Run %(run)s was still active.") % {"run": error.run.pk}
        _skip(schedule, due_at, now, active, error.run)
    except WorkflowActiveError as error:
        active = _("Workflow run %(run)s was still active.") % {"run": error.workflow_run.pk}
        _skip(schedule, due_at, now, active, error.workflow_run)
    except RestoredError as error:
        record(schedule, due_at, now, _State.REFUSED, DueTimeCode.RESTORED, message_of(error))
    except (TaskUnusableError, WorkflowUnusableError) as error:
        code, reason = _why_unusable(schedule.target, str(error))
        record(schedule, due_at, now, _State.REFUSED, code, reason)
    except ConditionError as error:
        record(schedule, due_at, now, _State.REFUSED, DueTimeCode.CONDITIONS, message_of(error))
    else:
        record(schedule, due_at, now, _State.FIRED, run=run)


def _queue(target: Task | Workflow, queue: Queue) -> Run | WorkflowRun:
    if isinstance(target, Task):
        return queue(target)
    return target.queue_run(WorkflowRun.Trigger.SCHEDULE)


def _skip(
    schedule: Schedule, due_at: datetime, now: datetime, reason: str, active: Run | WorkflowRun
) -> None:
    record(schedule, due_at, now, _State.SKIPPED, DueTimeCode.ACTIVE, reason, active)


def _why_unusable(target: Task | Workflow, sentence: str) -> tuple[DueTimeCode, str]:
    # As it is now: it may have changed since the tick read it.
    target.refresh_from_db(fields=["enabled", "archived_at"])
    if target.archived_at is not None:
        message = _("%(name)s is archived. Restore it to run it again.")
        return DueTimeCode.ARCHIVED, message % {"name": target.name}
    if not target.enabled:
        message = _("%(name)s is disabled. Enable it on its form to run it.")
        return DueTimeCode.DISABLED, message % {"name": target.name}
    return DueTimeCode.NOT_QUEUED, sentence
