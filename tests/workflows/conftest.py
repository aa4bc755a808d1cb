"""A workflow of three tasks, and what workers do to its steps, done by the test itself."""

import pytest

from exports.models import Run, StepRun, Task, Workflow, WorkflowRun
from exports.workers.workflow_jobs import advance_workflows, start_workflow
from tests.conftest import MakeTask

NAMES = ("First", "Second", "Third")


@pytest.fixture
def tasks(make_task: MakeTask) -> list[Task]:
    return [make_task(name=name, output_file=f"{name}.xml") for name in NAMES]


@pytest.fixture
def workflow(tasks: list[Task]) -> Workflow:
    made = Workflow.objects.create(name="Month end")
    made.replace_steps(tasks)
    return made


def start(workflow: Workflow) -> WorkflowRun:
    return start_workflow(workflow, WorkflowRun.Trigger.MANUAL)


def end_run(status: str) -> None:
    """End the one active run of a step, as its worker would, and look what comes next."""
    run = Run.objects.active().get(trigger="workflow")
    set_over(run, status)
    advance_workflows()


def set_over(run: Run, status: str) -> None:
    if status == "cancelled":
        run.cancel()
        return
    assert run.claim("worker")
    if status == "failed":
        run.fail("worker", "ConnectWise refused.", code="connectwise.forbidden")
    else:
        run.succeed("worker", batch_count=3, file_path="a.xml", file_sha256="00")


def states(workflow_run: WorkflowRun) -> list[str]:
    return [step.state for step in steps(workflow_run)]


def steps(workflow_run: WorkflowRun) -> list[StepRun]:
    return list(workflow_run.steps.select_related("run").order_by("position"))


def fresh(workflow_run: WorkflowRun) -> WorkflowRun:
    return WorkflowRun.objects.get(pk=workflow_run.pk)
