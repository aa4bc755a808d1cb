"""Hosts whose clocks are minutes apart decide by the clock of the database they share."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.db import connection as database
from django.utils import timezone

from exports import clock
from exports.models import Delivery, HousekeepingRound, Run, Schedule, Task, Worker
from exports.models.one_time_links import OneTimeLink, issue_link
from exports.schedules.planning import save_planned
from exports.schedules.ticking import tick
from exports.workers import heartbeats, jobs, recovery
from tests.workers.processes import fresh, queue

pytestmark = pytest.mark.django_db(transaction=True)

MINUTES = [-5, 5]
SECOND = timedelta(seconds=1)


@contextmanager
def host(minutes: float) -> Iterator[None]:
    """What is done within is done on a host whose clock is that much ahead."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "_clock", clock.DatabaseClock())
        for name in ("_watch", "_delivery_watch", "_message_watch"):
            patch.setattr(recovery, name, heartbeats.HeartbeatWatch())
        patch.setattr(recovery, "_clock", heartbeats.ClockWatch())
        with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
            yield


def database_time() -> object:
    with database.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


@pytest.mark.rule("Q4")
@pytest.mark.parametrize("minutes", MINUTES)
def test_time_is_that_of_the_database(minutes: float) -> None:
    before = database_time()
    with host(minutes):
        told = clock.now()
    after = database_time()

    tolerance = timedelta(seconds=0.2)
    assert before - tolerance <= told <= after + tolerance  # type: ignore[operator]


def test_leap_of_own_clock_is_noticed() -> None:
    with host(0):
        clock.now()
        with time_machine.travel(timezone.now() + timedelta(hours=1)):
            leapt = clock.now()
    assert abs(leapt - timezone.now()) < timedelta(minutes=1)


@pytest.mark.rule("R3")
@pytest.mark.parametrize("minutes", MINUTES)
def test_living_run_is_left_to_its_worker(task: Task, minutes: float) -> None:
    run = queue(task)
    with host(-minutes):
        assert run.claim("alive")
    with host(minutes):
        recovery.recover()

    assert (fresh(run).status, fresh(run).owner) == ("running", "alive")


@pytest.mark.rule("R3")
@pytest.mark.parametrize("minutes", MINUTES)
def test_dead_run_is_taken_in_time(task: Task, minutes: float) -> None:
    run = queue(task)
    with host(-minutes):
        assert run.claim("dead")
    heartbeat_at = fresh(run).heartbeat_at
    assert heartbeat_at is not None
    Run.objects.filter(pk=run.pk).update(heartbeat_at=heartbeat_at - timedelta(seconds=61))
    with host(minutes):
        recovery.recover()

    assert fresh(run).status != "running"


@pytest.mark.parametrize("minutes", MINUTES)
def test_workers_of_other_hosts_are_alive(minutes: float) -> None:
    with host(minutes):
        Worker.objects.see("other host", 1)
    with host(-minutes):
        assert jobs.any_worker_alive()
        Worker.objects.prune_stalled()

    assert Worker.objects.count() == 1


@pytest.mark.rule("S2")
def test_due_time_waits_for_the_database(task: Task) -> None:
    save_planned(Schedule(task=task, cron="* * * * *", zone="UTC"), timezone.now())
    schedule = Schedule.objects.get()
    soon = timezone.now() + timedelta(minutes=2)
    Schedule.objects.update(next_due_at=soon)
    with host(5):
        tick(clock.now(), jobs.queue_scheduled)
    assert not schedule.due_times.exists()

    Schedule.objects.update(next_due_at=timezone.now() - SECOND)
    with host(-5):
        tick(clock.now(), jobs.queue_scheduled)
    assert [row.state for row in schedule.due_times.all()] == ["fired"]


@pytest.mark.parametrize("minutes", MINUTES)
def test_deliveries_stay_with_their_senders(task: Task, minutes: float) -> None:
    run = queue(task)
    jobs.execute_here(run.pk, 1)
    with host(-minutes):
        assert run.deliveries.get().take("alive")
    with host(minutes):
        recovery.recover()

    assert Delivery.objects.get().owner == "alive"


@pytest.mark.parametrize("minutes", MINUTES)
def test_round_stays_with_its_worker(minutes: float) -> None:
    with host(-minutes):
        row = HousekeepingRound.objects.ask(HousekeepingRound.Trigger.MANUAL, clock.now())
        assert row is not None
        assert row.take("alive", clock.now())
    with host(minutes):
        assert not row.steal("other host", clock.now())


@pytest.mark.parametrize("minutes", MINUTES)
def test_link_lasts_as_long_as_it_says(minutes: float) -> None:
    lifetime = OneTimeLink.LIFETIMES[OneTimeLink.Purpose.SET_UP]
    with host(minutes):
        link, _token = issue_link(OneTimeLink.Purpose.SET_UP)

    assert abs(link.expires_at - timezone.now() - lifetime) < timedelta(minutes=1)
