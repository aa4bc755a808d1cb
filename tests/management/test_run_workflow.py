"""run_workflow: start or resume, wait, execute without a worker, one JSON line, an exit code."""

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from exports.demo.answers import LIST
from exports.demo.faults import Nothing, Status
from exports.demo.server import StandIn
from exports.models import Run, Task, Workflow, WorkflowRun
from exports.workers import jobs
from tests.conftest import MakeTask
from tests.workflows.conftest import start

pytestmark = pytest.mark.django_db(transaction=True)


def run_workflow(*arguments: str) -> tuple[int, dict[str, Any], str]:
    """The exit code, the JSON line, and what was said."""
    out, said = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("run_workflow", *arguments, stdout=out, stderr=said)
    assert out.getvalue().count("\n") in (0, 1)
    assert isinstance(ended.value.code, int)
    return ended.value.code, json.loads(out.getvalue() or "{}"), said.getvalue()


@pytest.fixture
def tasks(make_task: MakeTask) -> list[Task]:
    return [make_task(name=name, output_file=f"{name}.xml") for name in ("First", "Second")]


@pytest.fixture
def workflow(tasks: list[Task]) -> Workflow:
    made = Workflow.objects.create(name="Month end")
    made.replace_steps(tasks)
    return made


def shown(line: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["task"], step["state"]) for step in line["steps"]]


@pytest.mark.rule("K1")
def test_steps_are_executed_here_without_a_worker(workflow: Workflow, stand_in: StandIn) -> None:
    code, line, said = run_workflow("Month end")

    made = WorkflowRun.objects.get()
    assert (code, line["workflow_run"], line["status"]) == (0, made.pk, "succeeded")
    assert shown(line) == [("First", "succeeded"), ("Second", "succeeded")]
    assert [step["batches"] for step in line["steps"]] == [len(stand_in.store)] * 2
    assert all(step["file"].endswith(".xml") for step in line["steps"])
    assert made.trigger == "command"
    assert f"Workflow run {made.pk} of Month end is queued." in said


@pytest.mark.rule("K3", "R6")
def test_failure_is_resumed_at_the_failed_step(
    workflow: Workflow, tasks: list[Task], make_task: MakeTask, stand_in: StandIn
) -> None:
    repair = make_task(name="Repair", output_file="repair.xml")
    Task.objects.filter(pk=tasks[1].pk).update(on_failure_task=repair)
    stand_in.faults.add(Status(403, on=(LIST,), when=_second_task_first, times=1))
    code, line, _said = run_workflow("Month end")
    assert (code, line["status"]) == (1, "failed")
    assert shown(line) == [("First", "succeeded"), ("Second", "failed")]
    assert line["error"].startswith("Step 2, Second, failed.")
    assert Run.objects.get(task=repair).status == "succeeded"

    code, line, _said = run_workflow("Month end", "--resume")
    assert (code, shown(line)) == (0, [("First", "succeeded"), ("Second", "succeeded")])
    assert Run.objects.filter(task=tasks[0]).count() == 1


def _second_task_first(_request: object) -> bool:
    """Asked in a thread of the stand-in, which keeps no connection to the database."""
    try:
        return Run.objects.running().filter(task__name="Second").exists()
    finally:
        connection.close()


def test_active_workflow_is_waited_for(workflow: Workflow) -> None:
    active = start(workflow)
    code, line, said = run_workflow("Month end")

    assert (code, line["workflow_run"]) == (0, active.pk)
    assert "is not over yet. Waiting for it." in said


@pytest.mark.rule("K2")
def test_run_in_the_way_is_executed_first(workflow: Workflow, tasks: list[Task]) -> None:
    elsewhere = jobs.queue_run(tasks[0], Run.Trigger.MANUAL)
    code, line, _said = run_workflow("Month end")

    elsewhere.refresh_from_db()
    assert (code, elsewhere.status) == (0, "succeeded")
    assert line["steps"][0]["run"] != elsewhere.pk


def test_suspicious_step_exits_with_3(workflow: Workflow, stand_in: StandIn) -> None:
    stand_in.faults.add(Nothing())
    code, line, _said = run_workflow("Month end")
    assert (code, line["status"]) == (3, "succeeded")


def test_time_that_is_up_cancels_here(workflow: Workflow) -> None:
    code, line, _said = run_workflow("Month end", "--timeout", "0")
    assert (code, line["status"]) == (1, "cancelled")
    assert not Run.objects.active().exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["month"], "There is no workflow 'month'. Did you mean Month end?"),
        (["Month end", "--resume"], "Month end has not run yet, so there is nothing to resume."),
        (["Off"], "Off is disabled. Enable it on its form to run it."),
    ],
)
def test_unusable_arguments_exit_with_2(
    workflow: Workflow, arguments: list[str], sentence: str
) -> None:
    Workflow.objects.create(name="Off", enabled=False)
    code, line, said = run_workflow(*arguments)
    assert (code, line) == (2, {})
    assert sentence in said


def test_succeeded_workflow_is_not_resumed(workflow: Workflow) -> None:
    run_workflow("Month end")
    code, _line, said = run_workflow("Month end", "--resume")
    assert code == 2
    assert "Only a run that failed can be resumed." in said
