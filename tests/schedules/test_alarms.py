"""A missing success is told once, and so is its return."""

from datetime import datetime, timedelta

import pytest

from exports.models import Event, Run, Schedule, Task, Workflow, WorkflowRun
from exports.schedules.alarms import watch
from exports.workers.jobs import queue_scheduled
from tests.schedules.schedules import at, end_runs, make_schedule, tick_at

pytestmark = pytest.mark.django_db(transaction=True)

SAVED = at("2026-03-01 00:00")


def succeed(task: Task, finished_at: datetime) -> None:
    """A run that has succeeded, as far as alarms look at it."""
    run = task.active_run() or queue_scheduled(task)
    Run.objects.filter(pk=run.pk).update(
        status="succeeded",
        batch_count=1,
        file_path="runs/x.xml",
        file_sha256="0" * 64,
        finished_at=finished_at,
    )


def told() -> list[str]:
    return list(Event.objects.order_by("id").values_list("code", flat=True))


@pytest.mark.rule("N2", "N3")
def test_a_due_time_without_success_is_told(task: Task) -> None:
    schedule = make_schedule(task, "30 6 * * *", SAVED, grace_minutes=20)
    tick_at("2026-03-01 06:30")
    watch(at("2026-03-01 06:49"))
    assert told() == []

    watch(at("2026-03-01 06:50"))
    end_runs()
    tick_at("2026-03-02 06:30")
    watch(at("2026-03-02 06:50"))
    assert told() == ["missed"]
    event = Event.objects.get()
    assert event.schedule_number == schedule.pk
    assert "2026-03-01 06:30 (UTC)" in event.reason
    assert Schedule.objects.get().missed_due_at == at("2026-03-01 06:30")

    succeed(task, at("2026-03-02 07:00"))
    watch(at("2026-03-02 07:01"))
    assert told() == ["missed", "on_time_again"]
    assert Schedule.objects.get().missed_due_at is None


@pytest.mark.rule("N2")
def test_a_success_in_time_tells_nothing(task: Task) -> None:
    make_schedule(task, "*/5 * * * *", SAVED)
    for minute in range(5, 60, 5):
        tick_at(f"2026-03-01 06:{minute:02}")
        succeed(task, at(f"2026-03-01 06:{minute:02}:30"))
        watch(at(f"2026-03-01 06:{minute:02}:40"))
    watch(at("2026-03-01 07:20"))

    assert told() == []


@pytest.mark.rule("N2")
def test_failures_after_a_success_are_watched(task: Task) -> None:
    make_schedule(task, "*/5 * * * *", SAVED, grace_minutes=30)
    tick_at("2026-03-01 06:05")
    succeed(task, at("2026-03-01 06:06"))
    for minute in range(10, 40, 5):
        tick_at(f"2026-03-01 06:{minute}")
        end_runs()
    watch(at("2026-03-01 06:36"))
    watch(at("2026-03-01 06:39"))
    assert told() == []

    watch(at("2026-03-01 06:40"))
    assert told() == ["missed"]


@pytest.mark.rule("N2")
def test_nobody_alive_is_told_afterwards(task: Task) -> None:
    make_schedule(task, "30 6 * * *", SAVED, catch_up="none")
    tick_at("2026-03-01 09:00")
    watch(at("2026-03-01 09:00:10"))

    assert told() == ["missed"]


@pytest.mark.rule("N2")
def test_a_workflow_is_watched_too(task: Task) -> None:
    workflow = Workflow.objects.create(name="Month end")
    workflow.replace_steps([task])
    make_schedule(workflow, "30 6 * * *", SAVED)
    tick_at("2026-03-01 06:30")
    watch(at("2026-03-01 07:00"))
    assert told() == ["missed"]

    WorkflowRun.objects.update(status="succeeded", finished_at=at("2026-03-01 07:30"))
    watch(at("2026-03-01 07:31"))
    assert told() == ["missed", "on_time_again"]


@pytest.mark.rule("N2", "N3")
def test_hours_without_success_are_told_once(task: Task) -> None:
    Task.objects.update(success_within_hours=24, created_at=SAVED)
    watch(SAVED + timedelta(hours=23))
    assert told() == []

    for hour in (24, 25, 60):
        watch(SAVED + timedelta(hours=hour))
    assert told() == ["no_success"]
    assert Task.objects.get().overdue_since == SAVED

    succeed(task, SAVED + timedelta(hours=61))
    watch(SAVED + timedelta(hours=62))
    watch(SAVED + timedelta(hours=84))
    assert told() == ["no_success", "success_again"]


@pytest.mark.rule("N2")
def test_a_task_out_of_use_alarms_nobody(task: Task) -> None:
    Task.objects.update(success_within_hours=1, created_at=SAVED, enabled=False)
    watch(SAVED + timedelta(hours=60))

    assert told() == []
