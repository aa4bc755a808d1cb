"""The dates on the page of a task: typed, undone, and *Only from now on* (W8, W9)."""

from collections.abc import Callable
from datetime import UTC, datetime
from re import findall
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from exports.connectwise.filter.conditions import Condition
from exports.models import Connection, DateChange, Task
from exports.models.sync_window import next_window, overlap
from tests.screen_fixtures import move_date, put_out, start, succeed
from tests.views.connection_pages import messages_of

MakeTask = Callable[..., Task]
TYPED, MOVED = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def moved(make_task: MakeTask) -> Task:
    """A Modified task whose date a run moved."""
    task = make_task(export="modified", date_modified=TYPED)
    run = succeed(task)
    put_out(run, 283, 284)
    move_date(task, run, "date_modified", MOVED)
    return stored(task)


def stored(task: Task) -> Task:
    return Task.objects.get(pk=task.pk)


def page_of(client: Client, task: Task) -> str:
    page = client.get(reverse("task-detail", args=[task.pk])).content.decode()
    return " ".join(page.split())


def type_dates(client: Client, task: Task, **typed: str) -> Any:
    """Send the date form as shown for `task`, with `typed` changed."""
    shown = {
        f"{name}{end}": f"{getattr(task, name):%Y-%m-%dT%H:%M:%SZ}"
        for name in ("date_created", "date_modified")
        for end in ("", "_shown")
    }
    return client.post(reverse("task-dates", args=[task.pk]), {**shown, **typed})


def undo(client: Client, change: DateChange) -> Any:
    return client.post(reverse("task-undo-date", args=[change.task_id]), {"change": change.pk})


def newest(task: Task, field: str = "date_modified") -> DateChange:
    return DateChange.objects.in_force(task.pk, field)[0]


def change_conditions(task: Task) -> None:
    task.replace_conditions([Condition("id", "LessThan", "900", "")])


def test_a_date_is_typed_with_its_reason(signed_in: Client, moved: Task, user: User) -> None:
    response = type_dates(
        signed_in, moved, date_modified="2021-02-03", date_reason="Resend for the audit"
    )

    assert messages_of(response) == [
        "Date Modified of Nightly batches is now 2021-02-03 00:00:00 UTC."
    ]
    change = newest(moved)
    assert (change.origin, change.date_before, change.changed_by, change.reason) == (
        "typed",
        MOVED,
        user,
        "Resend for the audit",
    )
    assert stored(moved).date_modified == change.date_after == datetime(2021, 2, 3, tzinfo=UTC)
    assert moved.date_changes.count() == 4
    assert "Resend for the audit" in page_of(signed_in, moved)


def test_dates_left_as_they_were_shown_change_nothing(signed_in: Client, moved: Task) -> None:
    response = type_dates(signed_in, moved, date_reason="Why not")
    assert messages_of(response) == ["The dates of Nightly batches stand as they were."]
    assert moved.date_changes.count() == 3


@pytest.mark.rule("W8")
def test_date_moved_meanwhile_is_refused(signed_in: Client, moved: Task) -> None:
    later = datetime(2026, 4, 1, tzinfo=UTC)
    move_date(moved, succeed(moved), "date_modified", later)
    response = type_dates(signed_in, moved, date_modified="2019-01-01", date_reason="Kept")

    [error] = response.context["dates"].errors["date_modified"]
    assert "2026-03-01T00:00:00Z" in error
    assert "2026-04-01T00:00:00Z" in error
    page = response.content.decode()
    assert "No date was changed yet" in page
    assert 'value="Kept"' in page
    assert stored(moved).date_modified == later
    [seen] = findall(r'name="date_modified_shown" value="([^"]*)"', page)
    assert seen == "2026-04-01T00:00:00Z"
    again = type_dates(signed_in, moved, date_modified="2019-01-01", date_modified_shown=seen)
    assert again.status_code == 302
    assert stored(moved).date_modified == datetime(2019, 1, 1, tzinfo=UTC)


