"""Several requests in flight: every promise of fetching page by page still holds (P1 to P5)."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import count

import pytest

from exports.demo import wires
from exports.demo.answers import COUNT, LIST, Request
from exports.demo.faults import (
    Body,
    CountOffset,
    Nothing,
    PageSizeLimit,
    RepeatRows,
    SamePageForever,
    Sending,
    Status,
)
from exports.demo.records import seed_batches
from exports.demo.server import StandIn
from exports.demo.store import Store
from exports.demo.switches import Fault
from exports.models import Task
from tests.conftest import make_connection, run_now, save_task
from tests.pipeline.outcomes import (
    aftermath,
    exported_ids,
    exported_versions,
    is_page,
    next_run_is_complete,
    page_requests,
    safe_failure,
    versions_in,
)

pytestmark = pytest.mark.django_db(transaction=True)

PAGE_SIZE = 50
LATE = {"batchIdentifier": "late", "_info": {"lastUpdated": "2026-07-01T00:00:00Z"}}


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """Enough batches to be split into ranges; some latency, so that requests overlap."""
    with StandIn(Store(seed_batches(1_300)), latency=0.005) as running:
        yield running
    assert running.failures == []


@pytest.fixture
def task(stand_in: StandIn, db: None) -> Task:
    return save_task(make_connection(stand_in), page_size=PAGE_SIZE)


def before_page(stand_in: StandIn, number: int, change: Callable[[], object]) -> None:
    """Call `change` once, when the page with this number (from 1) is requested."""
    numbers = count(1)

    def hook(request: Request) -> None:
        if is_page(request) and next(numbers) == number:
            change()

    stand_in.on_request(hook)


def test_parallel_requests_keep_the_file_ordered(task: Task, stand_in: StandIn) -> None:
    run = run_now(task)

    assert (run.status, run.error) == ("succeeded", "")
    assert exported_versions(run) == versions_in(stand_in)
    assert 1 < stand_in.requests.most_at_once_count <= 4
    assert len(page_requests(stand_in)) <= 1.25 * 27


@pytest.mark.parametrize(
    "fault",
    [
        Status(503, on=(LIST,), when=is_page, after=9, times=3),
        Status(429, retry_after="2", on=(LIST,), when=is_page, after=9, times=4),
        Sending(wires.reset, on=(LIST,), when=is_page, after=9, times=3),
        Sending(wires.cut_body, on=(LIST,), when=is_page, after=9, times=3),
        Body(b"null", on=(LIST,), when=is_page, after=9, times=3),
        PageSizeLimit(25, on=(LIST,), when=is_page),
        RepeatRows(5, on=(LIST,), when=is_page, times=1),
    ],
    ids=["503", "429", "reset", "cut", "null", "clamp", "repeats"],
)
def test_what_passes_costs_no_batch(task: Task, stand_in: StandIn, fault: Fault) -> None:
    stand_in.faults.add(deepcopy(fault))

    run = run_now(task)

    assert (run.status, run.error) == ("succeeded", "")
    assert exported_versions(run) == versions_in(stand_in)


@pytest.mark.parametrize(
    "fault",
    [
        Status(401, on=(LIST,), when=is_page, after=9),
        Status(500, on=(LIST,), when=is_page, after=9),
        Sending(wires.cut_chunk, on=(LIST,), when=is_page, after=9),
        Body(b"{}", on=(LIST,), when=is_page, after=9),
        SamePageForever(on=(LIST,), when=is_page, after=3),
        CountOffset(5, on=(COUNT,)),
        Nothing(on=(LIST,), when=is_page, after=9),
        Nothing(on=(LIST,), when=is_page),
    ],
    ids=["401", "500", "cut", "{}", "same page", "count", "dark half", "dark"],
)
def test_what_does_not_pass_fails_safely(task: Task, stand_in: StandIn, fault: Fault) -> None:
    stand_in.faults.add(deepcopy(fault))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert next_run_is_complete(task, stand_in)


def test_rows_deleted_anywhere_cost_no_survivor(task: Task, stand_in: StandIn) -> None:
    all_ids = stand_in.store.ids
    doomed = all_ids[400:470] + all_ids[800:815] + all_ids[1200:]

    def delete() -> None:
        for number in doomed:
            stand_in.store.delete(number)

    before_page(stand_in, 2, delete)

    run = run_now(task)

    assert (run.status, run.error) == ("succeeded", "")
    assert exported_ids(run) == stand_in.store.ids


def test_full_range_is_read_to_its_end(task: Task, stand_in: StandIn) -> None:
    gaps = sorted(set(range(1000, 1400)) - set(stand_in.store.ids))

    def fill() -> None:
        for number in gaps:
            stand_in.store.put({**LATE, "id": number})

    before_page(stand_in, 3, fill)

    run = run_now(task)

    assert (run.status, run.error) == ("succeeded", "")
    assert exported_ids(run) == stand_in.store.ids
    assert len(gaps) > 2 * PAGE_SIZE


def test_rows_added_at_the_end_are_exported(task: Task, stand_in: StandIn) -> None:
    before_page(stand_in, 5, lambda: [stand_in.store.add(LATE) for _ in range(120)])

    run = run_now(task)

    assert (run.status, run.error) == ("succeeded", "")
    assert exported_ids(run) == stand_in.store.ids


def test_sparse_and_clustered_ids_are_all_there(stand_in: StandIn, task: Task) -> None:
    stand_in.store.clear()
    for number in (*range(1, 600), *range(50_000, 50_400), *range(900_000, 900_200), 10**9):
        stand_in.store.put({**LATE, "id": number})

    run = run_now(task)

    assert (run.status, run.error) == ("succeeded", "")
    assert exported_ids(run) == stand_in.store.ids
