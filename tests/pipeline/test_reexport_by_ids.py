"""*Export again* of batches that lie scattered among many others: asked for by their ids."""

from dataclasses import dataclass, replace

import pytest

from exports.connectwise.filter.conditions import MAX_URL_LENGTH
from exports.demo.answers import COUNT, LIST, Request
from exports.demo.faults import Body, Status
from exports.demo.records import SAMPLE_BATCH
from exports.demo.server import StandIn
from exports.demo.switches import Fault
from exports.models import Run
from exports.pipeline.lease import shutdown
from exports.reporting.completeness_summary import completeness_check_of
from exports.workers import jobs
from tests.conftest import MakeTask, run_now
from tests.pipeline.test_modes import exported_ids
from tests.pipeline.test_reexport import executed
from tests.pipeline.test_resume import interrupt_at_page

pytestmark = pytest.mark.django_db(transaction=True)

PAGE_SIZE = 25
# Every tenth of 3,000 batches, whose ids reach up to 900,000.
WANTED = range(300, 900_001, 3_000)
PORTION_COUNT = len(WANTED) // PAGE_SIZE


@pytest.fixture
def first(make_task: MakeTask, stand_in: StandIn) -> Run:
    """A run of the wanted batches."""
    stand_in.store.clear()
    for number in range(300, 900_001, 300):
        name = "wanted" if number in WANTED else "other"
        stand_in.store.put({**SAMPLE_BATCH, "id": number, "batchIdentifier": name})
    task = make_task(page_size=PAGE_SIZE)
    task.conditions.create(
        position=0, field="batchIdentifier", comparison="Equal", value='"wanted"'
    )
    run = run_now(task)
    assert exported_ids(run) == list(WANTED)
    stand_in.requests.clear()
    return run


def pages(stand_in: StandIn) -> list[Request]:
    return [one for one in stand_in.requests.lists if one.query["orderBy"] == "id asc"]


@pytest.mark.rule("R7")
def test_scattered_batches_take_one_request_a_portion(first: Run, stand_in: StandIn) -> None:
    again = executed(jobs.queue_reexport(first.task, of_run=first))

    assert (again.status, again.error, again.suspicion) == ("succeeded", "", "")
    assert exported_ids(again) == list(WANTED)
    assert (again.fetched_count, again.skipped_count) == (len(WANTED), 0)
    assert (again.expected_count, again.proven_count) == (len(WANTED), len(WANTED))
    assert len(pages(stand_in)) == PORTION_COUNT
    assert len(stand_in.requests) < PORTION_COUNT + 10
    assert all(len(stand_in.url + one.url) < MAX_URL_LENGTH for one in stand_in.requests)
    assert any(f"in {PORTION_COUNT} portions" in line.message for line in again.log_entries.all())
    assert completeness_check_of(again).is_complete


@pytest.mark.rule("R4")
def test_killed_reexport_goes_on_after_its_last_portion(first: Run, stand_in: StandIn) -> None:
    whole = executed(jobs.queue_reexport(first.task, of_run=first))
    interrupt_at_page(stand_in, PORTION_COUNT - 1)
    again = executed(jobs.queue_reexport(first.task, of_run=first))
    shutdown.clear()
    had, last_id = again.fetched_count, again.last_id
    assert (again.status, again.asks_by_ids) == ("queued", True)
    assert 0 < had < len(WANTED)
    stand_in.requests.clear()
    again = executed(again)

    assert (again.status, again.error) == ("succeeded", "")
    assert again.file_sha256 == whole.file_sha256
    assert f"id > {last_id}" in pages(stand_in)[0].query["conditions"]
    assert len(pages(stand_in)) == PORTION_COUNT - had // PAGE_SIZE


