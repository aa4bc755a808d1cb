"""Dates on the task form: typed, moved by a run meanwhile, or neither (W8)."""

from collections.abc import Callable
from datetime import UTC, datetime
from re import findall

import pytest
from django.contrib.auth.models import User
from django.test import Client

from exports.models import Connection, Task
from tests.screen_fixtures import move_date, start, succeed
from tests.views.form_data import CREATE, edit_url, edited, errors, new_task

MakeTask = Callable[..., Task]


def day(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("2020-06-01T12:00:00Z", "2020-06-01T12:00:00Z"),
        ("2020-06-01T12:00:00+02:00", "2020-06-01T10:00:00Z"),
        ("2020-06-01 12:00:00", "2020-06-01T12:00:00Z"),
        ("2020-06-01T12:00", "2020-06-01T12:00:00Z"),
        ("2020-06-01", "2020-06-01T00:00:00Z"),
        (" 2020-06-01T12:00:00.987Z ", "2020-06-01T12:00:00Z"),
    ],
)
def test_date_takes_each_common_form(
    signed_in: Client, connection: Connection, typed: str, shown: str
) -> None:
    signed_in.post(CREATE, new_task(connection, date_modified=typed))
    form = signed_in.get(edit_url(Task.objects.get())).context["form"]
    assert f'value="{shown}"' in str(form["date_modified"])


def test_typed_date_records_who_and_why(signed_in: Client, make_task: MakeTask, user: User) -> None:
    task = make_task(date_modified=day(2020, 1, 1))
    data = edited(task, date_modified="2021-02-03", date_reason="Resend for the audit")
    signed_in.post(edit_url(task), data)

    change = task.date_changes.order_by("-id").first()
    assert change is not None
    assert (change.field, change.origin, change.changed_by, change.reason) == (
        "date_modified",
        "typed",
        user,
        "Resend for the audit",
    )
    assert (change.date_before, change.date_after) == (day(2020, 1, 1), day(2021, 2, 3))
    assert task.date_changes.count() == 3


def test_date_moved_by_run_is_not_overwritten(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(export="modified", date_modified=day(2020, 1, 1))
    shown = edited(task, date_modified="2019-01-01", name="Renamed")
    move_date(task, succeed(task), "date_modified", day(2026, 3, 1))
    response = signed_in.post(edit_url(task), shown)

    assert errors(response) == {
        "date_modified": [
            "A run moved Date Modified to 2026-03-01T00:00:00Z while this form showed "
            "2020-01-01T00:00:00Z. Save again to set it to 2019-01-01T00:00:00Z, or write "
            "2026-03-01T00:00:00Z to keep it."
        ]
    }
    stored = Task.objects.get(pk=task.pk)
    assert (stored.name, stored.date_modified) == ("Nightly batches", day(2026, 3, 1))

    page = response.content.decode()
    [seen] = findall(r'name="date_modified_shown" value="([^"]*)"', page)
    again = signed_in.post(edit_url(task), {**shown, "date_modified_shown": seen})
    assert again.status_code == 302
    assert Task.objects.get(pk=task.pk).date_modified == day(2019, 1, 1)


def test_untyped_date_stays_where_run_moved(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(export="modified", date_modified=day(2020, 1, 1))
    shown = edited(task, page_size="500")
    move_date(task, succeed(task), "date_modified", day(2026, 3, 1))

    assert signed_in.post(edit_url(task), shown).status_code == 302
    stored = Task.objects.get(pk=task.pk)
    assert (stored.page_size, stored.date_modified) == (500, day(2026, 3, 1))
    assert task.date_changes.order_by("-id")[0].origin == "run"


def test_active_run_refuses_typed_date(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    run = start(task)
    response = signed_in.post(edit_url(task), edited(task, date_created="2021-01-01"))

    assert errors(response) == {
        "date_created": [
            f"Date Created cannot be changed while Run {run.pk} of Nightly batches is active. "
            "Wait for it to end or cancel it, then save again."
        ]
    }
    renamed = signed_in.post(edit_url(task), edited(task, name="Renamed meanwhile"))
    assert renamed.status_code == 302
