"""Rounds of housekeeping: one a day, one at a time, each ends with what it did or why it failed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from exports.housekeeping import rounds
from exports.housekeeping.retention import Policy
from exports.models import (
    DueTime,
    Event,
    HousekeepingRound,
    Run,
    RunSummary,
    Schedule,
    Task,
    WorkflowRun,
)
from exports.models.workflows import Workflow
from tests.conftest import run_now
from tests.housekeeping.pruning import make_old
from tests.run_files import run_file
from tests.screen_fixtures import succeed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("G1")]

NIGHT = datetime(2026, 11, 3, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def asked(now: datetime = NIGHT, trigger: str = "manual") -> HousekeepingRound:
    row = HousekeepingRound.objects.ask(trigger, now)
    assert row is not None
    return row


def newest() -> HousekeepingRound:
    return HousekeepingRound.objects.latest("id")


def test_first_daily_round_only_counts(task: Task) -> None:
    run = run_now(task)
    run_now(task)
    make_old(run)
    rounds.tick(timezone.now())

    assert (newest().status, newest().is_dry_run, newest().run_count) == ("succeeded", True, 1)
    assert run_file(run).exists()


def test_round_completes_what_starts_pass_over(task: Task) -> None:
    """A worker's start looks at the last runs only; pruning needs the summary of every success."""
    run = succeed(task)
    RunSummary.objects.all().delete()
    rounds.tick(NIGHT)
    rounds.tick(NIGHT + DAY)

    assert RunSummary.objects.get().pk == run.pk


def test_each_day_has_one_round(db: None) -> None:
    rounds.tick(NIGHT - DAY)
    for minutes in (-1, 0, 1, 600):
        rounds.tick(NIGHT + timedelta(minutes=minutes))

    days = list(HousekeepingRound.objects.order_by("id").values_list("day", "is_dry_run"))
    assert days == [(date(2026, 11, 2), True), (date(2026, 11, 3), False)]


def test_clock_set_back_repeats_no_day(db: None) -> None:
    rounds.tick(NIGHT)
    rounds.tick(NIGHT - 5 * DAY)

    assert HousekeepingRound.objects.count() == 1


def test_day_begins_in_the_installations_zone(db: None, settings: Settings) -> None:
    settings.TIME_ZONE = "America/New_York"
    with timezone.override("America/New_York"):
        assert rounds.due_day(datetime(2026, 11, 3, 7, 59, tzinfo=UTC)) == date(2026, 11, 2)
        assert rounds.due_day(datetime(2026, 11, 3, 8, 0, tzinfo=UTC)) == date(2026, 11, 3)


def test_nothing_due_costs_two_queries(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rounds.tick(NIGHT)

    with django_assert_num_queries(2):
        rounds.tick(NIGHT + timedelta(minutes=1))


def test_round_deletes_and_tells(task: Task) -> None:
    old = run_now(task)
    run_now(task)
    make_old(old)
    row = asked(timezone.now())
    assert row.take("worker-1", timezone.now())
    rounds.run_round(row)

    assert (newest().status, newest().run_count, newest().file_count) == ("succeeded", 1, 1)
    assert newest().file_bytes == old.file_size
    assert newest().row_count > 3
    assert not Run.objects.filter(pk=old.pk).exists()


def test_two_rounds_never_run_at_once(db: None) -> None:
    first = asked()
    assert first.take("worker-1", NIGHT)
    second = asked()

    assert HousekeepingRound.objects.ask("manual", NIGHT) is None
    assert not first.take("worker-2", NIGHT)
    assert not second.take("worker-2", NIGHT)


def test_silent_round_is_continued(task: Task) -> None:
    old = run_now(task)
    run_now(task)
    make_old(old)
    now = timezone.now()
    row = asked(now)
    assert row.take("worker that dies", now)
    HousekeepingRound.objects.filter(pk=row.pk).update(day=rounds.due_day(now))
    rounds.tick(now + timedelta(minutes=4))
    assert newest().owner == "worker that dies"

    rounds.tick(now + timedelta(minutes=6))

    assert (newest().status, newest().run_count) == ("succeeded", 1)


def test_stopping_worker_gives_round_back(task: Task) -> None:
    old = run_now(task)
    run_now(task)
    make_old(old)
    row = asked(timezone.now())
    assert row.take("worker-1", timezone.now())
    rounds.run_round(row, is_over=lambda: True)

    assert (newest().status, newest().owner) == ("waiting", "")


def test_round_fails_with_the_files_reason(task: Task) -> None:
    old = run_now(task)
    run_now(task)
    make_old(old)
    run_file(old).unlink()
    run_file(old).mkdir()
    row = asked(timezone.now())
    assert row.take("worker-1", timezone.now())
    rounds.run_round(row)

    assert newest().status == "failed"
    assert f"{run_file(old).name} cannot be deleted" in newest().error


def test_other_history_goes_by_age(task: Task) -> None:
    now = timezone.now()
    old = now - timedelta(days=91)
    schedule = Schedule.objects.create(task=task, cron="0 6 * * *", zone="UTC")
    workflow = Workflow.objects.create(name="Chain")
    for moment in (old, old + timedelta(minutes=1), now):
        DueTime.objects.create(schedule=schedule, due_at=moment, settled_at=moment, state="fired")
        WorkflowRun.objects.create(
            workflow=workflow,
            workflow_name="Chain",
            trigger="manual",
            status="succeeded",
            queued_at=moment,
            started_at=moment,
            finished_at=moment,
        )
        Event.objects.create(code="failed", subject="task:1", created_at=moment)
    row = asked(now)
    assert row.take("worker-1", now)
    rounds.run_round(row, policy=Policy(90, None))

    kept = [model.objects.count() for model in (DueTime, WorkflowRun, Event)]
    assert kept == [1, 1, 1]
