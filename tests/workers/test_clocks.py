"""A clock that was set back must not make a dead worker look alive."""

from datetime import timedelta

import pytest
from django.utils import timezone
from time_machine import travel

from exports import clock
from exports.delivery.sending import send_due
from exports.models import Delivery, Run, Task, Worker
from exports.workers import heartbeats, jobs, recovery
from tests.workers.processes import abandoned, fall_silent, fresh, queue, work_off_queue

pytestmark = pytest.mark.django_db(transaction=True)

AN_HOUR = timedelta(hours=1)


class Stopwatch:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    watch = Stopwatch()
    for name in ("_watch", "_delivery_watch"):
        monkeypatch.setattr(recovery, name, heartbeats.HeartbeatWatch(watch))
    return watch


def ahead(run: Run) -> None:
    """A run whose worker's last heartbeat came just before the clock was set back an hour."""
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() + AN_HOUR)


def test_dead_worker_is_noticed_after_clock_change(task: Task, stopwatch: Stopwatch) -> None:
    run = abandoned(task)
    ahead(run)
    recovery.recover()
    at_once = fresh(run).status
    stopwatch.seconds = 61
    recovery.recover()

    assert (at_once, fresh(run).status) == ("running", "queued")


def test_living_worker_is_kept_after_clock_change(task: Task, stopwatch: Stopwatch) -> None:
    run = queue(task)
    assert run.claim("alive")
    for _ in range(3):
        Run.objects.filter(pk=run.pk).update(
            heartbeat_at=timezone.now() + AN_HOUR + timedelta(seconds=stopwatch.seconds)
        )
        recovery.recover()
        stopwatch.seconds += 50

    assert fresh(run).owner == "alive"


@pytest.mark.rule("R3")
def test_leap_of_the_clock_steals_no_run(
    task: Task, stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Stopwatch()
    monkeypatch.setattr(recovery, "_clock", heartbeats.ClockWatch(stopwatch, wall))
    run = queue(task)
    assert run.claim("alive")
    recovery.recover()
    wall.seconds += 3_600
    fall_silent(run)  # so it looks after the leap, until the worker's next heartbeat
    recovery.recover()
    after_leap = fresh(run).owner
    wall.seconds, stopwatch.seconds = wall.seconds + 30, 30
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now())
    recovery.recover()
    alive = fresh(run).owner
    # Nothing came since: the worker is dead.
    wall.seconds, stopwatch.seconds = wall.seconds + 61, 91
    fall_silent(run)
    recovery.recover()

    assert (after_leap, alive, fresh(run).status) == ("alive", "alive", "queued")


def test_last_moment_heartbeat_keeps_the_run(task: Task) -> None:
    run = abandoned(task)
    seen = fresh(run)
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now())

    assert not seen.steal("recovery")


def test_worker_seen_ahead_of_now_is_dead(db: None) -> None:
    now = timezone.now()
    Worker.objects.create(name="ghost", process_id=1, started_at=now, seen_at=now + AN_HOUR)
    assert not jobs.any_worker_alive()
    recovery.recover()

    assert not Worker.objects.exists()


def test_delivery_of_dead_sender_follows_clock_change(task: Task, stopwatch: Stopwatch) -> None:
    run = queue(task)
    jobs.execute_here(run.pk, 1)
    assert run.deliveries.get().take("a sender that died")
    Delivery.objects.update(heartbeat_at=timezone.now() + AN_HOUR)
    recovery.recover()
    stopwatch.seconds = 61
    recovery.recover()
    send_due()

    assert run.deliveries.get().state == "delivered"


def test_paused_delivery_follows_clock_change(task: Task) -> None:
    run = queue(task)
    jobs.execute_here(run.pk, 1)
    later = timezone.now() + AN_HOUR
    Delivery.objects.update(waits_since=later, next_try_at=later + AN_HOUR)
    send_due()

    assert run.deliveries.get().state == "delivered"


def test_lost_job_is_replaced_after_clock_change(task: Task) -> None:
    run = task.queue_run(Run.Trigger.MANUAL)
    Run.objects.filter(pk=run.pk).update(
        queued_at=timezone.now() + AN_HOUR, enqueued_at=timezone.now() + AN_HOUR
    )
    recovery.recover()
    work_off_queue()

    assert fresh(run).status == "succeeded"


def test_unreachable_database_leaves_the_last_measure() -> None:
    ahead = [timedelta(minutes=5), None]
    own = clock.DatabaseClock(lambda: ahead.pop(0) if len(ahead) > 1 else ahead[0])
    first = own.now()
    with travel(timezone.now() + AN_HOUR):
        # Its own clock has leapt, and nobody can say by how much.
        second = own.now()

    assert first - timezone.now() > timedelta(minutes=4)
    assert second - first > timedelta(minutes=59)


def test_small_differences_change_nothing() -> None:
    measured = [timedelta(seconds=-0.09), timedelta(seconds=3)]
    own = clock.DatabaseClock(lambda: measured.pop(0))
    before = timezone.now()
    assert own.now() >= before

    with travel(timezone.now() + AN_HOUR):
        assert own.now() - timezone.now() > timedelta(seconds=2)
