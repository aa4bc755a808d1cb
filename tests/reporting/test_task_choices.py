"""Lists of tasks: the same with ten tasks as with ten thousand."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from exports.forms.tasks import TaskForm
from exports.models import Connection, Task
from exports.reporting.task_choices import names_of
from tests.conftest import MakeTask

pytestmark = pytest.mark.django_db


@pytest.fixture
def many(make_task: MakeTask) -> list[Task]:
    return [make_task(name=f"Task {n:02}", output_file=f"{n}.xml") for n in range(60)]


def test_choice_marks_and_escapes_tasks(many: list[Task]) -> None:
    Task.objects.filter(pk=many[0].pk).update(name="<b>&", archived_at=timezone.now())
    Task.objects.filter(pk=many[1].pk).update(on_failure_task=many[0])
    form = TaskForm(instance=Task.objects.get(pk=many[1].pk))
    shown = str(form["on_failure_task"])

    assert f'<option value="{many[0].pk}" selected>&lt;b&gt;&amp; (archived)</option>' in shown
    assert '<option value="">None</option>' in shown
    assert f'<option value="{many[2].pk}">Task 02</option>' in shown
    assert shown.count("selected") == 1
    assert f'value="{many[1].pk}"' not in shown


def test_names_end_with_how_many_more(many: list[Task]) -> None:
    assert names_of(Task.objects.all(), 2) == "Task 00, Task 01 and 58 more"
    assert names_of(Task.objects.filter(name="Task 07")) == "Task 07"
    assert names_of(Task.objects.none()) == ""


def test_connection_shows_its_first_tasks(
    signed_in: Client, many: list[Task], django_assert_max_num_queries: Any
) -> None:
    connection = Connection.objects.get()
    with django_assert_max_num_queries(6):
        page = signed_in.get(reverse("connection-list")).content.decode()
    assert page.count("/tasks/") < 10
    assert f'href="/tasks/?connection={connection.pk}">all 60</a>' in page
    page = signed_in.get(reverse("connection-delete", args=[connection.pk])).content.decode()
    assert "and 10 more" in page
