"""Every batch is exported once, whatever happens to the pages (acceptance: Completeness)."""

from collections.abc import Callable

import pytest

from exports.demo.answers import COUNT, LIST, Request
from exports.demo.faults import (
    CountOffset,
    InventRows,
    LinkTo,
    Nothing,
    PageSizeLimit,
    Reorder,
    RepeatRows,
    SamePageForever,
    Status,
    no_link_header,
)
from exports.demo.records import seed_batches
from exports.demo.server import StandIn
from exports.demo.store import Store
from exports.models import LedgerEntry, Task
from exports.pipeline import part_writer
from tests.conftest import MakeTask, run_now
from tests.pipeline.outcomes import (
    aftermath,
    exported_ids,
    is_page,
    is_proof,
    log_of,
    next_run_is_complete,
    page_requests,
    safe_failure,
)

pytestmark = pytest.mark.django_db(transaction=True)


def before_page(stand_in: StandIn, number: int, change: Callable[[], object]) -> None:
    """Call `change` once, when the page with this number (from 1) is requested."""

    def hook(request: Request) -> None:
        # The request is already in the log when the hook is called.
        if is_page(request) and len(page_requests(stand_in)) == number:
            change()

    stand_in.on_request(hook)


def delete(stand_in: StandIn, numbers: list[int]) -> None:
    for number in numbers:
        stand_in.store.delete(number)


def keep(stand_in: StandIn, count: int) -> None:
    """Leave this many batches in the stand-in."""
    delete(stand_in, stand_in.store.ids[count:])


def test_deleted_rows_ahead_cost_no_survivor(task: Task, stand_in: StandIn) -> None:
    victims = stand_in.store.ids[30:45] + stand_in.store.ids[60:62]
    before_page(stand_in, 2, lambda: delete(stand_in, victims))

    run = run_now(task)

    assert (run.status, run.error) == ("succeeded", "")
    assert exported_ids(run) == stand_in.store.ids
    assert len(stand_in.store) == 103


def test_deleting_fetched_rows_shifts_no_page(task: Task, stand_in: StandIn) -> None:
    all_ids = stand_in.store.ids
    before_page(stand_in, 2, lambda: delete(stand_in, all_ids[:20]))

    run = run_now(task)

    assert (run.status, exported_ids(run)) == ("succeeded", all_ids)
    assert (run.proven_count, run.fetched_count) == (100, 120)


def test_new_rows_ahead_are_exported(task: Task, stand_in: StandIn) -> None:
    new = {"batchIdentifier": "new", "_info": {"lastUpdated": "2026-07-01T00:00:00Z"}}
    before_page(stand_in, 2, lambda: [stand_in.store.add(new) for _ in range(30)])

    run = run_now(task)

    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)
    assert (run.expected_count, run.batch_count) == (120, 150)


def test_clamped_page_size_loses_nothing(make_task: MakeTask, stand_in: StandIn) -> None:
    stand_in.faults.add(PageSizeLimit(25))

    run = run_now(make_task(page_size=1000))

    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)
    assert {asked.query["pageSize"] for asked in page_requests(stand_in)} == {"1000"}


@pytest.mark.parametrize(("count", "page_count"), [(1, 2), (24, 2), (25, 2), (26, 3), (75, 4)])
def test_only_an_empty_page_is_the_end(
    task: Task, stand_in: StandIn, count: int, page_count: int
) -> None:
    keep(stand_in, count)

    run = run_now(task)

    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)
    assert (run.batch_count, len(page_requests(stand_in))) == (count, page_count)


def test_no_row_that_matches_is_a_plain_success(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task()
    task.conditions.create(position=0, field="id", comparison="GreaterThan", value="99999")

    run = run_now(task)

    assert (run.status, run.suspicion, exported_ids(run)) == ("succeeded", "", [])
    assert len(page_requests(stand_in)) == 1


def test_every_parameter_is_sent_with_every_page(task: Task, stand_in: StandIn) -> None:
    run_now(task)

    ends = [0, *stand_in.store.ids[24::25], stand_in.store.ids[-1]]
    assert [asked.query for asked in page_requests(stand_in)] == [
        {"conditions": f"id > {end}", "orderBy": "id asc", "page": "1", "pageSize": "25"}
        for end in ends
    ]


def test_the_link_header_is_not_needed(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(no_link_header())

    run = run_now(task)

    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)


def test_a_link_to_elsewhere_is_never_followed(task: Task, stand_in: StandIn) -> None:
    with StandIn(Store(seed_batches(30))) as elsewhere:
        stand_in.faults.add(LinkTo(elsewhere.url))
        run = run_now(task)

        assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)
        assert list(elsewhere.requests) == []


