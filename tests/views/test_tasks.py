"""The task page and what can be done with a task."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from re import sub
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from exports.connectwise.filter.conditions import Condition
from exports.models import Connection, Run, RunSummary, Task
from tests.screen_fixtures import fail, move_date, start, succeed

MakeTask = Callable[..., Task]
MARCH = datetime(2026, 3, 1, 12, tzinfo=UTC)


def page_of(client: Client, task: Task) -> str:
    return unescape(client.get(reverse("task-detail", args=[task.pk])).content.decode())


def post(client: Client, name: str, task: Task) -> HttpResponse:
    return client.post(reverse(name, args=[task.pk]))  # type: ignore[return-value]


def messages_in(response: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]  # type: ignore[attr-defined]


def test_new_task_without_connection_creates_one_first(signed_in: Client) -> None:
    response = signed_in.get(reverse("task-create"))
    assert response.headers["Location"] == reverse("connection-create")
    assert messages_in(response) == ["A task needs a connection to export from. Create one first."]  # type: ignore[arg-type]


def test_a_task_is_shown_in_words(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(export="modified", date_modified=MARCH)
    task.replace_conditions(
        [
            Condition("id", "GreaterThan", "5", "Or"),
            Condition("exportInvoicesFlag", "Equal", "True", "And"),
            Condition("batchIdentifier", "Contains", '"2026"', ""),
        ]
    )
    page = " ".join(page_of(signed_in, task).split())

    sent = 'id > 5 or (exportInvoicesFlag = True and batchIdentifier contains "2026")'
    assert f">{sent}</pre>" in page
    assert "It fetches batches where id is greater than 5 or (exportInvoicesFlag is True" in page
    assert "2026-03-01 12:00:00 UTC" in page
    assert "The date was typed: it is taken literally and nothing is skipped." in page
    assert str(task.unique_id) in page
    assert "This task has not run yet." in page


@pytest.mark.parametrize(
    ("export", "sentence"),
    [
        ("all", "It fetches all batches."),
        ("new", "It fetches all batches. Of these, only what was created after <time"),
        ("modified", "It fetches all batches. Of these, only what was updated after <time"),
    ],
)
def test_each_mode_says_what_the_next_run_fetches(
    signed_in: Client, make_task: MakeTask, export: str, sentence: str
) -> None:
    assert sentence in " ".join(page_of(signed_in, make_task(export=export)).split())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"enabled": False}, "This task cannot run: it is not enabled. <a href="),
        (
            {"enabled": False, "archived_at": MARCH},
            "This task cannot run: it is archived. Restore it, then enable it on its form.",
        ),
    ],
)
def test_unrunnable_task_says_what_to_do(
    signed_in: Client, make_task: MakeTask, change: dict[str, Any], sentence: str
) -> None:
    task = make_task(**change)
    page = " ".join(page_of(signed_in, task).split())
    assert sentence in page
    assert "The next run" not in page
    assert "It fetches" not in page


def test_first_active_run_replaces_last_result(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    assert "Never" in page_of(signed_in, task).split("Latest runs")[0]

    run = task.queue_run(Run.Trigger.MANUAL)
    page = page_of(signed_in, task)
    assert "Waiting since <time" in page
    assert 'class="status status-queued"' in page

    run.claim("worker-1")
    page = page_of(signed_in, task)
    assert "Running since <time" in page
    assert "Never" not in page.split("Latest runs")[0]
    assert "Batches per run" not in page

    run.fail("worker-1", "ConnectWise answered 401.")
    page = page_of(signed_in, task)
    assert "Running since" not in page
    assert "Batches per run" in page


def test_new_after_a_run_says_above_which_id(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(export="new")
    run = succeed(task, highest_id=284)
    RunSummary.objects.filter(pk=run.pk).update(started_at=MARCH, finished_at=MARCH)
    move_date(task, run, "date_created", MARCH)
    # The overlap counts from its start: a batch that became visible late has an id below 300.
    move_date(task, succeed(task, highest_id=300), "date_created", MARCH + timedelta(days=1))
    page = " ".join(sub("<[^>]*>", "", page_of(signed_in, task)).split())

    assert (
        "Of these, only what was created after 2026-03-02 12:00:00 UTC: ids above 284. What this "
        "task has already exported is skipped."
    ) in page


def test_conditions_that_are_no_longer_valid_are_explained(
    signed_in: Client, make_task: MakeTask
) -> None:
    task = make_task()
    task.replace_conditions([Condition("id", "Equal", "x", "")])

    assert "It cannot start: The value for id is not a whole number." in page_of(signed_in, task)
    response = post(signed_in, "task-run", task)
    assert messages_in(response)[0].startswith("The value for id is not a whole number.")
    assert response.headers["Location"] == reverse("task-detail", args=[task.pk])
    assert Run.objects.count() == 0


def test_date_history_names_person_or_run(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    task = make_task(export="modified")
    before = Task.objects.get(pk=task.pk)
    task.date_created = MARCH
    task.save()
    task.record_typed_dates(before, user, "Start of the year")
    run = succeed(task)
    move_date(task, run, "date_modified", MARCH)
    page = page_of(signed_in, task)

    assert f'<a href="/runs/{run.pk}/">Run {run.pk}</a>' in page
    assert "Start of the year" in page
    assert [change.date_after for change in task.date_changes.order_by("-id")[:2]] == [MARCH, MARCH]


@pytest.mark.parametrize("asks_otherwise", [False, True], ids=["as before", "other conditions"])
@pytest.mark.parametrize("export", ["new", "modified"])
def test_the_page_takes_few_queries(
    signed_in: Client,
    make_task: MakeTask,
    user: User,
    export: str,
    asks_otherwise: bool,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    task = make_task(export=export)
    for _ in range(12):
        run = succeed(task, user)
        for field in ("date_created", "date_modified"):
            move_date(task, run, field, MARCH)
    if asks_otherwise:
        RunSummary.objects.update(conditions="id < 900")
    with django_assert_max_num_queries(17):
        page = page_of(signed_in, task)
    assert ("The next run starts again at" in page) is asks_otherwise


def test_old_date_changes_are_folded_away(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    task = make_task()
    for field in ["date_created"] + ["date_modified"] * 9:
        move_date(task, succeed(task, user), field, MARCH)
    shown, folded = page_of(signed_in, task).split('<details class="earlier-changes">')

    # The two dates that were typed with the task, and three moves of Date Modified.
    assert "5 earlier changes" in folded
    assert folded.count("</form>") == 0
    assert shown.count("Undo<") == 2


def test_run_now_queues_a_run_and_follows_it(
    signed_in: Client, make_task: MakeTask, user: User
) -> None:
    task = make_task()
    response = post(signed_in, "task-run", task)

    run = Run.objects.get()
    assert (run.task, run.status, run.trigger, run.requested_by) == (task, "queued", "manual", user)
    assert response.headers["Location"] == reverse("run-detail", args=[run.pk])
    assert messages_in(response) == [f"Run {run.pk} of Nightly batches started."]


@pytest.mark.rule("R1")
def test_second_click_leads_to_active_run(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    run = start(task)
    response = post(signed_in, "task-run", task)

    assert Run.objects.count() == 1
    assert response.headers["Location"] == reverse("run-detail", args=[run.pk])
    assert messages_in(response) == [f"Nightly batches is already running: this is {run}."]
    assert f"Follow run {run.pk}" in page_of(signed_in, task)


@pytest.mark.rule("R6")
def test_disabled_task_cannot_be_run(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(enabled=False)
    response = post(signed_in, "task-run", task)

    assert Run.objects.count() == 0
    assert messages_in(response) == [
        "Nightly batches is disabled. Enable it on its form to run it.",
    ]
    assert "Not enabled" in page_of(signed_in, task)


@pytest.mark.rule("R7")
def test_task_with_runs_is_archived_and_restored(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    succeed(task)
    response = post(signed_in, "task-archive", task)

    assert messages_in(response) == [
        "Nightly batches is archived. Its runs and files stay in the history."
    ]
    task.refresh_from_db()
    assert (task.archived_at is not None, task.enabled) == (True, False)
    assert "Restore" in page_of(signed_in, task)
    edit = signed_in.get(reverse("task-edit", args=[task.pk]))
    assert edit.headers["Location"] == reverse("task-detail", args=[task.pk])

    assert post(signed_in, "task-archive", task).status_code == 302
    task.refresh_from_db()
    assert (task.archived_at, task.enabled, task.runs.count()) == (None, False, 1)


def test_task_with_taken_file_stays_archived(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    succeed(task)
    task.archive()
    make_task(name="Another", output_file="BATCHES.xml")
    response = post(signed_in, "task-archive", task)

    assert messages_in(response)[0].startswith(
        "Nightly batches cannot be restored: another task exports"
    )
    task.refresh_from_db()
    assert task.archived_at is not None


def test_a_task_that_never_ran_is_deleted(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    assert "Deleting it cannot be undone." in page_of(signed_in, task)
    response = post(signed_in, "task-archive", task)

    assert not Task.objects.exists()
    assert response.headers["Location"] == reverse("home")
    assert messages_in(response) == ["Nightly batches was deleted; it had never run."]


def test_a_task_is_not_archived_while_it_runs(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task()
    run = start(task)
    response = post(signed_in, "task-archive", task)

    assert messages_in(response) == [f"{run} is not over yet. Cancel it, then archive again."]
    task.refresh_from_db()
    assert task.archived_at is None


@pytest.mark.parametrize("name", ["task-run", "task-archive"])
def test_actions_answer_to_post_alone(signed_in: Client, make_task: MakeTask, name: str) -> None:
    task = make_task()
    assert signed_in.get(reverse(name, args=[task.pk])).status_code == 405
    assert signed_in.post(reverse(name, args=[task.pk + 1])).status_code == 404
    assert (Task.objects.count(), Run.objects.count()) == (1, 0)


@pytest.mark.parametrize("name", ["task-detail", "task-edit", "task-run", "task-archive"])
def test_a_stranger_is_asked_to_log_in(client: Client, make_task: MakeTask, name: str) -> None:
    url = reverse(name, args=[make_task().pk])
    assert client.get(url).headers["Location"] == f"/login/?next={url}"
    assert client.post(url).headers["Location"].startswith("/login/?next=/")
    assert Run.objects.count() == 0


def test_names_and_messages_of_others_are_escaped(
    signed_in: Client, make_task: MakeTask, connection: Connection
) -> None:
    script = "<script>alert(1)</script>"
    Connection.objects.filter(pk=connection.pk).update(name=script)
    task = make_task(name=script)
    fail(task, f"ConnectWise answered {script}")
    for url in (reverse("task-detail", args=[task.pk]), reverse("task-edit", args=[task.pk]), "/"):
        assert b"<script>alert" not in signed_in.get(url).content
