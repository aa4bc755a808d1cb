"""Lists: pages by key that new rows do not shift, filters, as many queries as for one row (I1)."""

from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from exports.models import Channel, Destination, Run, Schedule, Task, Workflow
from exports.schedules.planning import save_planned
from tests.api.conftest import Program
from tests.conftest import MakeTask
from tests.screen_fixtures import put_out, succeed

pytestmark = [pytest.mark.django_db, pytest.mark.rule("I1")]


def fill(make_task: MakeTask, name: str) -> Task:
    """One more row for each list."""
    task = make_task(name=name, output_file=f"{name}.xml")
    run = succeed(task)
    put_out(run, 1, 2)
    run.deliveries.create(
        destination=Destination.objects.export_folder(),
        destination_name="Export folder",
        file_name="a.xml",
        name_key=f"{name}.xml",
        state="delivered",
    )
    workflow = Workflow.objects.create(name=name)
    workflow.replace_steps([task])
    workflow.queue_run("manual")
    save_planned(Schedule(task=task, cron="0 1 * * *", zone="UTC"), timezone.now())
    Channel.objects.create(name=name, kind="webhook")
    return task


def test_pages_go_on_after_insertions(program: Program, make_task: MakeTask) -> None:
    task = make_task()
    runs = [succeed(task).pk for _ in range(5)]
    first = program.get("/runs?limit=2").json()
    newest = succeed(task).pk

    seen = [run["id"] for run in first["items"]]
    following = first["next"]
    while following:
        page = program.get(following.partition("/api/v1")[2]).json()
        seen += [run["id"] for run in page["items"]]
        following = page["next"]

    assert seen == sorted(runs, reverse=True)
    assert newest not in seen


def test_filters_are_those_of_the_page(program: Program, make_task: MakeTask) -> None:
    task, other = make_task(), make_task(name="Weekly", output_file="weekly.xml")
    done, queued = succeed(task), other.queue_run(Run.Trigger.MANUAL)

    def found(query: str) -> list[int]:
        return [run["id"] for run in program.get(f"/runs?{query}").json()["items"]]

    assert found("status=succeeded") == [done.pk]
    assert found(f"task={other.pk}&trigger=manual") == [queued.pk]
    assert found("task=999999") == found("from=9999-12-31") == []
    assert len(found("from=0001-01-01&to=9999-12-31")) == 1
    Task.objects.filter(pk=other.pk).update(tags="Payroll, Month end")
    [tagged] = program.get("/tasks?tag=Month%20end").json()["items"]
    assert (tagged["id"], tagged["tags"]) == (other.pk, ["Payroll", "Month end"])
    assert program.get("/tasks?tag=Month").json()["items"] == []
    names = program.get("/tasks?name=week").json()["items"]
    assert [task["name"] for task in names] == ["Weekly"]


@pytest.mark.rule("W7")
def test_ledger_says_which_batches_never_went_out(program: Program, task: Task) -> None:
    run = succeed(task)
    put_out(run, 284, 290)

    found = program.get(f"/tasks/{task.pk}/ledger?ids=284,288-290").json()

    assert [(row["batch_id"], row["run_id"]) for row in found["items"]] == [
        (290, run.pk),
        (284, run.pk),
    ]
    assert found["items"][0]["file"]["sha256"] == run.file_sha256
    assert found["missing"] == [288, 289]
    for wrong in ("", "batch", "5-3", "1-9999"):
        assert program.get(f"/tasks/{task.pk}/ledger?ids={wrong}").status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/tasks",
        "/runs",
        "/workflows",
        "/schedules",
        "/due-times",
        "/deliveries",
        "/connections",
        "/destinations",
        "/channels",
        "/tasks/{task}/ledger?ids=1-2",
        "/workflows/{workflow}/runs",
    ],
)
def test_list_costs_as_many_queries_as_one_row(
    program: Program, make_task: MakeTask, path: str
) -> None:
    task = fill(make_task, "one")
    address = path.format(task=task.pk, workflow=Workflow.objects.get().pk)
    program.get(address)
    with CaptureQueriesContext(
        database,
    ) as few:
        one: Any = program.get(address).json()
    for number in range(4):
        fill(make_task, f"more {number}")

    with CaptureQueriesContext(database) as many:
        all_rows: Any = program.get(address).json()

    assert len(many) == len(few)
    assert len(all_rows["items"]) >= len(one["items"])
    assert "secret" not in str(all_rows).lower()
