"""Choosing a task: from a select, or by its name once there are too many for one."""

from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from exports.models import Connection, Schedule, Task, Workflow
from exports.reporting.task_choices import MAX_OPTIONS
from tests.screen_fixtures import succeed
from tests.views.form_data import edited
from tests.views.test_schedules import typed as typed_schedule
from tests.views.test_workflows import typed as typed_workflow

MakeTask = Callable[..., Task]
NAMES = reverse("task-names")


@pytest.fixture
def nightly(make_task: MakeTask) -> Task:
    return make_task(name="Nightly")


@pytest.fixture
def many(connection: Connection) -> None:
    names = [f"Branch {number:04}" for number in range(MAX_OPTIONS + 1)]
    Task.objects.bulk_create(
        Task(name=name, connection=connection, output_file=name, output_file_key=name)
        for name in names
    )


def pages(task: Task) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every form that chooses a task, with the id of its field."""
    yield reverse("run-list"), {"task": task.pk}
    yield reverse("due-time-list"), {}
    yield reverse("task-edit", args=[task.pk]), {}
    yield reverse("schedule-create"), {}
    yield reverse("workflow-create"), {}


def text_of(client: Client, url: str, query: object = None) -> str:
    return unescape(client.get(url, query).content.decode())  # type: ignore[arg-type]


@pytest.mark.rule("M3")
@pytest.mark.usefixtures("many")
def test_no_page_lists_very_many_tasks(signed_in: Client, nightly: Task) -> None:
    for task in Task.objects.all():
        Schedule.objects.create(task=task, cron="0 3 * * *", zone="UTC", is_paused=True)
    for url, query in pages(nightly):
        page = text_of(signed_in, url, query)
        assert page.count("Branch 0") < 30, url
        assert f'data-names="{NAMES}' in page, url


def test_few_tasks_are_in_a_select(signed_in: Client, nightly: Task) -> None:
    page = text_of(signed_in, reverse("run-list"), {"task": nightly.pk})
    assert f'<option value="{nightly.pk}" selected>Nightly</option>' in page
    by_name = text_of(signed_in, reverse("run-list"), {"task": "Nightly"})
    assert f'<option value="{nightly.pk}" selected>Nightly</option>' in by_name


@pytest.mark.usefixtures("many")
def test_history_takes_number_or_name(signed_in: Client, nightly: Task) -> None:
    run = succeed(nightly)
    for value in (nightly.pk, "Nightly", " Nightly "):
        page = text_of(signed_in, reverse("run-list"), {"task": value})
        assert 'value="Nightly"' in page or 'value=" Nightly "' in page
        assert f'href="/runs/{run.pk}/"' in page
    page = text_of(signed_in, reverse("run-list"), {"task": "branch 000"})
    assert "No task is called “branch 000”. Did you mean Branch 0000, Branch 0001" in page
    page = text_of(signed_in, reverse("run-list"), {"task": "x" * 500})
    assert "write its whole name" in page


@pytest.mark.usefixtures("many")
def test_on_failure_task_is_typed_by_name(signed_in: Client, nightly: Task) -> None:
    url = reverse("task-edit", args=[nightly.pk])
    page = signed_in.post(url, edited(nightly, on_failure_task="Branch 7"))
    assert "No task is called “Branch 7”" in unescape(page.content.decode())
    signed_in.post(url, edited(nightly, on_failure_task="Branch 0007"))
    nightly.refresh_from_db()
    assert nightly.on_failure_task == Task.objects.get(name="Branch 0007")
    assert 'value="Branch 0007"' in text_of(signed_in, url)


@pytest.mark.usefixtures("many")
def test_schedule_takes_name_of_task(signed_in: Client, nightly: Task) -> None:
    signed_in.post(reverse("schedule-create"), {**typed_schedule(nightly), "target": "Nightly"})
    schedule = Schedule.objects.get()
    assert schedule.task == nightly
    page = text_of(signed_in, reverse("schedule-edit", args=[schedule.pk]))
    assert 'value="Nightly"' in page


@pytest.mark.usefixtures("many")
def test_workflow_takes_steps_by_name(signed_in: Client, nightly: Task) -> None:
    add = {"name": "Month end", "row_action": "add", "added_task": "Nightly"}
    rows = unescape(signed_in.post(reverse("workflow-steps"), add).content.decode())
    assert f'value="{nightly.pk}"' in rows
    unknown = signed_in.post(reverse("workflow-steps"), {**add, "added_task": "branch 01"})
    shown = unescape(unknown.content.decode())
    assert "No task is called “branch 01”. Did you mean" in shown
    assert 'value="branch 01"' in shown
    typed = typed_workflow([nightly], added_task="Branch 0003")
    page = signed_in.post(reverse("workflow-create"), typed)
    assert page.status_code == 302, unescape(page.content.decode())
    assert [task.name for task in Workflow.objects.get().tasks()] == ["Nightly", "Branch 0003"]


def test_names_are_suggested_by_words(signed_in: Client, nightly: Task, many: None) -> None:
    Workflow.objects.create(name="Nightly round")
    assert signed_in.get(NAMES, {"q": "night"}).json() == {"names": ["Nightly"]}
    both = signed_in.get(NAMES, {"q": "night", "workflows": "1"}).json()
    assert both == {"names": ["Nightly", "Nightly round"]}
    assert len(signed_in.get(NAMES).json()["names"]) == 20
    assert signed_in.get(NAMES, {"q": "00 12"}).json()["names"][0] == "Branch 0012"
    assert signed_in.get(NAMES, {"q": "%"}).json() == {"names": []}
