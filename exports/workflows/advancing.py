"""Advances workflow runs: what comes next, in one transaction each time (rules K2 and K4).

Any process may call `advance` at any time and as often as it likes. The row of the workflow run is
locked while rows change, so that two callers take turns, and a process that is killed has done all
of a move or nothing of it. No process ever holds a workflow run; there is none to lose.
"""

from django.db import transaction

from exports.connectwise.filter.conditions import ConditionError
from exports.connectwise.language import Message, message_of
from exports.connectwise.language import gettext as _
from exports.models import Run, StepRun, Task, WorkflowRun
from exports.models.codes import StepCode
from exports.models.errors import RunActiveError, TaskUnusableError
from exports.models.events import record_workflow_end
from exports.workflows.moves import Move, next_move, present_step, result_of

_OVER = {
    Run.Status.SUCCEEDED: StepRun.State.SUCCEEDED,
    Run.Status.FAILED: StepRun.State.FAILED,
    Run.Status.CANCELLED: StepRun.State.CANCELLED,
}


def advance(workflow_run_id: int) -> Run | None:
    """Do what comes next, until there is nothing to do but wait.

    Returns the run of a step it queued; the caller enqueues it after the commit. If that fails,
    the recovery does.
    """
    found = WorkflowRun.objects.active().filter(pk=workflow_run_id).first()
    # Most calls find nothing to do, and need no lock to see that.
    if found is None or not _is_due(found):
        return None
    with transaction.atomic():
        active = WorkflowRun.objects.active().select_for_update(no_key=True)
        workflow_run = active.filter(pk=workflow_run_id).first()
        return _advance_locked(workflow_run) if workflow_run else None


def _is_due(workflow_run: WorkflowRun) -> bool:
    return next_move(workflow_run, present_step(workflow_run)) is not None


def _advance_locked(workflow_run: WorkflowRun) -> Run | None:
    workflow_run.begin()
    while True:
        step = present_step(workflow_run)
        match next_move(workflow_run, step):
            case Move.FINISH:
                _finish(workflow_run)
                return None
            case Move.START_STEP if step:
                if run := _start(workflow_run, step):
                    return run
            case Move.FINISH_STEP if step:
                _finish_step(workflow_run, step)
            case Move.CANCEL_RUN if step and step.run:
                step.run.cancel(workflow_run.cancel_requested_by)
                if step.run.is_active:
                    return None
            case Move.DROP_REST:
                sentence = _("The workflow was cancelled before this step.")
                workflow_run.steps.all().drop_waiting(sentence, StepCode.CANCELLED)
            case _:
                return None


def _start(workflow_run: WorkflowRun, step: StepRun) -> Run | None:
    """Queue the step's run; without one the step was skipped, failed or waits, and says why."""
    if step.task is None:
        _skip(step, _("%(task)s was deleted."), StepCode.TASK_DELETED)
        return None
    try:
        run = step.task.queue_run(Run.Trigger.WORKFLOW, workflow_run.requested_by)
    except RunActiveError:
        sentence = _("%(task)s is active elsewhere. This step starts when that run is over.")
        step.wait(sentence % {"task": step.task_name}, StepCode.TASK_ACTIVE)
    except TaskUnusableError:
        _skip_unusable(step, step.task)
    except ConditionError as error:
        step.leave_out(StepRun.State.FAILED, message_of(error), StepCode.CONDITIONS_INVALID)
        _break_on_failure(workflow_run, step)
    else:
        step.start(run)
        return run
    return None


def _skip_unusable(step: StepRun, task: Task) -> None:
    if Task.objects.filter(pk=task.pk, archived_at=None).exists():
        _skip(step, _("%(task)s is not enabled."), StepCode.TASK_DISABLED)
    else:
        _skip(step, _("%(task)s is archived."), StepCode.TASK_ARCHIVED)


def _skip(step: StepRun, reason: Message, code: str) -> None:
    step.leave_out(StepRun.State.SKIPPED, reason % {"task": step.task_name}, code)


def _finish_step(workflow_run: WorkflowRun, step: StepRun) -> None:
    """End the step as its run has ended, and the steps behind it where that says so."""
    run = step.run
    if run is None or not step.finish(_OVER[Run.Status(run.status)], run.error, run.error_code):
        return
    if step.state == StepRun.State.FAILED:
        _break_on_failure(workflow_run, step)
    elif step.state == StepRun.State.CANCELLED:
        sentence = _("Step %(position)s, %(task)s, was cancelled.")
        _drop_rest(workflow_run, step, sentence)


def _break_on_failure(workflow_run: WorkflowRun, step: StepRun) -> None:
    """Start no further step if the task says so, now and not when the workflow began."""
    if step.task is None or step.task.break_on_failure:
        sentence = _("Step %(position)s, %(task)s, failed, and its task has Break on Failure.")
        _drop_rest(workflow_run, step, sentence)


def _drop_rest(workflow_run: WorkflowRun, step: StepRun, sentence: str) -> None:
    named = {"position": step.position, "task": step.task_name}
    workflow_run.steps.all().drop_waiting(sentence % named, StepCode.BROKEN_OFF)


def _finish(workflow_run: WorkflowRun) -> None:
    """End the workflow run, and tell of a failure or of the first success after one (N3)."""
    status, error, code = result_of(workflow_run)
    if not workflow_run.finish(status, error=error, code=code):
        return
    if status == WorkflowRun.Status.FAILED:
        record_workflow_end(workflow_run, has_failed=True, reason=error)
    elif status == WorkflowRun.Status.SUCCEEDED:
        record_workflow_end(workflow_run, has_failed=False)
