"""Archived tasks: where they are shown, and what happens to tasks that depended on them."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from exports.models import Task, Workflow
from tests.screen_fixtures import succeed
from tests.views.connection_pages import messages_of
from tests.views.form_data import edit_url, edited

MakeTask = Callable[..., Task]


@pytest.fixture
def relying(make_task: MakeTask) -> Task:
    """A task whose On Failure Task is archived."""
    other = make_task(name="Second try", output_file="2.xml")
    other.archive()
    return make_task(output_file="{run}.xml", on_failure_task=other)


@pytest.mark.parametrize("name", ["task-edit", "task-clone"])
def test_archived_failure_task_is_offered_where_chosen(
    signed_in: Client, make_task: MakeTask, relying: Task, name: str
) -> None:
    page = signed_in.get(reverse(name, args=[relying.pk])).content.decode()
    pk = relying.on_failure_task_id
    assert f'<option value="{pk}" selected>Second try (archived)</option>' in page

    elsewhere = make_task(name="Another", output_file="3.xml")
    assert "Second try" not in signed_in.get(edit_url(elsewhere)).content.decode()


def test_unchanged_form_keeps_archived_failure_task(signed_in: Client, relying: Task) -> None:
    signed_in.post(edit_url(relying), edited(relying))
    assert Task.objects.get(pk=relying.pk).on_failure_task_id == relying.on_failure_task_id


def test_task_page_marks_archived_failure_task(signed_in: Client, relying: Task) -> None:
    page = signed_in.get(reverse("task-detail", args=[relying.pk])).content.decode()
    assert '>Second try</a> <span class="tag">Archived</span>' in page


def test_archiving_tells_whose_on_failure_task_it_was(
    signed_in: Client, make_task: MakeTask
) -> None:
    other = make_task(name="Second try", output_file="2.xml")
    succeed(other)
    for name in ("Weekly", "Daily"):
        make_task(name=name, output_file=f"{name}.xml", on_failure_task=other)
    response = signed_in.post(reverse("task-archive", args=[other.pk]))

    assert messages_of(response) == [
        "Second try is archived. Its runs and files stay in the history.",
        "Second try is the On Failure Task of Daily, Weekly and, archived, no longer runs after a "
        "failure there. Choose another one on the form, or none.",
    ]


def test_deleting_tells_whose_on_failure_task_it_was(
    signed_in: Client, make_task: MakeTask
) -> None:
    other = make_task(name="Second try", output_file="2.xml")
    make_task(name="Daily", on_failure_task=other)
    response = signed_in.post(reverse("task-archive", args=[other.pk]))

    assert messages_of(response)[1:] == [
        "Second try was the On Failure Task of Daily: nothing runs after a failure there now. "
        "Choose another one on the form."
    ]


def test_archived_tasks_are_listed_when_asked_for(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    for name in ("Old", "Older"):
        make_task(name=name, output_file=f"{name}.xml").archive()
    listed = signed_in.get(reverse("task-list"), {"state": "archived"}).content.decode()
    assert listed.index(">Old</a>") < listed.index(">Older</a>")
    assert f">{task.name}</a>" not in listed


@pytest.mark.rule("K2")
def test_archiving_tells_whose_step_it_is(signed_in: Client, make_task: MakeTask) -> None:
    """Even a task that never ran stays, as the workflow would lose a step silently."""
    task = make_task()
    for name in ("Quarter end", "Month end"):
        Workflow.objects.create(name=name).replace_steps([task, task])
    response = signed_in.post(reverse("task-archive", args=[task.pk]))

    assert messages_of(response)[1] == (
        "Nightly batches is a step of Month end, Quarter end and, archived, is skipped there. "
        "Take it out of the workflow on its form, or restore it."
    )
    assert Task.objects.get().archived_at is not None
