"""The pages of schedules: form with live words, list, pause, delete, history, calendar."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from exports.forms.schedule_choice import choice_of
from exports.models import DueTime, Run, Schedule, Task, Workflow
from exports.schedules.planning import save_planned
from exports.schedules.ticking import tick
from exports.workers.jobs import queue_scheduled
from tests.schedules.schedules import at, make_schedule

pytestmark = pytest.mark.django_db

SAVED = at("2026-03-01 00:00")


def typed(task: Task, **fields: Any) -> dict[str, Any]:
    form = {
        "target": f"task:{task.pk}",
        "often": "weekdays",
        "time": "06:30",
        "zone": "Europe/Berlin",
        "catch_up": "one",
        "grace_minutes": "30",
    }
    return {**form, **fields}


def text_of(client: Client, address: str, **query: Any) -> str:
    return client.get(address, query).content.decode()


def opened(client: Client, schedule: Schedule) -> str:
    page = client.get(f"/schedules/{schedule.pk}/edit/")
    return str(page.context["form"]["opened_with"].value())


@pytest.fixture
def nightly(task: Task) -> Schedule:
    return make_schedule(task, "30 6 * * *", timezone.now())


@pytest.mark.rule("S1")
@pytest.mark.parametrize(
    ("fields", "cron"),
    [
        ({"often": "minutes", "every": "15"}, "*/15 * * * *"),
        ({"often": "hourly", "minute": "5"}, "5 * * * *"),
        ({"often": "daily"}, "30 6 * * *"),
        ({"often": "weekdays"}, "30 6 * * MON-FRI"),
        ({"often": "weekly", "weekday": "TUE", "time": "7:05"}, "5 7 * * TUE"),
        ({"often": "month_end", "time": "18:00"}, "0 18 L * *"),
        ({"often": "first_weekday"}, "30 6 1W * *"),
        ({"often": "text", "cron": " 0 6  * * mon#1 "}, "0 6 * * MON#1"),
    ],
)
def test_choices_write_cron_text(
    signed_in: Client, task: Task, fields: dict[str, str], cron: str
) -> None:
    signed_in.post("/schedules/new/", typed(task, **fields))

    schedule = Schedule.objects.get()
    assert schedule.cron == cron
    assert schedule.next_due_at is not None
    assert schedule.updated_by == "Admin1"
    assert choice_of(cron)["often"] == fields["often"]


@pytest.mark.rule("S8", "E1")
@pytest.mark.parametrize(
    ("field", "fields", "sentence"),
    [
        ("cron", {"often": "text", "cron": "0 0 31 2 *"}, "never comes"),
        ("cron", {"often": "text", "cron": "0 30 6 * * *"}, "once a minute at most"),
        ("cron", {"often": "text", "cron": ""}, "five fields"),
        ("zone", {"zone": "Europe/Atlantis"}, "no time zone Europe/Atlantis"),
        ("every", {"often": "minutes", "every": "0.5"}, "Once a minute is the most"),
        ("every", {"often": "minutes", "every": "45"}, "which divide an hour"),
        ("minute", {"often": "hourly", "minute": "60"}, "0 to 59"),
        ("time", {"time": "25:00"}, "00:00 to 23:59"),
        ("weekday", {"often": "weekly", "weekday": "XYZ"}, "Choose a day"),
        ("often", {"often": "sometimes"}, "Choose how often"),
        ("target", {"target": "task:999"}, "no longer there"),
        ("grace_minutes", {"grace_minutes": "soon"}, "whole number"),
        ("catch_up", {"catch_up": "all"}, "Choose one"),
    ],
)
def test_bad_input_is_refused_at_its_field(
    signed_in: Client, task: Task, field: str, fields: dict[str, str], sentence: str
) -> None:
    page = signed_in.post("/schedules/new/", typed(task, **fields))

    errors = page.context["form"].errors
    assert list(errors) == [field]
    assert sentence in errors[field][0]
    assert not Schedule.objects.exists()
    # Everything typed is kept.
    assert all(page.context["form"][name].value() == value for name, value in fields.items())


@pytest.mark.rule("S1", "S6")
def test_words_and_next_times_show_while_typing(signed_in: Client, task: Task) -> None:
    answer = signed_in.post("/schedules/outlook/", typed(task, often="daily", zone="UTC"))
    text = answer.content.decode()
    assert "Every day at 06:30" in text
    assert text.count("06:30 UTC") == 5

    wrong = typed(task, often="text", cron="61 * * * *")
    assert "The minute 61" in signed_in.post("/schedules/outlook/", wrong).content.decode()
    assert signed_in.post("/schedules/outlook/", {}).status_code == 200


@pytest.mark.rule("S5")
def test_editing_plans_from_now_on(signed_in: Client, nightly: Schedule) -> None:
    before = timezone.now()
    changed = {**typed(nightly.task, often="minutes", every="1"), "is_paused": ""}
    signed_in.post(f"/schedules/{nightly.pk}/edit/", changed)

    saved = Schedule.objects.get()
    assert saved.cron == "* * * * *"
    assert saved.next_due_at is not None
    assert saved.next_due_at > before


@pytest.mark.rule("S1")
def test_pause_and_resume_by_button(signed_in: Client, nightly: Schedule) -> None:
    signed_in.post(f"/schedules/{nightly.pk}/pause/", {"back": "list"})
    assert Schedule.objects.get().next_due_at is None
    assert "Resume" in text_of(signed_in, "/schedules/")

    signed_in.post(f"/schedules/{nightly.pk}/resume/")
    assert Schedule.objects.get().next_due_at is not None


@pytest.mark.rule("S3")
def test_deleting_keeps_the_due_times(signed_in: Client, task: Task) -> None:
    schedule = make_schedule(task, "30 6 * * *", SAVED)
    tick(at("2026-03-01 06:30"), queue_scheduled)
    signed_in.post(f"/schedules/{schedule.pk}/delete/")

    assert "No schedule yet" in text_of(signed_in, "/schedules/")
    assert Schedule.objects.get().next_due_at is None
    assert "Fired" in text_of(signed_in, "/due-times/")
    assert "Deleted" in text_of(signed_in, f"/schedules/{schedule.pk}/")
    assert signed_in.get(f"/schedules/{schedule.pk}/edit/").status_code == 404


@pytest.mark.rule("S3")
def test_due_times_show_what_became_of_them(signed_in: Client, task: Task) -> None:
    schedule = make_schedule(task, "30 6 * * *", SAVED, catch_up="none")
    tick(at("2026-03-01 06:30"), queue_scheduled)
    tick(at("2026-03-02 06:30"), queue_scheduled)
    tick(at("2026-03-05 12:00"), queue_scheduled)
    Task.objects.update(enabled=False)
    tick(at("2026-03-06 06:30"), queue_scheduled)

    page = text_of(signed_in, f"/schedules/{schedule.pk}/")
    run = Run.objects.get()
    for part in ("Fired", "Skipped", "Missed", "Refused", f"/runs/{run.pk}/", "is disabled"):
        assert part in page
    assert page.count("No worker was alive") == 3


@pytest.mark.rule("S3")
def test_a_run_names_its_due_time(signed_in: Client, task: Task) -> None:
    schedule = make_schedule(task, "30 6 * * *", SAVED)
    tick(at("2026-03-01 06:30"), queue_scheduled)
    page = text_of(signed_in, f"/runs/{Run.objects.get().pk}/")

    assert f'by a <a href="/schedules/{schedule.pk}/">schedule</a>' in page
    assert "2026-03-01 06:30:00 UTC" in page


def test_due_times_are_filtered(signed_in: Client, task: Task) -> None:
    make_schedule(task, "30 6 * * *", SAVED, catch_up="none")
    tick(at("2026-03-01 06:30"), queue_scheduled)
    tick(at("2026-03-04 12:00"), queue_scheduled)

    def found(**query: Any) -> int:
        page = signed_in.get("/due-times/", query)
        return int(page.context["due_time_count"])

    assert found() == 4
    assert found(state="missed") == 3
    assert found(state="fired", task=task.pk) == 1
    assert found(**{"from": "2026-03-02", "to": "2026-03-03"}) == 2
    assert found(task=999) == 4
    assert "choose one of the list" in text_of(signed_in, "/due-times/", task=999)


def test_deleted_schedule_is_offered_as_new(signed_in: Client, nightly: Schedule) -> None:
    nightly.deleted_at = timezone.now()
    save_planned(nightly, timezone.now())
    changed = typed(nightly.task, often="hourly", minute="7")
    page = signed_in.post(f"/schedules/{nightly.pk}/edit/", changed)

    assert "Somebody deleted this schedule" in page.content.decode()
    assert page.context["form"]["minute"].value() == "7"
    assert page.context["action"] == "/schedules/new/"


def test_two_editors_keep_each_others_changes(signed_in: Client, nightly: Schedule) -> None:
    form = {**typed(nightly.task, often="daily"), "zone": "UTC"}
    first = {**form, "opened_with": opened(signed_in, nightly)}
    Schedule.objects.update(cron="0 7 * * *", updated_by="Other")

    # Only the grace was changed here: the other's time is kept.
    signed_in.post(f"/schedules/{nightly.pk}/edit/", {**first, "grace_minutes": "60"})
    saved = Schedule.objects.get()
    assert (saved.cron, saved.grace_minutes) == ("0 7 * * *", 60)

    # Both changed the time: the form asks.
    page = signed_in.post(f"/schedules/{nightly.pk}/edit/", {**first, "time": "05:00"})
    assert "Other changed How often from 30 6 * * * to 0 7 * * *" in str(
        page.context["form"].errors["often"][0]
    ).replace("Admin1", "Other")


def test_the_calendar_shows_seven_days(signed_in: Client, task: Task) -> None:
    workflow = Workflow.objects.create(name="Month end")
    make_schedule(task, "30 6 * * *", timezone.now())
    make_schedule(workflow, "*/5 * * * *", timezone.now())
    page = signed_in.get("/schedules/calendar/")

    assert len(page.context["days"]) == 7
    text = page.content.decode()
    # Shortly before midnight the few of today are told one by one.
    assert text.count("Every 5 minutes") in (6, 7)
    assert text.count("06:30") >= 6


def test_lists_take_a_fixed_number_of_queries(
    signed_in: Client, task: Task, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for minute in range(30):
        schedule = make_schedule(task, f"{minute} 6 * * *", SAVED)
        DueTime.objects.create(
            schedule=schedule,
            due_at=SAVED + timedelta(minutes=minute),
            settled_at=SAVED,
            state="missed",
            reason_code="due.nobody_alive",
        )
    for address in ("/schedules/", "/due-times/", f"/due-times/?task={task.pk}"):
        signed_in.get(address)
        with django_assert_max_num_queries(9):
            assert signed_in.get(address).status_code == 200


def test_the_task_page_shows_its_schedules(signed_in: Client, nightly: Schedule) -> None:
    Task.objects.update(success_within_hours=26, overdue_since=SAVED)
    page = text_of(signed_in, f"/tasks/{nightly.task_id}/")

    assert "Every day at 06:30" in page
    assert f"/schedules/new/?task={nightly.task_id}" in page
    assert "No success since" in page


def test_the_form_opens_with_a_task_chosen(signed_in: Client, task: Task, user: User) -> None:
    page = signed_in.get("/schedules/new/", {"task": task.pk})

    form = page.context["form"]
    assert form["target"].value() == f"task:{task.pk}"
    assert form["grace_minutes"].value() == 30
    assert signed_in.get("/schedules/new/", {"task": "x"}).status_code == 200
