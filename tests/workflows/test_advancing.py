"""What follows the end of a step: the next one, nothing, or a wait."""

from datetime import timedelta

import pytest
from django.utils import timezone

from exports.models import Condition, Run, Task, Workflow
from exports.workers import jobs, recovery
from exports.workers.workflow_jobs import (
    advance_workflow,
    advance_workflows,
    cancel_workflow,
    resume_workflow,
)
from tests.workflows.conftest import end_run, fresh, set_over, start, states, steps

pytestmark = pytest.mark.django_db


@pytest.mark.rule("K1")
def test_steps_run_one_after_another(workflow: Workflow) -> None:
    run = start(workflow)
    assert (fresh(run).status, states(run)) == ("running", ["running", "waiting", "waiting"])
    end_run("succeeded")
    assert states(run) == ["succeeded", "running", "waiting"]
    end_run("succeeded")
    end_run("succeeded")

    assert (fresh(run).status, states(run)) == ("succeeded", ["succeeded"] * 3)
    made = Run.objects.order_by("id").values_list("task_name", "trigger")
    assert list(made) == [(name, "workflow") for name in ("First", "Second", "Third")]
    assert fresh(run).finished_at is not None


@pytest.mark.rule("K2")
def test_break_on_failure_ends_the_workflow(workflow: Workflow) -> None:
    run = start(workflow)
    end_run("succeeded")
    end_run("failed")

    assert states(run) == ["succeeded", "failed", "not_started"]
    after = fresh(run)
    assert (after.status, after.error_code) == ("failed", "workflow.step_failed")
    assert after.error == "Step 2, Second, failed. ConnectWise refused."
    failed, dropped = steps(run)[1:]
    assert (failed.reason, failed.reason_code) == ("ConnectWise refused.", "connectwise.forbidden")
    assert dropped.reason == "Step 2, Second, failed, and its task has Break on Failure."


@pytest.mark.rule("K2")
def test_without_it_the_next_step_goes_on(workflow: Workflow, tasks: list[Task]) -> None:
    run = start(workflow)
    Task.objects.filter(pk=tasks[0].pk).update(break_on_failure=False)
    end_run("failed")
    end_run("succeeded")
    end_run("succeeded")

    assert states(run) == ["failed", "succeeded", "succeeded"]
    assert fresh(run).error == "Step 1, First, failed. ConnectWise refused."


@pytest.mark.rule("K2")
def test_disabled_and_archived_tasks_are_skipped(workflow: Workflow, tasks: list[Task]) -> None:
    Task.objects.filter(pk=tasks[0].pk).update(enabled=False)
    tasks[2].archive()
    run = start(workflow)
    end_run("succeeded")

    assert (fresh(run).status, states(run)) == ("succeeded", ["skipped", "succeeded", "skipped"])
    assert [(step.reason, step.reason_code) for step in steps(run)[::2]] == [
        ("First is not enabled.", "step.task_disabled"),
        ("Third is archived.", "step.task_archived"),
    ]


@pytest.mark.rule("K2")
def test_workflow_without_a_run_failed(workflow: Workflow) -> None:
    """What ran nothing is no success, even if every task was switched off on purpose."""
    run = workflow.queue_run("manual")
    Task.objects.update(enabled=False)
    advance_workflows()

    assert (fresh(run).status, fresh(run).error_code) == ("failed", "workflow.nothing_ran")
    assert "Enable the tasks" in fresh(run).error


@pytest.mark.rule("K2")
def test_deleted_task_is_skipped(workflow: Workflow, tasks: list[Task]) -> None:
    run = start(workflow)
    workflow.replace_steps([tasks[0], tasks[2]])
    tasks[1].delete()
    end_run("succeeded")

    assert steps(run)[1].reason == "Second was deleted."
    assert states(run) == ["succeeded", "skipped", "running"]


@pytest.mark.rule("K2")
def test_task_active_elsewhere_is_waited_for(workflow: Workflow, tasks: list[Task]) -> None:
    elsewhere = jobs.queue_run(tasks[0], Run.Trigger.MANUAL)
    run = start(workflow)
    for _look in range(3):
        advance_workflows()
    assert (fresh(run).status, states(run)[0]) == ("running", "waiting")
    assert steps(run)[0].reason_code == "step.task_active"

    set_over(elsewhere, "failed")
    advance_workflows()
    first = steps(run)[0]
    assert (first.state, first.reason, first.reason_code) == ("running", "", "")
    assert first.run != elsewhere


@pytest.mark.rule("K2")
def test_conditions_that_cannot_be_sent_fail_the_step(
    workflow: Workflow, tasks: list[Task]
) -> None:
    Condition.objects.create(task=tasks[0], position=0, field="id", comparison="Equal", value="x")
    run = start(workflow)

    assert states(run) == ["failed", "not_started", "not_started"]
    assert steps(run)[0].reason_code == "step.conditions_invalid"
    assert fresh(run).status == "failed"


