"""Duties are divided among the living workers, and never depend on one of them (rules Q1, Q2)."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Event, Semaphore

import pytest

from exports import clock
from exports.models import Worker
from exports.workers.duty_threads import Among, Duty, DutyThread, Shares

pytestmark = pytest.mark.django_db(transaction=True)


def seen(name: str, **fields: object) -> None:
    Worker.objects.see(name, 1)
    Worker.objects.filter(name=name).update(**fields)


@pytest.mark.rule("Q1")
def test_oldest_worker_leaves_nothing_to_others() -> None:
    for name in ("first", "second", "third"):
        seen(name)

    assert Worker.objects.shares_of("first") == (1, 1)
    assert Worker.objects.shares_of("second") == Worker.objects.shares_of("third") == (3, 3)


def test_dead_workers_have_no_share() -> None:
    seen("dead", seen_at=clock.now() - timedelta(minutes=1))
    seen("alive")

    assert Worker.objects.shares_of("alive") == (1, 1)


def test_each_host_divides_its_own_duties() -> None:
    seen("elsewhere", host="another")
    seen("here")
    seen("here too")

    assert Worker.objects.shares_of("here") == (3, 1)
    assert Worker.objects.shares_of("here too") == (3, 2)


@pytest.fixture
def over() -> Iterator[Event]:
    over = Event()
    yield over
    over.set()


def shared_by(count: int) -> Shares:
    shares = Shares()
    shares.update(count, 1)
    return shares


@pytest.mark.rule("Q2")
def test_younger_workers_do_every_duty_too(over: Event) -> None:
    done = Semaphore(0)
    thread = DutyThread(Duty("a duty", 0.01, done.release), shared_by(50), over)

    assert all(done.acquire(timeout=120) for _round in range(3))
    over.set()
    thread.join(120)


def test_pause_ends_when_the_others_have_died(over: Event) -> None:
    done, shares = Semaphore(0), shared_by(1_000_000)
    thread = DutyThread(Duty("a duty", 0.01, done.release), shares, over)
    assert done.acquire(timeout=120)
    assert not done.acquire(timeout=0.1)

    shares.update(1, 1)
    assert done.acquire(timeout=120)
    over.set()
    thread.join(120)


def test_duty_is_done_at_once_when_woken(over: Event) -> None:
    done, wake = Semaphore(0), Event()
    thread = DutyThread(Duty("a duty", 3600, done.release, Among.HOST, wake), Shares(), over)
    assert done.acquire(timeout=120)

    wake.set()
    assert done.acquire(timeout=120)
    over.set()
    thread.join(120)


def test_failing_duty_is_tried_again(over: Event) -> None:
    done = Semaphore(0)

    def fail() -> None:
        done.release()
        raise OSError("the disk is away")

    thread = DutyThread(Duty("a duty", 0.01, fail), Shares(), over)

    assert all(done.acquire(timeout=120) for _round in range(3))
    over.set()
    thread.join(120)