@pytest.mark.rule("R7")
def test_batches_deleted_meanwhile_are_named(first: Run, stand_in: StandIn) -> None:
    last_of_portion, whole_portion = WANTED[PAGE_SIZE - 1], WANTED[50:75]
    gone = {WANTED[3], last_of_portion, *whole_portion, WANTED[-1]}
    for number in gone:
        stand_in.store.delete(number)
    again = executed(jobs.queue_reexport(first.task, of_run=first))

    assert again.status == "succeeded"
    assert exported_ids(again) == [number for number in WANTED if number not in gone]
    # Two portions end with an empty page; the second of them, without any, needs no other.
    assert len(pages(stand_in)) == PORTION_COUNT + 2
    assert any(f"{len(gone)} of the batches" in line.message for line in again.log_entries.all())
    assert completeness_check_of(again).verdict == "Not all"
    assert again.proven_count == again.fetched_count


@pytest.mark.rule("P3")
def test_portion_that_came_empty_is_fetched_again(first: Run, stand_in: StandIn) -> None:
    again = jobs.queue_reexport(first.task, of_run=first)
    # The newest batch is asked for first.
    with stand_in.faults.on(Body(b"[]", on=(LIST,), after=3, times=1)):
        again = executed(again)

    assert (again.status, again.error) == ("succeeded", "")
    assert exported_ids(again) == list(WANTED)


@pytest.mark.rule("P3")
def test_portion_that_always_comes_empty_fails_the_run(first: Run, stand_in: StandIn) -> None:
    again = jobs.queue_reexport(first.task, of_run=first)

    def is_of_second(request: Request) -> bool:
        return f"in ({WANTED[PAGE_SIZE]}," in request.query.get("conditions", "")

    with stand_in.faults.on(Body(b"[]", on=(LIST,), when=is_of_second)):
        again = executed(again)

    assert again.status == "failed"
    assert f"counts {len(WANTED)} matching batches but gave only {len(WANTED) - 25}" in again.error


@pytest.mark.parametrize("is_one_gone", [False, True])
def test_refused_counts_leave_open_only_what_is_missing(
    first: Run, stand_in: StandIn, is_one_gone: bool
) -> None:
    if is_one_gone:
        stand_in.store.delete(WANTED[7])
    with stand_in.faults.on(Status(403, on=(COUNT,))):
        again = executed(jobs.queue_reexport(first.task, of_run=first))

    assert (again.status, again.suspicion) == ("succeeded", "")
    assert again.fetched_count == len(WANTED) - is_one_gone
    assert again.proven_count == (None if is_one_gone else len(WANTED))
    assert len(pages(stand_in)) == PORTION_COUNT


def test_refused_counts_hide_no_empty_portion(first: Run, stand_in: StandIn) -> None:
    with (
        stand_in.faults.on(Status(403, on=(COUNT,))),
        stand_in.faults.on(Body(b"[]", on=(LIST,), after=3, times=1)),
    ):
        again = executed(jobs.queue_reexport(first.task, of_run=first))

    assert exported_ids(again) == list(WANTED)


def test_server_that_ignores_ids_fails_the_run(first: Run, stand_in: StandIn) -> None:
    @dataclass
    class IgnoreIds(Fault):
        def ask(self, request: Request) -> Request:
            above = request.query["conditions"].rpartition(" and ")[2]
            return replace(request, query={**request.query, "conditions": above})

    ids_asked = IgnoreIds(on=(LIST,), when=lambda one: " in (" in one.query.get("conditions", ""))
    with stand_in.faults.on(ids_asked):
        again = executed(jobs.queue_reexport(first.task, of_run=first))

    assert (again.status, again.error_code) == ("failed", "connectwise.paging")
    assert "although asked for batches up to" in again.error


def test_batches_without_others_between_are_walked(make_task: MakeTask, stand_in: StandIn) -> None:
    """Their ids are scattered, but the pages hold nothing else."""
    stand_in.store.clear()
    for number in range(300, 300 * 301, 300):
        stand_in.store.put({**SAMPLE_BATCH, "id": number})
    first = run_now(make_task(page_size=100))
    again = executed(jobs.queue_reexport(first.task, of_run=first))

    assert exported_ids(again) == exported_ids(first)
    assert not again.asks_by_ids
    assert (again.fetched_count, again.expected_count) == (300, 300)
