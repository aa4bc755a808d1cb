"""Batches that were hidden for a while are exported once they are visible again (W10, W11)."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import pytest

from exports.demo.answers import COUNT, LIST, Request
from exports.demo.faults import Nothing, Status
from exports.demo.server import StandIn
from exports.models import DateChange, Run, Task
from exports.models.codes import SuspicionCode
from exports.reporting.completeness_summary import completeness_check_of
from exports.workers import jobs
from tests.conftest import MakeTask, run_now
from tests.faults.passing_time import Wait, time_passes, z
from tests.pipeline.outcomes import exported_ids, is_page, log_of, page_requests

__all__ = ["time_passes"]

pytestmark = pytest.mark.django_db(transaction=True)

Hidden = list[dict[str, Any]]


def hide(stand_in: StandIn, ids: Collection[int]) -> Hidden:
    """Hide batches, as a role with fewer rights does."""
    hidden = [stand_in.store.get(number) for number in ids]
    for number in ids:
        stand_in.store.delete(number)
    return hidden


def show_again(stand_in: StandIn, hidden: Hidden) -> None:
    for record in hidden:
        stand_in.store.put(record)


def change(hidden: Hidden, stand_in: StandIn) -> list[int]:
    """Change batches while they are hidden."""
    for record in hidden:
        record["_info"] = {"lastUpdated": z(stand_in.now())}
    return [record["id"] for record in hidden]


def stored_date(task: Task) -> Any:
    task.refresh_from_db()
    return task.date_created if task.export == "new" else task.date_modified


@pytest.mark.parametrize("lost_count", [11, 54, 90, 119])
@pytest.mark.rule("W10")
def test_lasting_loss_keeps_date_until_accepted(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait, lost_count: int
) -> None:
    task = make_task(export="modified")
    run_now(task)
    before = stored_date(task)
    hidden = hide(stand_in, stand_in.store.ids[-lost_count:])
    changed = change(hidden[:3], stand_in)
    blind = []
    for _ in range(3):
        time_passes(timedelta(hours=1))
        blind.append(run_now(task))
    show_again(stand_in, hidden)

    after = run_now(task)

    assert {run.suspicion_code for run in blind} == {SuspicionCode.FEWER_SHOWN}
    assert {run.date_modified_after for run in blind} == {before}
    assert (after.suspicion, exported_ids(after)) == ("", changed)


@pytest.mark.parametrize("export", ["modified", "new"])
@pytest.mark.parametrize("lost_count", [5, 60, 120])
@pytest.mark.rule("W11")
def test_accepted_loss_is_made_good_when_shown_again(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait, export: str, lost_count: int
) -> None:
    task = make_task(export=export)
    late = hide(stand_in, stand_in.store.ids[:2])
    run_now(task)
    time_passes(timedelta(hours=1))
    hidden = hide(stand_in, stand_in.store.ids[-lost_count:])
    change(hidden[:3], stand_in)
    time_passes(timedelta(hours=1))
    suspicious = run_now(task)
    suspicious.accept_count("Cleaned up", name="anna")
    before = stored_date(task)
    time_passes(timedelta(hours=1))
    green = run_now(task)
    moved = stored_date(task)
    time_passes(timedelta(hours=1))
    show_again(stand_in, [*late, *hidden])

    back, last = run_now(task), run_now(task)

    assert (green.suspicion, moved > before) == ("", True)
    due = [record["id"] for record in late]
    if export == "modified":
        due += [record["id"] for record in hidden[:3]]
    assert exported_ids(back) == sorted(due)
    assert "came back into sight" in log_of(back, "warning")
    assert exported_ids(last) == []


@pytest.mark.rule("W11")
@pytest.mark.parametrize("is_first_empty", [False, True])
def test_newest_batches_shown_late_are_fetched(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait, is_first_empty: bool
) -> None:
    """Their ids are above all that a run saw, so that no count up to there tells of them."""
    task = make_task(export="modified")
    hidden = hide(stand_in, stand_in.store.ids) if is_first_empty else []
    first = run_now(task)
    first.accept_count("A new company", name="anna")
    time_passes(timedelta(hours=1))
    added = [stand_in.store.add({"_info": {"lastUpdated": z(stand_in.now())}}) for _ in range(3)]
    hidden += hide(stand_in, added)
    time_passes(timedelta(hours=1))
    blind = run_now(task)
    blind.accept_count("A new company", name="anna")
    time_passes(timedelta(hours=1))
    run_now(task)
    show_again(stand_in, hidden)
    time_passes(timedelta(hours=1))

    back, last = run_now(task), run_now(task)

    assert exported_ids(back) == (stand_in.store.ids if is_first_empty else added)
    assert "came back into sight" in log_of(back, "warning")
    assert (exported_ids(last), "sight" in log_of(last, "warning")) == ([], False)


def test_few_deletions_are_no_suspicion(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="modified")
    run_now(task)
    time_passes(timedelta(hours=1))
    hide(stand_in, stand_in.store.ids[20:30])

    run = run_now(task)

    assert (run.suspicion, run.baseline_count, run.remaining_count) == ("", 120, 110)


@pytest.mark.rule("W11")
def test_falling_highest_id_is_suspicious(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="new")
    run_now(task)
    time_passes(timedelta(hours=1))
    hide(stand_in, stand_in.store.ids[-2:])

    first, second = run_now(task), run_now(task)
    second.accept_count("Two were posted by mistake", name="anna")
    third = run_now(task)

    assert first.suspicion_code == second.suspicion_code == SuspicionCode.HIGHEST_ID_FELL
    assert DateChange.objects.filter(run_id=first.pk).count() == 0
    assert third.suspicion == ""


@pytest.mark.parametrize("export", ["all", "modified", "new"])
@pytest.mark.parametrize("lost_count", [15, 60, 95])
def test_sight_lost_under_way_is_suspicious(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait, export: str, lost_count: int
) -> None:
    task = make_task(export=export)
    ids = stand_in.store.ids
    hidden: Hidden = []

    def lose_sight(asked: Request) -> None:
        if is_page(asked) and len(page_requests(stand_in)) == 2 and not hidden:
            hidden.extend(hide(stand_in, ids[-lost_count:]))

    stand_in.on_request(lose_sight)
    half = run_now(task)
    show_again(stand_in, hidden)
    time_passes(timedelta(hours=1))
    rest = run_now(task)

    assert half.suspicion_code == SuspicionCode.LOST_FROM_SIGHT
    assert DateChange.objects.filter(run_id=half.pk).count() == 0
    assert completeness_check_of(half).verdict != "Complete"
    assert not completeness_check_of(half).is_complete
    everything = exported_ids(rest) if export == "all" else exported_ids(half) + exported_ids(rest)
    assert everything == ids


def test_lost_matches_are_suspicious_among_many(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    """Of 1,200 batches 12 are lost: only 1 %, but half of what the run should fetch."""
    for _ in range(1_080):
        stand_in.store.add({"batchIdentifier": "other"})
    task = make_task(export="modified", page_size=10)
    run_now(task)
    time_passes(timedelta(hours=1))
    due = stand_in.store.ids[10:34]
    for number in due:
        stand_in.store.touch(number, z(stand_in.now()))
    pages_before = len(page_requests(stand_in))
    hidden: Hidden = []

    def lose_sight(asked: Request) -> None:
        if is_page(asked) and len(page_requests(stand_in)) == pages_before + 2 and not hidden:
            hidden.extend(hide(stand_in, due[-12:]))

    stand_in.on_request(lose_sight)
    half = run_now(task)
    show_again(stand_in, hidden)

    assert half.suspicion_code == SuspicionCode.COUNT_FELL
    assert exported_ids(half) + exported_ids(run_now(task)) == due


def test_few_lost_during_run_are_reported(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="modified")
    ids = stand_in.store.ids
    hidden: Hidden = []

    def lose_sight(asked: Request) -> None:
        if is_page(asked) and len(page_requests(stand_in)) == 2 and not hidden:
            hidden.extend(hide(stand_in, ids[-8:-3]))

    stand_in.on_request(lose_sight)
    short = run_now(task)
    time_passes(timedelta(hours=1))
    show_again(stand_in, hidden)

    check = completeness_check_of(short)
    assert (short.suspicion, check.is_complete) == ("", False)
    assert "120" in check.sentence
    assert "115" in check.sentence
    assert exported_ids(run_now(task)) == ids[-8:-3]


@pytest.mark.parametrize("export", ["all", "modified", "new"])
def test_lists_emptied_while_count_refused(
    make_task: MakeTask, stand_in: StandIn, export: str
) -> None:
    task = make_task(export=export)
    stand_in.faults.add(Status(403, on=(COUNT,)))
    blind = False

    def lose_sight(asked: Request) -> None:
        nonlocal blind
        blind = blind or (is_page(asked) and len(page_requests(stand_in)) == 3)

    stand_in.on_request(lose_sight)
    fault = stand_in.faults.add(Nothing(on=(LIST,), when=lambda asked: blind))
    half = run_now(task)
    stand_in.faults.remove(fault)
    blind = False

    rest = run_now(task)

    assert half.suspicion_code == SuspicionCode.LISTS_EMPTY
    assert DateChange.objects.filter(run_id=half.pk).count() == 0
    everything = exported_ids(rest) if export == "all" else exported_ids(half) + exported_ids(rest)
    assert everything == stand_in.store.ids


def test_page_emptied_while_count_refused_is_refetched(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(Status(403, on=(COUNT,)))
    stand_in.faults.add(Nothing(on=(LIST,), when=is_page, after=2, times=1))

    run = run_now(task)

    assert (run.status, exported_ids(run)) == ("succeeded", stand_in.store.ids)


def test_run_that_could_not_count_vouches_for_nothing(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="modified")
    run_now(task)
    time_passes(timedelta(hours=1))
    hidden = hide(stand_in, stand_in.store.ids[40:90])
    changed = change(hidden[:3], stand_in)
    time_passes(timedelta(hours=1))
    with stand_in.faults.on(Status(403, on=(COUNT,))):
        uncounted = run_now(task)
    time_passes(timedelta(hours=1))
    show_again(stand_in, hidden)

    after, last = run_now(task), run_now(task)

    assert DateChange.objects.filter(run_id=uncounted.pk).exists()
    assert exported_ids(after) == changed
    assert exported_ids(last) == []


def test_repeat_is_no_yardstick(make_task: MakeTask, stand_in: StandIn, time_passes: Wait) -> None:
    task = make_task(export="modified")
    first = run_now(task)
    time_passes(timedelta(hours=1))
    hidden = hide(stand_in, stand_in.store.ids[60:])
    changed = change(hidden[:3], stand_in)
    queued = jobs.queue_reexport(task, None, of_run=first)
    jobs.execute_here(queued.pk, queued.attempt)
    repeat = Run.objects.get(pk=queued.pk)
    time_passes(timedelta(hours=1))

    blind = run_now(task)
    show_again(stand_in, hidden)

    assert repeat.suspicion_code == blind.suspicion_code == SuspicionCode.FEWER_SHOWN
    assert blind.baseline == first
    assert not repeat.accept_count("It is a repeat", name="anna")
    assert exported_ids(run_now(task)) == changed