def test_wrong_date_is_refused_and_kept(signed_in: Client, moved: Task) -> None:
    response = type_dates(signed_in, moved, date_modified="yesterday")

    page = " ".join(response.content.decode().split())
    assert "yesterday is not a date" in page
    [tag] = findall(r'<input[^>]*name="date_modified"[^>]*>', page)
    assert 'value="yesterday"' in tag
    assert "autofocus" in tag
    assert "2026-03-01 00:00:00 UTC" in page
    assert '<details class="dates-editor" open>' in page
    # The address of the form answers no GET; what renews itself on the page asks elsewhere.
    [live] = findall(r'id="task-state" hx-get="([^"]*)"', page)
    assert signed_in.get(live).status_code == 200


@pytest.mark.rule("W8")
def test_while_a_run_is_active_no_date_changes(signed_in: Client, moved: Task) -> None:
    run = start(moved)
    typed = type_dates(signed_in, moved, date_modified="2019-01-01")
    [error] = typed.context["dates"].errors["date_modified"]
    assert error.startswith(f"Date Modified cannot be changed while {run} is active.")
    sentence = f"{run} is running. Change the date when it is over, or cancel it."
    assert messages_of(undo(signed_in, newest(moved))) == [sentence]

    page = page_of(signed_in, moved)
    assert "Save dates" not in page
    assert "is over: it may move them." in page
    assert stored(moved).date_modified == MOVED


def test_an_archived_task_keeps_its_dates(signed_in: Client, moved: Task) -> None:
    moved.archive()
    response = type_dates(signed_in, moved, date_modified="2019-01-01")
    assert messages_of(response) == ["Nightly batches is archived. Restore it to change its dates."]
    assert stored(moved).date_modified == MOVED
    assert "Save dates" not in page_of(signed_in, moved)


def test_queued_run_freezes_stored_dates(signed_in: Client, moved: Task) -> None:
    looked_at_before = stored(moved)
    type_dates(signed_in, moved, date_modified="2019-01-01")
    run = looked_at_before.queue_run("manual")
    assert run.date_modified_before == run.modified_after == datetime(2019, 1, 1, tzinfo=UTC)


# --- Undo


def test_undo_is_offered_for_newest_change(signed_in: Client, moved: Task) -> None:
    offered = findall(r'name="change" value="(\d+)"', page_of(signed_in, moved))
    assert offered == [str(newest(moved).pk)]


def test_undone_change_stays_struck_through(signed_in: Client, moved: Task) -> None:
    change = newest(moved)
    response = undo(signed_in, change)

    assert messages_of(response) == [
        "Date Modified of Nightly batches is back at 2020-01-01 00:00:00 UTC."
    ]
    assert stored(moved).date_modified == TYPED
    page = page_of(signed_in, moved)
    assert '<td class="name"><s>Date Modified</s></td>' in page
    assert "Undone by Admin1 at <time" in page
    assert findall(r'name="change" value="(\d+)"', page) == []


def test_a_second_click_undoes_nothing_more(signed_in: Client, moved: Task) -> None:
    type_dates(signed_in, moved, date_modified="2021-02-03")
    change = newest(moved)
    undo(signed_in, change)
    response = undo(signed_in, change)

    assert messages_of(response)[-1] == (
        "Nothing was undone: this is no longer the newest change of Date Modified."
    )
    assert stored(moved).date_modified == MOVED


def test_the_first_date_cannot_be_undone(signed_in: Client, moved: Task) -> None:
    response = undo(signed_in, newest(moved, "date_created"))
    assert messages_of(response) == ["This date has not been changed since the task was made."]


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 50, "999999"])
def test_an_unknown_change_is_not_found(signed_in: Client, moved: Task, number: str) -> None:
    page = reverse("task-undo-date", args=[moved.pk])
    assert signed_in.post(page, {"change": number}).status_code == 404


# --- Changed conditions, changed company


@pytest.mark.rule("W9")
def test_changed_conditions_offer_count_and_choice(signed_in: Client, moved: Task) -> None:
    assert "Only from now on" not in page_of(signed_in, moved)
    change_conditions(moved)
    page = page_of(signed_in, moved)

    run = moved.runs.get()
    assert (
        f"The conditions changed since run {run.pk} moved the date. The next run starts again at "
        "2020-01-01T00:00:00Z. It skips the 2 batches that already went out."
    ) in page
    assert "Only from now on</button>" in page


