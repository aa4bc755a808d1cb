"""Servers with very slow pages, and servers that never finish (rules R3, P4)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection as database

from exports.demo.answers import LIST, Request
from exports.demo.faults import Delay, SamePageForever
from exports.demo.records import seed_batches
from exports.demo.server import StandIn
from exports.demo.store import Store
from exports.models.runs import queryset
from exports.pipeline import lease
from exports.workers import recovery
from tests.conftest import MakeTask, make_connection, run_now, save_task
from tests.pipeline.outcomes import (
    aftermath,
    exported_ids,
    is_page,
    next_run_is_complete,
    page_requests,
    safe_failure,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def quick_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter heartbeats, and a shorter silence after which a worker counts as dead."""
    monkeypatch.setattr(lease, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(lease, "RENEW_EVERY", 0.1)
    monkeypatch.setattr(queryset, "DEAD_AFTER", timedelta(seconds=2))


@pytest.mark.usefixtures("quick_leases")
def test_slow_pages_never_lose_the_lease(
    make_task: MakeTask, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exports.connectwise.http.client import Limits
    from exports.pipeline import runner

    monkeypatch.setattr(runner, "LIMITS", Limits(connect=60, read=60, total=120))
    stand_in.faults.add(Delay(2.5, on=(LIST,), when=is_page))

    def sweep(request: Request) -> None:
        recovery.recover()
        database.close()

    stand_in.on_request(sweep)
    run = run_now(make_task(page_size=1000))

    assert (run.status, run.error, run.attempt) == ("succeeded", "", 1)
    assert exported_ids(run) == stand_in.store.ids


@pytest.fixture
def large_stand_in() -> Iterator[StandIn]:
    with StandIn(Store(seed_batches(1_300)), latency=0.005) as running:
        yield running
    assert running.failures == []


@pytest.mark.parametrize("width", [1, 4, 8])
def test_endless_page_costs_three_requests_each(
    large_stand_in: StandIn, db: None, width: int
) -> None:
    task = save_task(make_connection(large_stand_in, parallel_requests=width), page_size=50)
    large_stand_in.faults.add(SamePageForever(on=(LIST,), when=is_page))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert len(page_requests(large_stand_in)) <= 3 * width
    assert next_run_is_complete(task, large_stand_in)