@pytest.mark.rule("K2", "R6")
def test_on_failure_task_of_a_step_runs(workflow: Workflow, tasks: list[Task]) -> None:
    """It may be a later step: that one waits for it and then runs."""
    Task.objects.filter(pk=tasks[0].pk).update(on_failure_task=tasks[1], break_on_failure=False)
    run = start(workflow)
    first = Run.objects.get()
    set_over(first, "failed")
    jobs.follow_up(first)
    advance_workflows()
    repair = Run.objects.get(trigger="failure")
    assert (repair.task, states(run)) == (tasks[1], ["failed", "waiting", "waiting"])

    set_over(repair, "succeeded")
    advance_workflows()
    assert states(run) == ["failed", "running", "waiting"]


@pytest.mark.rule("K4")
def test_cancel_ends_present_step_and_starts_no_other(workflow: Workflow) -> None:
    run = start(workflow)
    step_run = Run.objects.get()
    assert step_run.claim("worker")
    assert cancel_workflow(run)
    assert not cancel_workflow(run)
    assert Run.objects.get().cancel_requested_at is not None
    assert (fresh(run).is_active, states(run)[0]) == (True, "running")

    step_run.finish_cancelled("worker")
    advance_workflows()
    assert (fresh(run).status, states(run)) == (
        "cancelled",
        ["cancelled", "not_started", "not_started"],
    )
    assert Run.objects.count() == 1


@pytest.mark.rule("K4")
def test_cancel_before_a_worker_ends_at_once(workflow: Workflow, tasks: list[Task]) -> None:
    run = start(workflow)
    assert cancel_workflow(run)
    assert (fresh(run).status, Run.objects.get().status) == ("cancelled", "cancelled")

    jobs.queue_run(tasks[0], Run.Trigger.MANUAL)
    waiting = start(workflow)
    assert cancel_workflow(waiting)
    assert (fresh(waiting).status, states(waiting)) == ("cancelled", ["not_started"] * 3)
    assert Run.objects.active().get().trigger == "manual"


@pytest.mark.rule("K4")
def test_success_despite_cancel_stays_one(workflow: Workflow) -> None:
    """The last step was quicker than the cancel: everything ran."""
    run = start(workflow)
    end_run("succeeded")
    end_run("succeeded")
    last = Run.objects.active().get()
    assert last.claim("worker")
    cancel_workflow(run)
    last.succeed("worker", batch_count=0, file_path="a.xml", file_sha256="00")
    advance_workflows()

    assert fresh(run).status == "succeeded"


@pytest.mark.rule("K4")
def test_cancelled_step_cancels_the_workflow(workflow: Workflow) -> None:
    """Somebody stopped the run on its own page: what builds on it does not start."""
    run = start(workflow)
    end_run("cancelled")

    assert (fresh(run).status, states(run)) == (
        "cancelled",
        ["cancelled", "not_started", "not_started"],
    )
    assert steps(run)[1].reason == "Step 1, First, was cancelled."


@pytest.mark.rule("K3")
def test_resume_starts_at_the_failed_step(workflow: Workflow) -> None:
    failed = start(workflow)
    end_run("succeeded")
    end_run("failed")
    resumed = resume_workflow(fresh(failed))
    assert states(resumed) == ["succeeded", "running", "waiting"]
    assert steps(resumed)[0].run == steps(failed)[0].run
    end_run("succeeded")
    end_run("succeeded")

    assert (fresh(resumed).status, fresh(failed).status) == ("succeeded", "failed")
    assert Run.objects.filter(task__name="First").count() == 1


@pytest.mark.rule("K4")
def test_dead_worker_leaves_no_workflow_running(workflow: Workflow) -> None:
    run = start(workflow)
    step_run = Run.objects.get()
    assert step_run.claim("a worker that died")
    long_ago = timezone.now() - timedelta(minutes=5)
    Run.objects.filter(pk=step_run.pk).update(heartbeat_at=long_ago, can_resume=False)
    recovery.recover()
    advance_workflows()

    assert (fresh(run).status, states(run)[0]) == ("failed", "failed")
    assert steps(run)[0].reason_code == "worker.stalled"


def test_nothing_to_do_costs_few_queries(
    workflow: Workflow, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(1):  # type: ignore[operator]
        advance_workflows()
    start(workflow)
    with django_assert_max_num_queries(3) as seen:  # type: ignore[operator]
        advance_workflows()
    assert not any("UPDATE" in query["sql"] for query in seen.captured_queries)


def test_finished_workflow_is_left_alone(workflow: Workflow) -> None:
    run = start(workflow)
    cancel_workflow(run)
    before = fresh(run).finished_at
    advance_workflow(run.pk)

    assert fresh(run).finished_at == before
