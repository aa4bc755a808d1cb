"""A run that fails or sees too little keeps the dates; the next one has everything (W2, W10)."""

from datetime import UTC, datetime, timedelta

import pytest

from exports.demo.answers import COUNT, LIST, Request
from exports.demo.faults import Nothing, Status
from exports.demo.server import StandIn
from exports.models import DateChange
from tests.conftest import MakeTask, run_now
from tests.faults.passing_time import Wait, dated_stand_in, time_passes, type_date, z
from tests.pipeline.outcomes import (
    aftermath,
    exported_ids,
    exported_versions,
    is_page,
    page_requests,
    safe_failure,
    versions_in,
)

__all__ = ["dated_stand_in", "time_passes"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("export", ["all", "modified", "new"])
@pytest.mark.rule("W2")
def test_failed_page_7_loses_nothing_next_time(
    make_task: MakeTask, stand_in: StandIn, export: str
) -> None:
    task = make_task(export=export, page_size=12)
    stand_in.faults.add(Status(500, on=(LIST,), when=is_page, after=6))

    run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    stand_in.faults.clear()
    assert exported_versions(run_now(task)) == versions_in(stand_in)


def test_a_failure_between_two_runs_costs_nothing(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="modified", page_size=2)
    run_now(task)
    time_passes(timedelta(hours=1))
    changed = stand_in.store.ids[3:13]
    for number in changed:
        stand_in.store.touch(number, z(stand_in.now()))
    with stand_in.faults.on(Status(500, on=(LIST,), when=is_page, after=3)):
        failed = run_now(task)
    time_passes(timedelta(hours=1))

    second, third = run_now(task), run_now(task)

    assert aftermath(failed).status == "failed"
    assert exported_ids(second) == changed
    assert exported_ids(third) == []


@pytest.mark.parametrize("export", ["all", "modified", "new"])
@pytest.mark.rule("W10")
def test_lost_rights_are_suspicious_and_keep_dates(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait, export: str
) -> None:
    task = make_task(export=export)
    first = run_now(task)
    time_passes(timedelta(hours=1))
    added = stand_in.store.add(
        {"batchIdentifier": "a", "_info": {"lastUpdated": z(stand_in.now())}}
    )
    with stand_in.faults.on(Nothing()):
        blind = run_now(task)
    time_passes(timedelta(hours=1))

    after = run_now(task)

    assert (blind.status, blind.batch_count) == ("succeeded", 0)
    assert "no batches at all" in blind.suspicion
    assert DateChange.objects.filter(run_id=blind.pk).count() == 0
    assert (blind.date_created_after, blind.date_modified_after) == (
        first.date_created_after,
        first.date_modified_after,
    )
    assert exported_ids(after) == (stand_in.store.ids if export == "all" else [added])


@pytest.mark.parametrize("seen_count", [0, 2])
@pytest.mark.parametrize("export", ["modified", "new"])
def test_rights_lost_midway_are_never_green(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait, export: str, seen_count: int
) -> None:
    task = make_task(export=export)
    first = run_now(task)
    time_passes(timedelta(hours=1))
    stamp = {"lastUpdated": z(stand_in.now())}
    due = [stand_in.store.add({"batchIdentifier": "a", "_info": stamp}) for _ in range(120)]
    stand_in.requests.clear()
    blind = False

    def lose_rights(asked: Request) -> None:
        nonlocal blind
        if is_page(asked) and len(page_requests(stand_in)) > seen_count:
            blind = True

    stand_in.on_request(lose_rights)
    fault = stand_in.faults.add(Nothing(when=lambda asked: blind))
    half = run_now(task)
    stand_in.faults.remove(fault)
    time_passes(timedelta(hours=1))

    rest = run_now(task)

    # Failed or suspicious: either is right, as long as it is reported and the dates stay.
    assert half.error + half.suspicion != ""
    assert DateChange.objects.filter(run_id=half.pk).count() == 0
    assert half.date_modified_before == first.date_modified_after
    exported = exported_ids(half) if half.status == "succeeded" else []
    assert exported + exported_ids(rest) == due


@pytest.mark.parametrize("export", ["all", "modified", "new"])
@pytest.mark.rule("W10")
def test_empty_lists_despite_count_keep_dates(
    make_task: MakeTask, stand_in: StandIn, export: str
) -> None:
    task = make_task(export=export)
    with stand_in.faults.on(Nothing(on=(LIST,))):
        run = run_now(task)

    assert aftermath(run) == safe_failure(run)
    assert exported_versions(run_now(task)) == versions_in(stand_in)


def test_empty_list_keeps_the_start_id(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    middle = datetime.fromisoformat(stand_in.store.records[60]["_info"]["lastUpdated"])
    task = make_task(export="new", date_created=middle)
    first = run_now(task)
    time_passes(timedelta(hours=1))
    with stand_in.faults.on(Nothing(on=(LIST,))):
        run_now(task)
    time_passes(timedelta(hours=1))
    added = stand_in.store.add(
        {"batchIdentifier": "a", "_info": {"lastUpdated": z(stand_in.now())}}
    )

    last = run_now(task)

    assert min(exported_ids(first)) > 1
    assert exported_ids(last) == [added]


@pytest.mark.rule("W10")
def test_far_fewer_batches_than_before_are_suspicious(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="modified")
    first = run_now(task)
    for number in stand_in.store.ids[50:]:
        stand_in.store.delete(number)
    time_passes(timedelta(hours=1))

    second, third = run_now(task), run_now(task)
    third.accept_count("Cleaned up", name="anna")
    fourth = run_now(task)

    # The next run is not compared with the suspicious one: only a person ends the suspicion.
    for run in (second, third):
        assert "it shows 50 now" in run.suspicion
        assert run.date_modified_after == first.date_modified_after
    assert fourth.suspicion == ""
    task.refresh_from_db()
    assert task.date_modified == fourth.date_modified_after != first.date_modified_after


def test_refused_count_for_one_run_loses_nothing(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="new")
    with stand_in.faults.on(Status(403, on=(COUNT,))):
        first = run_now(task)
    time_passes(timedelta(hours=1))

    second = run_now(task)

    assert exported_versions(first) == versions_in(stand_in)
    assert exported_ids(second) == []


@pytest.mark.parametrize("export", ["modified", "new"])
def test_suspicious_run_after_typed_date_repeats_nothing(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait, export: str
) -> None:
    task = make_task(export=export)
    run_now(task)
    time_passes(timedelta(hours=1))
    field = "date_modified" if export == "modified" else "date_created"
    typed = stand_in.now().replace(microsecond=0) - timedelta(hours=3)
    type_date(task, **{field: typed})
    added = [stand_in.store.add({"_info": {"lastUpdated": z(stand_in.now())}}) for _ in range(3)]
    for number in stand_in.store.ids[:-40]:
        stand_in.store.delete(number)
    time_passes(timedelta(minutes=1))

    suspicious = run_now(task)
    suspicious.accept_count("Cleaned up", name="anna")
    after = run_now(task)

    assert suspicious.suspicion
    assert set(added) <= set(exported_ids(suspicious))
    assert (after.status, after.suspicion) == ("succeeded", "")
    assert set(exported_ids(after)) & set(exported_ids(suspicious)) == set()


def test_date_typed_again_is_taken_literally(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="modified")
    run_now(task)
    time_passes(timedelta(hours=1))
    for number in stand_in.store.ids[:-40]:
        stand_in.store.delete(number)
    suspicious = run_now(task)
    time_passes(timedelta(minutes=1))
    type_date(task, date_modified=datetime(2000, 1, 1, tzinfo=UTC))

    again = run_now(task)

    assert suspicious.suspicion
    assert exported_ids(again) == stand_in.store.ids
