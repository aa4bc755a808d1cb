"""The list of tasks: searched, filtered and paged by its address."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from exports.demo.server import StandIn
from exports.models import Task
from tests.conftest import make_connection
from tests.screen_fixtures import fail, start, succeed

MakeTask = Callable[..., Task]
LIST = reverse("task-list")


@pytest.fixture
def tasks(make_task: MakeTask) -> dict[str, Task]:
    """One task of each state; the last is archived."""
    names = ("Good", "Failed", "Mended", "Doubtful", "Running", "Resting", "Gone")
    made = {name: make_task(name=name, output_file=f"{name}.xml") for name in names}
    succeed(made["Good"])
    fail(made["Failed"])
    fail(made["Mended"])
    succeed(made["Mended"])
    succeed(made["Doubtful"], suspicion="Far fewer batches than before.")
    Task.objects.filter(name="Resting").update(enabled=False)
    fail(made["Gone"])
    made["Gone"].archive()
    # Last, as a run waits while another one of its connection has no answer yet.
    start(made["Running"])
    return made


def listed(response: Any) -> list[str]:
    return [line.task.name for line in response.context["lines"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["Doubtful", "Failed", "Good", "Mended", "Resting", "Running"]),
        ({"name": "ed"}, ["Failed", "Mended"]),
        ({"state": "failed"}, ["Failed"]),
        ({"state": "suspicious"}, ["Doubtful"]),
        ({"state": "active"}, ["Running"]),
        ({"state": "not_enabled"}, ["Resting"]),
        ({"state": "never_ran"}, ["Resting"]),
        ({"state": "archived"}, ["Gone"]),
        ({"state": "enabled", "name": "oo"}, ["Good"]),
        ({"name": "nothing like it"}, []),
    ],
)
def test_tasks_are_found_by_the_address(
    signed_in: Client, tasks: dict[str, Task], query: dict[str, str], found: list[str]
) -> None:
    assert listed(signed_in.get(LIST, query)) == found


def test_tasks_are_found_by_connection(
    signed_in: Client, tasks: dict[str, Task], stand_in: StandIn
) -> None:
    other = make_connection(stand_in, name="Other")
    Task.objects.filter(name="Good").update(connection=other)
    response = signed_in.get(LIST, {"connection": other.pk})
    assert listed(response) == ["Good"]
    assert [chip.value for chip in response.context["chips"]] == ["Other"]


def test_wrong_filter_is_told(signed_in: Client, tasks: dict[str, Task]) -> None:
    page = signed_in.get(LIST, {"state": "burnt"}).content.decode()
    assert "This cannot be filtered by: choose one of the list." in page


def test_pages_keep_the_filter(signed_in: Client, make_task: MakeTask) -> None:
    for number in range(30):
        make_task(name=f"Task {number:02}", output_file=f"{number}.xml")
    first = signed_in.get(LIST, {"name": "Task"})
    assert len(listed(first)) == 10
    assert 'href="?name=Task&amp;page=2"' in first.content.decode()
    assert listed(signed_in.get(LIST, {"name": "Task", "page": "3"}))[-1] == "Task 29"
    assert len(listed(signed_in.get(LIST, {"page": "x" * 100}))) == 10


def test_queries_do_not_grow_with_rows(
    signed_in: Client, make_task: MakeTask, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(25):
        succeed(make_task(name=f"Task {number}", output_file=f"{number}.xml"))
    with django_assert_max_num_queries(12):
        signed_in.get(LIST)
    with django_assert_max_num_queries(13):
        signed_in.get(LIST, {"state": "failed"})


def test_empty_list_offers_the_first_task(signed_in: Client, db: None) -> None:
    page = signed_in.get(LIST).content.decode()
    assert "No task yet" in page
    assert f'href="{reverse("task-create")}"' in page
