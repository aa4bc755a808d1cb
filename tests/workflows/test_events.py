"""What people are told of workflows: a failure once, and the success after it."""

import pytest

from exports.models import Event, Task, Workflow
from tests.workflows.conftest import end_run, start

pytestmark = pytest.mark.django_db


def told() -> list[tuple[str, str, int | None]]:
    events = Event.objects.filter(code__startswith="workflow").order_by("id")
    return [(event.code, event.subject_name, event.workflow_run_number) for event in events]


@pytest.mark.rule("N3", "K2")
def test_failures_and_a_success_make_two(workflow: Workflow) -> None:
    first = start(workflow)
    end_run("failed")
    start(workflow)
    end_run("failed")
    last = start(workflow)
    for _step in range(3):
        end_run("succeeded")

    assert told() == [
        ("workflow_failed", "Month end", first.pk),
        ("workflow_recovered", "Month end", last.pk),
    ]
    reason = Event.objects.get(code="workflow_failed").reason
    assert reason == "Step 1, First, failed. ConnectWise refused."


@pytest.mark.rule("N3")
def test_cancelled_workflow_tells_nobody(workflow: Workflow, tasks: list[Task]) -> None:
    start(workflow)
    end_run("cancelled")
    assert told() == []
