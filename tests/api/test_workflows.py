"""A program runs, resumes and cancels workflows, pauses schedules, delivers again (rule I1)."""

import pytest
from django.utils import timezone

from exports.delivery.sending import send_due
from exports.models import Destination, Schedule, Task, Workflow, WorkflowRun
from exports.schedules.planning import save_planned
from tests.api.conftest import MakeToken, Program
from tests.conftest import run_now

pytestmark = [pytest.mark.django_db, pytest.mark.rule("I1")]


@pytest.mark.rule("K1", "K4")
def test_workflow_is_run_followed_and_cancelled(program: Program, task: Task) -> None:
    workflow = Workflow.objects.create(name="Month end")
    workflow.replace_steps([task])

    started = program.post(f"/workflows/{workflow.pk}/runs", Idempotency_Key="one")
    repeated = program.post(f"/workflows/{workflow.pk}/runs", Idempotency_Key="one")
    second = program.post(f"/workflows/{workflow.pk}/runs")

    assert (started.status_code, repeated.json()) == (201, started.json())
    assert (second.status_code, second.json()["code"]) == (409, "workflow.active")
    run_id = started.json()["id"]
    assert second.json()["workflow_run_id"] == run_id
    listed = program.get(f"/workflows/{workflow.pk}/runs").json()["items"]
    assert [run["requested_with"] for run in listed] == ["cron"]

    program.post(f"/workflow-runs/{run_id}/cancel")

    over = program.get(f"/workflow-runs/{run_id}").json()
    assert (over["status"], over["steps"][0]["state"]) == ("cancelled", "cancelled")
    assert program.post(f"/workflow-runs/{run_id}/cancel").json()["code"] == "run.over"
    assert program.post(f"/workflow-runs/{run_id}/resume").json()["code"] == "workflow.unusable"
    assert WorkflowRun.objects.count() == 1


@pytest.mark.rule("S5")
def test_schedule_is_paused_and_resumed(make_token: MakeToken, task: Task) -> None:
    schedule = Schedule(task=task, cron="0 1 * * *", zone="UTC")
    save_planned(schedule, timezone.now())
    program = Program(make_token("admin"))

    paused = program.post(f"/schedules/{schedule.pk}/pause").json()
    resumed = program.post(f"/schedules/{schedule.pk}/resume").json()

    assert (paused["is_paused"], paused["next_due_at"]) == (True, None)
    assert (resumed["is_paused"], resumed["task"]["name"]) == (False, task.name)
    assert resumed["next_due_at"] > "2020"


@pytest.mark.rule("D3")
def test_file_is_delivered_again(program: Program, task: Task) -> None:
    run = run_now(task)
    [delivery] = program.get("/deliveries?state=delivered").json()["items"]

    again = program.post(f"/deliveries/{delivery['id']}/again")
    waiting = program.post(
        f"/runs/{run.pk}/deliveries", {"destination": Destination.objects.get().pk}
    )
    send_due()

    assert (again.status_code, again.json()["requested_by"]) == (201, "nightly")
    assert (waiting.status_code, waiting.json()["id"]) == (200, again.json()["id"])
    assert program.get(f"/deliveries/{again.json()['id']}").json()["state"] == "delivered"
    assert program.post(f"/runs/{run.pk}/deliveries", {"destination": 99}).status_code == 404


@pytest.mark.rule("D3")
def test_key_delivers_once(program: Program, task: Task) -> None:
    run_now(task)
    [delivery] = program.get("/deliveries?state=delivered").json()["items"]
    path = f"/deliveries/{delivery['id']}/again"

    first = program.post(path, Idempotency_Key="one")
    send_due()
    repeated = program.post(path, Idempotency_Key="one")

    # Its answer is the first one, though the file has arrived meanwhile.
    assert (first.status_code, repeated.status_code) == (201, 201)
    assert first.content == repeated.content
    assert repeated["Idempotency-Replayed"] == "true"
    assert len(program.get("/deliveries").json()["items"]) == 2


@pytest.mark.rule("D3")
def test_key_belongs_to_one_body(program: Program, task: Task) -> None:
    run = run_now(task)
    other = Destination.objects.create(name="Archive", kind="folder")
    path, folder = f"/runs/{run.pk}/deliveries", Destination.objects.export_folder()

    first = program.post(path, {"destination": folder.pk}, Idempotency_Key="one")
    # The first is on its way: sent again without a key it would be answered 200.
    repeated = program.post(path, {"destination": folder.pk}, Idempotency_Key="one")
    elsewhere = program.post(path, {"destination": other.pk}, Idempotency_Key="one")

    assert (first.status_code, repeated.status_code, elsewhere.status_code) == (201, 201, 409)
    assert elsewhere.json()["code"] == "idempotency.key_reused"


def test_each_post_takes_a_key(program: Program) -> None:
    posts = [
        operations["post"]
        for operations in program.get("/openapi.json").json()["paths"].values()
        if "post" in operations
    ]

    assert len(posts) > 5
    for operation in posts:
        assert "Idempotency-Key" in {one["name"] for one in operation["parameters"]}, operation


def test_cancel_is_answered_alike(program: Program, task: Task) -> None:
    run_id = program.post(f"/tasks/{task.pk}/runs").json()["id"]

    first = program.post(f"/runs/{run_id}/cancel", Idempotency_Key="one")
    repeated = program.post(f"/runs/{run_id}/cancel", Idempotency_Key="one")

    assert (first.status_code, first.content) == (200, repeated.content)
    assert repeated.status_code == 200
