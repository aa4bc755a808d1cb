"""What comes next in a workflow run: decided from its rows alone, changing nothing."""

from enum import Enum, auto

from exports.connectwise.language import gettext as _
from exports.connectwise.language import joined
from exports.models import Run, StepRun, WorkflowRun
from exports.models.codes import StepCode, WorkflowErrorCode

_State = StepRun.State
_Status = WorkflowRun.Status


class Move(Enum):
    START_STEP = auto()
    FINISH_STEP = auto()
    CANCEL_RUN = auto()
    DROP_REST = auto()
    FINISH = auto()


def present_step(workflow_run: WorkflowRun) -> StepRun | None:
    """The step that runs or comes next; None after the last one."""
    steps = workflow_run.steps.filter(state__in=(_State.WAITING, _State.RUNNING))
    return steps.select_related("task", "run").order_by("position").first()


def next_move(workflow_run: WorkflowRun, step: StepRun | None) -> Move | None:
    """None while there is nothing to do but wait."""
    is_cancelled = workflow_run.cancel_requested_at is not None
    if step is None:
        return Move.FINISH
    if step.run is not None:
        return _move_of_running(step.run, is_cancelled)
    if is_cancelled:
        return Move.DROP_REST
    return None if _waits_already(step) else Move.START_STEP


def _move_of_running(run: Run, is_cancelled: bool) -> Move | None:
    if not run.is_active:
        return Move.FINISH_STEP
    if is_cancelled and run.cancel_requested_at is None:
        return Move.CANCEL_RUN
    return None


def _waits_already(step: StepRun) -> bool:
    """Whether it says that its task is active elsewhere, and the task still is (K2)."""
    says_so = step.reason_code == StepCode.TASK_ACTIVE
    return says_so and step.task is not None and step.task.runs.active().exists()


def result_of(workflow_run: WorkflowRun) -> tuple[str, str, str]:
    """The status of a workflow run whose steps are all over, with the reason and code of a failure.

    One failed step makes a failure of it, even where the steps behind it went on.
    """
    steps = list(workflow_run.steps.order_by("position"))
    states = {step.state for step in steps}
    was_cancelled = any(step.reason_code == StepCode.CANCELLED for step in steps)
    if was_cancelled or _State.CANCELLED in states:
        return _Status.CANCELLED, "", ""
    failed = next((step for step in steps if step.state == _State.FAILED), None)
    if failed is not None:
        return _Status.FAILED, failure_sentence(failed), WorkflowErrorCode.STEP_FAILED
    if _State.SUCCEEDED not in states:
        sentence = _(
            "Every step was skipped, so that nothing ran. Enable the tasks on their forms."
        )
        return _Status.FAILED, sentence, WorkflowErrorCode.NOTHING_RAN
    return _Status.SUCCEEDED, "", ""


def failure_sentence(step: StepRun) -> str:
    named = {"position": step.position, "task": step.task_name}
    return joined([_("Step %(position)s, %(task)s, failed.") % named, step.reason])
