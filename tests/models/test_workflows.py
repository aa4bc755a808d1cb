"""Workflows and their runs: what may be queued and resumed, and what the database refuses."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction

from exports.models import Run, StepRun, Task, Workflow, WorkflowRun
from exports.models.errors import WorkflowActiveError, WorkflowUnusableError

MakeTask = Callable[..., Task]
MANUAL = WorkflowRun.Trigger.MANUAL


@pytest.fixture
def tasks(make_task: MakeTask) -> list[Task]:
    return [make_task(name=name, output_file=f"{name}.xml") for name in ("First", "Second")]


@pytest.fixture
def workflow(tasks: list[Task]) -> Workflow:
    made = Workflow.objects.create(name="Month end")
    made.replace_steps(tasks)
    return made


def fail(run: WorkflowRun, *states: str) -> None:
    """End the run as failed, its steps in these states."""
    for step, state in zip(run.steps.order_by("position"), states, strict=True):
        step.leave_out(state, "why", "code")
    run.finish(WorkflowRun.Status.FAILED, error="why", code="code")


@pytest.mark.rule("K1")
def test_run_keeps_the_steps_of_its_start(workflow: Workflow, tasks: list[Task]) -> None:
    run = workflow.queue_run(MANUAL)
    workflow.replace_steps([tasks[1], tasks[1], tasks[0]])

    assert [task.name for task in workflow.tasks()] == ["Second", "Second", "First"]
    steps = run.steps.order_by("position")
    assert [(step.position, step.task_name, step.state) for step in steps] == [
        (1, "First", "waiting"),
        (2, "Second", "waiting"),
    ]


@pytest.mark.rule("K1")
def test_second_active_run_is_refused(workflow: Workflow) -> None:
    run = workflow.queue_run(MANUAL)

    with pytest.raises(WorkflowActiveError) as refused:
        workflow.queue_run(MANUAL)
    assert refused.value.workflow_run == run
    with pytest.raises(IntegrityError), transaction.atomic():
        WorkflowRun.objects.create(workflow=workflow, workflow_name="x", trigger=MANUAL)

    run.finish(WorkflowRun.Status.SUCCEEDED)
    assert workflow.queue_run(MANUAL).pk > run.pk


@pytest.mark.rule("K1")
def test_unusable_workflows_say_why(workflow: Workflow, tasks: list[Task]) -> None:
    def refusal() -> str:
        with pytest.raises(WorkflowUnusableError) as refused:
            workflow.queue_run(MANUAL)
        return str(refused.value)

    Task.objects.update(enabled=False)
    assert refusal().startswith("No task of Month end is enabled")
    workflow.replace_steps([])
    assert refusal() == "Month end has no steps. Add a task on its form."
    Workflow.objects.update(enabled=False)
    assert refusal() == "Month end is disabled. Enable it on its form to run it."
    workflow.archive()
    assert refusal() == "Month end is archived. Restore it to run it again."
    assert not WorkflowRun.objects.exists()


@pytest.mark.rule("K3")
def test_resumed_run_keeps_earlier_results(workflow: Workflow) -> None:
    failed = workflow.queue_run(MANUAL)
    fail(failed, "skipped", "failed")
    resumed = workflow.resume(failed)

    assert (resumed.trigger, resumed.resumed_from) == ("resume", failed)
    steps = resumed.steps.order_by("position")
    assert [(step.state, step.is_kept, step.reason_code) for step in steps] == [
        ("skipped", True, "code"),
        ("waiting", False, ""),
    ]


@pytest.mark.rule("K3")
def test_only_newest_failed_run_is_resumed(workflow: Workflow) -> None:
    failed = workflow.queue_run(MANUAL)
    with pytest.raises(WorkflowActiveError):
        workflow.resume(failed)
    fail(failed, "failed", "not_started")
    Workflow.objects.update(can_resume_from_failure=False)
    with pytest.raises(WorkflowUnusableError, match="starts anew after a failure"):
        workflow.resume(failed)
    Workflow.objects.update(can_resume_from_failure=True)

    again = workflow.resume(failed)
    again.finish(WorkflowRun.Status.SUCCEEDED)
    with pytest.raises(WorkflowUnusableError, match="has run since"):
        workflow.resume(failed)
    with pytest.raises(WorkflowUnusableError, match="Only a run that failed"):
        workflow.resume(again)


@pytest.mark.rule("K1")
def test_database_refuses_impossible_steps(workflow: Workflow, tasks: list[Task]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        workflow.replace_steps([tasks[0]] * 21)
    steps = StepRun.objects.filter(workflow_run=workflow.queue_run(MANUAL))
    for wrong in (
        {"state": "running"},
        {"state": "skipped"},
        {"state": "unknown"},
        {"position": 7},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            steps.update(**wrong)


def test_verbs_change_only_the_expected_state(workflow: Workflow, tasks: list[Task]) -> None:
    workflow_run = workflow.queue_run(MANUAL)
    step = workflow_run.steps.get(position=1)
    stale = StepRun.objects.get(pk=step.pk)
    run = tasks[0].queue_run(Run.Trigger.WORKFLOW)

    assert workflow_run.begin()
    assert not workflow_run.begin()
    assert step.start(run)
    assert not stale.start(run)
    assert not stale.leave_out("skipped", "why", "code")
    assert step.finish("succeeded")
    assert not stale.finish("failed")
    assert workflow_run.cancel()
    assert not workflow_run.cancel()
    assert workflow_run.finish("cancelled")
    assert not workflow_run.finish("succeeded")
