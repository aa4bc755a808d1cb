"""Random histories of workflow runs, with processes that are killed at any statement."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count, pairwise
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exports.models import Run, StepRun, Task, Workflow, WorkflowRun
from exports.models.errors import RunActiveError, TaskUnusableError
from exports.workers import jobs
from exports.workflows.advancing import advance
from tests.workers.processes import together
from tests.workflows.conftest import set_over, start, states

_OVER = {"succeeded", "failed", "skipped", "cancelled", "not_started"}
_ENDS = ("succeeded", "failed", "cancelled")
_ACTIONS = (*_ENDS, "look", "look", "cancel workflow", "toggle", "start elsewhere", "end elsewhere")


class Killed(BaseException):
    """The process is gone; what it had not committed is too."""


@contextmanager
def killed_at(statement: int) -> Iterator[None]:
    """End the block at its nth statement, as if the process had been killed there."""
    numbers = count(1)

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "SAVEPOINT" not in sql and next(numbers) == statement:
            raise Killed
        return execute(sql, params, many, context)

    with suppress(Killed), transaction.atomic(), connection.execute_wrapper(wrapper):
        yield


def act(workflow_run: WorkflowRun, tasks: list[Task], action: str, number: int) -> None:
    task = Task.objects.get(pk=tasks[number % len(tasks)].pk)
    own = Run.objects.active().filter(trigger="workflow").first()
    other = Run.objects.active().exclude(trigger="workflow").first()
    if action in _ENDS and own:
        set_over(own, action)
    elif action == "cancel workflow":
        workflow_run.cancel()
    elif action == "toggle":
        Task.objects.filter(pk=task.pk).update(enabled=not task.enabled)
    elif action == "start elsewhere":
        with suppress(RunActiveError, TaskUnusableError):
            jobs.queue_run(task, Run.Trigger.MANUAL)
    elif action == "end elsewhere" and other:
        set_over(other, _ENDS[number % 3])


def check(workflow_run: WorkflowRun) -> None:
    """Nothing is lost, nothing repeated, nothing out of order, at any moment."""
    steps = list(workflow_run.steps.select_related("run", "task").order_by("position"))
    runs = [step.run_id for step in steps if step.run_id]
    own = Run.objects.filter(trigger="workflow").order_by("id").values_list("pk", flat=True)
    assert runs == list(own)
    shown = [step.state for step in steps]
    over = next((at for at, state in enumerate(shown) if state not in _OVER), len(shown))
    assert set(shown[over + 1 :]) <= {"waiting"}
    for before, after in pairwise(steps):
        stops = before.state == "failed" and before.task and before.task.break_on_failure
        if stops or before.state in ("cancelled", "not_started"):
            assert after.state == "not_started"
    for step in steps:
        if step.state in _ENDS and step.run is not None:
            assert step.run.status == step.state
    workflow_run.refresh_from_db()
    assert workflow_run.is_active or over == len(shown)


def finish(workflow_run: WorkflowRun) -> None:
    """Everything active ends well; then the workflow is over after a bounded number of looks."""
    for _look in range(2 * workflow_run.steps.count() + 2):
        for run in Run.objects.active():
            set_over(run, "succeeded")
        advance(workflow_run.pk)
    workflow_run.refresh_from_db()
    assert not workflow_run.is_active
    shown = set(states(workflow_run))
    if workflow_run.status == "succeeded":
        assert shown <= {"succeeded", "skipped"}
    elif workflow_run.error_code == "workflow.step_failed":
        assert "failed" in shown


@pytest.mark.rule("K1", "K2", "K4")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.lists(st.integers(0, 2), min_size=1, max_size=5),
    breaks=st.tuples(*[st.booleans()] * 3),
    actions=st.lists(
        st.tuples(st.sampled_from(_ACTIONS), st.integers(0, 5), st.integers(0, 25)), max_size=25
    ),
)
def test_any_history_loses_and_repeats_nothing(
    tasks: list[Task],
    order: list[int],
    breaks: tuple[bool, ...],
    actions: list[tuple[str, int, int]],
) -> None:
    with transaction.atomic():
        for task, breaks_off in zip(tasks, breaks, strict=True):
            Task.objects.filter(pk=task.pk).update(break_on_failure=breaks_off)
        workflow = Workflow.objects.create(name="Month end")
        workflow.replace_steps([tasks[number] for number in order])
        workflow_run = workflow.queue_run(WorkflowRun.Trigger.MANUAL)
        for action, number, statement in actions:
            act(workflow_run, tasks, action, number)
            with killed_at(statement):
                advance(workflow_run.pk)
            check(workflow_run)
        finish(workflow_run)
        check(workflow_run)
        transaction.set_rollback(True)


@pytest.mark.rule("K1", "K4")
@pytest.mark.django_db(transaction=True)
def test_many_at_once_start_each_step_once(workflow: Workflow) -> None:
    """As on several hosts: every process looks at the same moment."""
    workflow_run = start(workflow)
    for _step in range(3):
        set_over(Run.objects.active().get(), "succeeded")
        together(4, lambda _number: advance(workflow_run.pk))

    workflow_run.refresh_from_db()
    assert (workflow_run.status, states(workflow_run)) == ("succeeded", ["succeeded"] * 3)
    assert Run.objects.count() == 3


@pytest.mark.rule("K1")
@pytest.mark.django_db(transaction=True)
def test_many_starts_at_once_make_one_run(workflow: Workflow) -> None:
    refused = []

    def begin(number: int) -> None:
        try:
            start(workflow)
        except Exception as error:
            refused.append(type(error).__name__)

    together(4, begin)

    assert refused == ["WorkflowActiveError"] * 3
    assert (WorkflowRun.objects.count(), StepRun.objects.count(), Run.objects.count()) == (1, 3, 1)
