"""Workflows with a real worker process: it runs them to their end, and another one takes over."""

import time

import pytest

from exports.demo.answers import LIST
from exports.demo.faults import Delay
from exports.demo.server import StandIn
from exports.models import Run, Workflow, WorkflowRun
from exports.workers.workflow_jobs import advance_workflows
from tests.processes import worker_process
from tests.workflows.conftest import end_run, fresh, start, states

pytestmark = pytest.mark.django_db(transaction=True)
_PATIENCE = 600.0


def wait_for(workflow_run: WorkflowRun) -> WorkflowRun:
    deadline = time.monotonic() + _PATIENCE
    while fresh(workflow_run).is_active and time.monotonic() < deadline:
        time.sleep(0.2)
    return fresh(workflow_run)


@pytest.mark.rule("K1", "K4")
def test_worker_runs_all_steps_and_survives_a_kill(workflow: Workflow, stand_in: StandIn) -> None:
    """The first worker is killed within a step; the second one finishes the workflow."""
    run = workflow.queue_run(WorkflowRun.Trigger.SCHEDULE)
    with stand_in.faults.on(Delay(60, on=(LIST,), after=1)), worker_process() as first:
        deadline = time.monotonic() + _PATIENCE
        while not Run.objects.running().filter(page_count__gt=0).exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        first.kill()
        first.wait()
    # Its silence is noticed at once instead of after a minute.
    Run.objects.running().update(heartbeat_at="2020-01-01T00:00:00Z")
    with worker_process():
        ended = wait_for(run)

    assert (ended.status, states(ended)) == ("succeeded", ["succeeded"] * 3)
    assert Run.objects.count() == 3
    assert ended.steps.get(position=1).run.attempt > 1


@pytest.mark.rule("K4")
def test_end_before_a_kill_is_kept(workflow: Workflow) -> None:
    """Killed after a step's end and before the next start: any other worker starts it."""
    run = start(workflow)
    ended = Run.objects.get()
    assert ended.claim("killed")
    ended.succeed("killed", batch_count=0, file_path="a.xml", file_sha256="00")
    assert states(run) == ["running", "waiting", "waiting"]
    with worker_process():
        assert wait_for(run).status == "succeeded"
    assert Run.objects.count() == 3


def test_schedule_only_needs_the_row(workflow: Workflow) -> None:
    """What is queued without a start is begun by whoever looks next."""
    run = workflow.queue_run(WorkflowRun.Trigger.SCHEDULE)
    assert (run.status, Run.objects.count()) == ("queued", 0)
    advance_workflows()
    for _step in range(3):
        end_run("succeeded")
    assert fresh(run).status == "succeeded"