def test_endless_first_page_fails_quickly(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(SamePageForever(on=(LIST,), when=is_page))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert len(page_requests(stand_in)) <= 3
    assert "already fetched" in run.error
    assert next_run_is_complete(task, stand_in)


def test_repeated_rows_are_exported_once(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(RepeatRows(5))

    run = run_now(task)

    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)
    assert (run.fetched_count, run.repeated_count) == (120, 25)
    assert "25 repeated batches" in log_of(run)


def test_row_changed_while_paging_keeps_first_version(task: Task, stand_in: StandIn) -> None:
    twice = stand_in.store.ids[24]
    first_seen = stand_in.store.get(twice)["_info"]["lastUpdated"]
    stand_in.faults.add(RepeatRows(5))
    before_page(stand_in, 2, lambda: stand_in.store.touch(twice, "2026-07-02T00:00:00Z"))

    run = run_now(task)

    assert exported_ids(run) == stand_in.store.ids
    row = LedgerEntry.objects.filter(run_id=run.pk).get(batch_id=twice)
    assert row.last_updated == first_seen


@pytest.mark.rule("P3")
def test_count_above_pages_fails_with_both_numbers(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(CountOffset(5, on=(COUNT,)))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert "125" in run.error
    assert "120" in run.error
    # All pages are fetched twice before the run gives up, as the log shows.
    assert len(page_requests(stand_in)) == 2 * 6
    assert "125" in log_of(run, "warning")
    assert next_run_is_complete(task, stand_in)


def test_count_wrong_once_costs_second_fetch(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(CountOffset(5, on=(COUNT,), when=is_proof, times=1))

    run = run_now(task)

    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)
    assert (run.fetched_count, run.proven_count) == (120, 120)
    assert len(page_requests(stand_in)) == 2 * 6
    assert LedgerEntry.objects.filter(run_id=run.pk).count() == 120


def test_count_below_pages_is_overruled(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(CountOffset(-5, on=(COUNT,)))

    run = run_now(task)

    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)
    assert (run.fetched_count, run.proven_count) == (120, 115)


@pytest.mark.parametrize("code", [400, 403, 404])
@pytest.mark.rule("P3")
def test_a_refused_count_is_reported_loses_nothing(
    task: Task, stand_in: StandIn, code: int
) -> None:
    stand_in.faults.add(Status(code, on=(COUNT,)))

    run = run_now(task)

    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)
    assert (run.expected_count, run.proven_count) == (None, None)
    assert "cannot be proven" in log_of(run, "warning")


def test_ids_out_of_order_fail_the_run(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(Reorder(on=(LIST,), after=3))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert "ordered by id" in run.error
    assert next_run_is_complete(task, stand_in)


def test_swapped_ids_fail_the_run(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(
        Reorder(lambda rows: [*rows[:-2], *rows[:-3:-1]], on=(LIST,), when=is_page, after=2)
    )

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert next_run_is_complete(task, stand_in)


def test_empty_lists_despite_count_fail_the_run(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(Nothing(on=(LIST,)))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert "120" in run.error
    assert next_run_is_complete(task, stand_in)


def test_lists_turning_empty_fail_the_run(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(Nothing(on=(LIST,), when=is_page, after=2))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert next_run_is_complete(task, stand_in)


def test_one_empty_page_by_mistake_loses_nothing(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(Nothing(on=(LIST,), when=is_page, after=2, times=1))

    run = run_now(task)

    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)


@pytest.mark.parametrize("step", [1, 1_000_000])
def test_invented_batches_end_the_run(
    make_task: MakeTask, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(part_writer, "_MAX_GROWTH", 300)
    task = make_task(page_size=100)
    stand_in.faults.add(InventRows(100, step, when=is_page))
    run = run_now(task)

    assert "has given" in run.error
    assert len(page_requests(stand_in)) < 12
    assert aftermath(run) == safe_failure(run)
    assert next_run_is_complete(task, stand_in)


def test_invented_batches_below_highest_id_end_run(
    make_task: MakeTask, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_writer, "_MAX_GROWTH", 300)
    stand_in.store.put({"id": 2**63 - 1})
    stand_in.faults.add(InventRows(100, when=is_page))
    run = run_now(make_task(page_size=100))

    assert "has given" in run.error
    assert aftermath(run) == safe_failure(run)


@pytest.mark.parametrize("count", [2**31, 10**18, 10**30])
def test_absurd_count_is_refused_in_words(task: Task, stand_in: StandIn, count: int) -> None:
    stand_in.faults.add(CountOffset(count))
    run = run_now(task)

    assert "instead of the number of batches" in run.error
    assert aftermath(run) == safe_failure(run)