def test_only_from_now_on_uses_current_date(signed_in: Client, moved: Task) -> None:
    change_conditions(moved)
    page = reverse("task-from-now", args=[moved.pk])
    messages = [messages_of(signed_in.post(page))[-1] for _ in range(2)]

    assert messages == [
        "The next run of Nightly batches goes on from 2026-03-01 00:00:00 UTC.",
        "The next run of Nightly batches goes on from its date already.",
    ]
    window = next_window(stored(moved), "id < 900", datetime.now(UTC))
    assert (window.modified_after, window.skips_known) == (MOVED - overlap(), True)
    shown = page_of(signed_in, moved)
    assert "Only from now on</button>" not in shown
    who = 'Admin1 <br><span class="muted">Only from now on, after changed conditions</span>'
    assert who in " ".join(shown.split())


@pytest.mark.rule("W9")
@pytest.mark.parametrize("export", ["modified", "new"])
def test_only_from_now_on_holds_in_another_company(
    signed_in: Client, make_task: MakeTask, export: str
) -> None:
    field = "date_created" if export == "new" else "date_modified"
    task = make_task(export=export, **{field: TYPED})
    move_date(task, succeed(task), field, MOVED)
    Connection.objects.update(company="another")
    assert "The company changed since" in page_of(signed_in, task)
    signed_in.post(reverse("task-from-now", args=[task.pk]))

    assert "Only from now on</button>" not in page_of(signed_in, task)
    window = next_window(stored(task), "", datetime.now(UTC))
    assert (window.restart, window.start_id, window.skips_known) == (None, None, False)
    assert {window.created_after, window.modified_after} == {MOVED, None}


def test_active_run_refuses_only_from_now_on(signed_in: Client, moved: Task) -> None:
    change_conditions(moved)
    run = start(moved)
    response = signed_in.post(reverse("task-from-now", args=[moved.pk]))
    assert messages_of(response) == [
        f"{run} is running. Change the date when it is over, or cancel it."
    ]
    assert newest(moved).origin == "run"


def test_new_restarts_at_last_typed_date(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(export="new", date_created=TYPED)
    move_date(task, succeed(task), "date_created", MOVED)
    change_conditions(task)
    page = page_of(signed_in, task)
    assert "starts again at 2020-01-01T00:00:00Z. No batch has gone out before." in page


def test_typed_date_holds_for_any_conditions(signed_in: Client, make_task: MakeTask) -> None:
    task = make_task(export="modified", date_modified=TYPED)
    change_conditions(task)
    assert "Only from now on" not in page_of(signed_in, task)


@pytest.mark.rule("W9")
def test_another_company_starts_without_ledger_and_says_so(
    signed_in: Client, moved: Task, connection: Connection
) -> None:
    typed = {
        "name": "Acme",
        "site": "na.myconnectwise.net",
        "company": "globex",
        "public_key": "AbCdEf",
        "private_key": "pK",
        "client_id": "11111111-2222-3333-4444-555555555555",
        "parallel_requests": "4",
    }
    form = reverse("connection-edit", args=[connection.pk])
    hint = "as the same ids belong to other batches there: Nightly batches."
    assert hint in signed_in.get(form).content.decode()
    assert messages_of(signed_in.post(form, typed)) == [
        "Connection Acme was saved.",
        "Site or Company changed. The next runs of these tasks start afresh, as the same ids "
        "belong to other batches there: Nightly batches. Each task's page says what it will fetch.",
    ]
    assert (
        f"The company changed since run {moved.runs.get().pk} moved the date. The next run starts "
        "again at 2020-01-01T00:00:00Z. It starts afresh: there the same ids belong to other "
        "batches."
    ) in page_of(signed_in, moved)


@pytest.mark.parametrize("name", ["task-dates", "task-undo-date", "task-from-now"])
def test_dates_change_by_post_and_after_a_login(
    signed_in: Client, client: Client, moved: Task, name: str
) -> None:
    page = reverse(name, args=[moved.pk])
    assert signed_in.get(page).status_code == 405
    assert client.post(page).headers["Location"] == "/login/?next=/&not_done=1"
    assert signed_in.post(reverse(name, args=[999])).status_code == 404
