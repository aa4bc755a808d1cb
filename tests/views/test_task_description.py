"""What the form shows while typing: the filter, the request, and the next run."""

from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from re import DOTALL, findall, sub
from typing import Any

from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from exports.connectwise.filter.conditions import Condition
from exports.models import Connection, Task
from exports.models.sync_window import next_window
from tests.screen_fixtures import move_date, put_out, succeed
from tests.views.form_data import CREATE, EARLIEST, edit_url, edited, new_task

MakeTask = Callable[..., Task]
ANY = Condition("exportInvoicesFlag", "Equal", "True", "Or")
OLD = Condition("id", "LessThan", "284", "And")
LIKE = Condition("batchIdentifier", "Like", '"2026*"')
IN_2020 = "2020-01-01T00:00:00Z"


def described(client: Client, data: dict[str, str], task: Task | None = None) -> Any:
    response = client.post(reverse("task-description", args=[task.pk] if task else []), data)
    assert response.status_code == 200
    return response.context["description"]


def test_description_matches_what_run_sends(signed_in: Client, connection: Connection) -> None:
    params = described(signed_in, new_task(connection, ANY, OLD, LIKE, date_modified=IN_2020))

    assert params.in_words == (
        "batches where exportInvoicesFlag is True or (id is less than 284 and batchIdentifier is "
        'like "2026*")'
    )
    assert params.request == (
        '(exportInvoicesFlag = True or (id < 284 and batchIdentifier like "2026*"))'
        " and lastUpdated > [2020-01-01T00:00:00Z]"
    )
    assert params.error == ""


def test_each_mode_says_what_the_next_run_fetches(
    signed_in: Client, connection: Connection
) -> None:
    params = {
        export: described(
            signed_in,
            new_task(connection, OLD, export=export, date_created=IN_2020, date_modified=IN_2020),
        )
        for export in ("modified", "new", "all")
    }

    assert {export: one.request for export, one in params.items()} == {
        "modified": "(id < 284) and lastUpdated > [2020-01-01T00:00:00Z]",
        "new": "(id < 284) and id > …",
        "all": "id < 284",
    }
    assert {export: one.next_run for export, one in params.items()} == {
        "modified": (
            "It asks for batches updated after 2020-01-01T00:00:00Z.",
            "The date was typed: it is taken literally and nothing is skipped.",
        ),
        "new": (
            "It asks for batches created after 2020-01-01T00:00:00Z: it looks up the highest id "
            "of that time first, and asks for the ids above it.",
        ),
        "all": ("It asks for every batch that meets the conditions, whenever it changed.",),
    }


def test_first_error_names_its_row(signed_in: Client, connection: Connection) -> None:
    wrong = Condition("batchIdentifier", "Equal", "2026")
    blank = Condition("", "", "")
    params = described(signed_in, new_task(connection, blank, LIKE, wrong, wrong))

    assert (params.in_words, params.request) == ("", "")
    assert params.error.startswith("Condition 3: The value for batchIdentifier is a whole number")
    assert params.next_run == ("This shows here once the conditions can be sent.",)


def test_too_long_filter_is_reported_before_saving(
    signed_in: Client, connection: Connection
) -> None:
    ids = ",".join(str(number) for number in range(1000))
    params = described(signed_in, new_task(connection, Condition("id", "In", f"({ids})")))
    assert params.error.startswith("These conditions make an address of ")


def test_unreadable_or_future_date_is_reported(signed_in: Client, connection: Connection) -> None:
    wrong = described(signed_in, new_task(connection, OLD, date_modified="31.12.2020"))
    ahead = described(signed_in, new_task(connection, date_modified="2999-01-01"))
    unknown = described(signed_in, new_task(connection, export="some"))

    assert (wrong.request, wrong.next_run) == ("id < 284", ("Date Modified cannot be read yet.",))
    bare = new_task(connection, date_modified="31.12.2020")
    page = signed_in.post(reverse("task-description"), bare).content.decode()
    assert "every batch" not in page
    assert "Date Modified cannot be read yet." in page
    assert "That lies in the future: nothing is exported until then." in ahead.next_run
    assert unknown.next_run == ("Choose Modified, New or All.",)


def test_moved_date_overlaps_typed_one_is_literal(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(export="modified", output_file="{run}.xml")
    task.replace_conditions([OLD])
    run = succeed(task)
    put_out(run, 7, 8)
    move_date(task, run, "date_modified", datetime(2026, 3, 1, tzinfo=UTC))
    task.refresh_from_db()

    kept = described(signed_in, edited(task), task)
    typed = described(signed_in, edited(task, date_modified=IN_2020), task)
    changed = described(signed_in, edited(task, LIKE), task)

    window = next_window(task, "id < 284", datetime.now(UTC))
    assert kept.request == "(id < 284) and lastUpdated > [2026-02-28T23:45:00Z]"
    assert kept.next_run[1:] == (window.reason,)
    assert typed.request == f"(id < 284) and lastUpdated > [{IN_2020}]"
    assert changed.request == f'(batchIdentifier like "2026*") and lastUpdated > [{EARLIEST}]'
    assert changed.next_run[-1].startswith(
        f"The conditions changed since run {run.pk} moved the date. The next run starts again at"
    )
    assert "2 batches" in changed.next_run[-1]


def test_none_of_the_inputs_comes_back(signed_in: Client, connection: Connection) -> None:
    data = new_task(connection, LIKE, output_file="x-{run}.xml")
    page = signed_in.post(reverse("task-description"), data).content.decode()

    assert findall(r"<(?:input|select|textarea|button|fieldset)\b", page) == []
    assert findall(r'hx-swap-oob="innerHTML:#([\w-]+)"', page) == [
        "task-next-run",
        "task-output-name",
    ]
    assert "<code>x-1.xml</code>" in page
    assert Task.objects.count() == 0


def test_the_page_of_the_form_tells_the_same(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(export="modified", date_modified=datetime(2020, 1, 1, tzinfo=UTC))
    task.replace_conditions([ANY, LIKE])
    page = unescape(signed_in.get(edit_url(task)).content.decode())

    params = described(signed_in, edited(task), task)
    assert f"<code>{params.request}</code>" in page
    shown = findall(r'id="task-next-run">(.*?)</div>', page, DOTALL)
    assert [sub(r"<[^>]*>|\s+", " ", each).split() for each in shown] == [
        " ".join(params.next_run).split()
    ]


def test_a_form_page_takes_few_queries(
    signed_in: Client, make_task: MakeTask, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    task = make_task(export="new", output_file="{run}.xml")
    task.replace_conditions([OLD] * 40)
    run = succeed(task)
    put_out(run, 7, 8)
    move_date(task, run, "date_created", datetime(2026, 3, 1, tzinfo=UTC))
    task.replace_conditions([OLD] * 41)
    task.refresh_from_db()
    changed = edited(task, LIKE)

    with django_assert_max_num_queries(14):
        signed_in.get(edit_url(task))
    with django_assert_max_num_queries(14):
        signed_in.get(reverse("task-clone", args=[task.pk]))
    with django_assert_max_num_queries(14):
        signed_in.get(CREATE)
    with django_assert_max_num_queries(14):
        described(signed_in, changed, task)
    with django_assert_max_num_queries(14):
        signed_in.post(edit_url(task), changed | {"row_action": "add"})
