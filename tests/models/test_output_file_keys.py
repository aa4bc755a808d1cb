"""Two tasks never share a file, however their names are written."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from exports.forms.tasks import TaskForm
from exports.models import Connection, Task
from exports.models.name_keys import name_key
from tests.screen_fixtures import connection, make_task, user
from tests.views.form_data import new_task

__all__ = ["connection", "make_task", "user"]

pytestmark = pytest.mark.django_db
COMPOSED, DECOMPOSED = "Zo\u00eb.xml", "zoe\u0308.xml"


def test_unicode_forms_are_one_name() -> None:
    assert name_key(DECOMPOSED) == name_key("ZO\u00cb.XML")
    assert name_key("a.xml") != name_key("b.xml")


def test_forms_checked_together_share_no_file(
    connection: Connection, make_task: Callable[..., Task], user: User
) -> None:
    data = new_task(connection, name="Late", output_file=DECOMPOSED)
    form = TaskForm(data=data)
    assert form.is_valid()
    make_task(output_file=COMPOSED)

    with pytest.raises(IntegrityError), transaction.atomic():
        form.save_for(user)
    # What the page does then: now the check can see it.
    again = TaskForm(data=data)
    assert not again.is_valid()
    assert "already exports to Zo\u00eb.xml" in again.errors["output_file"][0]


def test_archived_tasks_give_their_file_away(make_task: Callable[..., Task]) -> None:
    make_task(output_file=COMPOSED).archive()

    assert make_task(name="Another", output_file=DECOMPOSED).output_file_key == "zo\u00eb.xml"
