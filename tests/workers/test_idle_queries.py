"""What fifty workers without work ask of the database: counted, not timed (rule Q1)."""

from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from exports.models import Worker
from exports.models.workers import SEEN_EVERY
from exports.workers.duties import Duties
from exports.workers.duty_threads import Shares
from exports.workers.queues import database_engine
from exports.workers.queues.chosen import queue_engine
from exports.workers.signs_of_life import SignsOfLife

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 50


def queries_of(do: Callable[[], object]) -> int:
    with CaptureQueriesContext(database) as asked:
        do()
    return len(asked)


def sign_of_life() -> Callable[[], None]:
    """One that is due at each call."""
    signs = SignsOfLife("one", queue_engine(), Shares())

    def give() -> None:
        signs._seen_at = float("-inf")
        signs.give_when_due()

    give()
    return give


def test_sign_of_life_takes_two_queries() -> None:
    assert queries_of(sign_of_life()) == 2


def test_sign_of_life_waits_until_it_is_due() -> None:
    signs = SignsOfLife("one", queue_engine(), Shares())
    signs.give_when_due()

    assert queries_of(signs.give_when_due) == 0
    assert Worker.objects.count() == 1


def test_idle_look_into_the_queue_is_one_query() -> None:
    engine = database_engine.DatabaseEngine()
    engine.take(0.001)

    # PostgreSQL tells when there is a job.
    expected = 0 if database.vendor == "postgresql" else 1
    assert queries_of(lambda: engine.take(0.001)) == expected
    assert queries_of(lambda: engine.take(0)) == 1


@pytest.mark.rule("Q1")
def test_fifty_idle_workers_ask_little() -> None:
    """At the pace they have on PostgreSQL: at most 60 queries a second in all."""
    duties = Duties(Shares()).all()
    for duty in duties:
        duty.do()  # at a worker's start there is more to do
    # Each round opens a connection, which is one more. The oldest does it at the duty's pace, all
    # others together as often again.
    shared = sum((queries_of(duty.do) + 1) * 2 / duty.every for duty in duties)
    each = (
        queries_of(sign_of_life()) / SEEN_EVERY.total_seconds()
        + 1 / database_engine._LOOK_ALL_THE_SAME
    )

    assert shared + WORKERS * each <= 60
