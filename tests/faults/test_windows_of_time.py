"""New by ids, and conditions that change between runs: no matching batch is missed (W4, W9)."""

from datetime import datetime, timedelta

import pytest

from exports.demo.server import StandIn
from tests.conftest import MakeTask, make_connection, run_now, save_task
from tests.faults.passing_time import Wait, dated_stand_in, middle_date, run_as, time_passes, z
from tests.pipeline.outcomes import exported_ids, log_of

__all__ = ["dated_stand_in", "time_passes"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.rule("W4")
def test_new_uses_created_date_where_present(dated_stand_in: StandIn, db: None) -> None:
    stand_in = dated_stand_in
    middle = stand_in.store.records[60]["_info"]["dateEntered"]
    # An old batch that was edited lately is not new.
    stand_in.store.touch(stand_in.store.ids[5], "2026-08-01T00:00:00Z")
    task = save_task(
        make_connection(stand_in), export="new", date_created=datetime.fromisoformat(middle)
    )

    run = run_now(task)

    expected = [r["id"] for r in stand_in.store.records if r["_info"]["dateEntered"] > middle]
    assert exported_ids(run) == expected
    assert 0 < len(expected) < 120


def test_one_missing_created_date_uses_last_updated(dated_stand_in: StandIn, db: None) -> None:
    stand_in = dated_stand_in
    stand_in.store.add({"batchIdentifier": "x", "_info": {"lastUpdated": "2026-07-30T00:00:00Z"}})
    middle = stand_in.store.records[60]["_info"]["lastUpdated"]
    task = save_task(
        make_connection(stand_in), export="new", date_created=datetime.fromisoformat(middle)
    )

    run = run_now(task)

    known = [r["id"] for r in stand_in.store.records if r["_info"]["lastUpdated"] <= middle]
    assert exported_ids(run) == [number for number in stand_in.store.ids if number > max(known)]


def test_conditions_do_not_lower_the_start_id(make_task: MakeTask, stand_in: StandIn) -> None:
    middle = stand_in.store.records[60]["_info"]["lastUpdated"]
    created = datetime.fromisoformat(middle)
    plain = run_now(make_task(export="new", date_created=created))
    filtered = make_task(
        name="Filtered", output_file="filtered.xml", export="new", date_created=created
    )
    filtered.conditions.create(
        position=0, field="exportInvoicesFlag", comparison="Equal", value="True"
    )

    run = run_now(filtered)

    flagged = {r["id"] for r in stand_in.store.records if r.get("exportInvoicesFlag") is True}
    assert exported_ids(run) == [n for n in exported_ids(plain) if n in flagged]


@pytest.mark.rule("W4")
def test_new_takes_lower_id_that_appears_late(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="new")
    hidden = stand_in.store.get(stand_in.store.ids[-2])
    stand_in.store.delete(hidden["id"])
    first = run_now(task)
    time_passes(timedelta(minutes=5))
    stand_in.store.put(hidden)

    second = run_now(task)
    time_passes(timedelta(hours=1))
    third = run_now(task)
    time_passes(timedelta(hours=1))
    fourth = run_now(task)

    assert hidden["id"] not in exported_ids(first)
    assert [exported_ids(run) for run in (second, third, fourth)] == [[hidden["id"]], [], []]
    # Later there is a start id, and the request no longer covers everything from the beginning.
    assert fourth.start_id == max(stand_in.store.ids)
    assert len(exported_ids(first)) == 119


def test_narrow_all_between_modified_runs_skips_nothing(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task()
    run_as(task, "modified")
    time_passes(timedelta(hours=1))
    changed = stand_in.store.ids[3:9]
    for number in changed:
        stand_in.store.touch(number, z(stand_in.now()))
    time_passes(timedelta(hours=1))
    narrow = run_as(task, "all", ("id", "Equal", str(changed[0])))
    time_passes(timedelta(hours=1))

    last = run_as(task, "modified")

    assert exported_ids(narrow) == [changed[0]]
    assert exported_ids(last) == changed[1:]


def test_changed_conditions_restart_at_typed_date(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    typed = middle_date(stand_in)
    task = make_task(export="modified", date_modified=typed)
    since = [r for r in stand_in.store.records if r["_info"]["lastUpdated"] > z(typed)]
    invoices = [r["id"] for r in since if r.get("exportInvoicesFlag") is True]
    expenses = [r["id"] for r in since if r.get("exportExpensesFlag") is True]

    first = run_as(task, "modified", ("exportInvoicesFlag", "Equal", "True"))
    time_passes(timedelta(hours=1))
    second = run_as(task, "modified", ("exportExpensesFlag", "Equal", "True"))
    time_passes(timedelta(hours=1))
    third = run_as(task, "modified", ("exportInvoicesFlag", "Equal", "True"))
    time_passes(timedelta(hours=1))
    fourth = run_as(task, "modified")

    assert exported_ids(first) == invoices
    assert exported_ids(second) == [number for number in expenses if number not in invoices]
    assert exported_ids(third) == []
    rest = {r["id"] for r in since} - {*invoices, *expenses}
    assert exported_ids(fourth) == sorted(rest)
    assert 0 < len(rest) < len(since) < 120


def test_changed_conditions_of_new_skip_nothing_either(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task()
    flagged = [r["id"] for r in stand_in.store.records if r.get("exportInvoicesFlag") is True]

    first = run_as(task, "new", ("exportInvoicesFlag", "Equal", "True"))
    time_passes(timedelta(hours=1))
    second = run_as(task, "new")

    assert exported_ids(first) == flagged
    assert exported_ids(second) == [n for n in stand_in.store.ids if n not in flagged]


@pytest.mark.rule("W12")
def test_new_says_what_an_old_date_hides(dated_stand_in: StandIn, db: None) -> None:
    stand_in = dated_stand_in
    middle = stand_in.store.records[60]["_info"]["dateEntered"]
    odd = stand_in.store.get(stand_in.store.ids[-10])
    odd["_info"]["dateEntered"] = "2001-01-01T00:00:00Z"
    stand_in.store.put(odd)
    task = save_task(
        make_connection(stand_in), export="new", date_created=datetime.fromisoformat(middle)
    )

    run = run_now(task)

    created_later = [r["id"] for r in stand_in.store.records if r["_info"]["dateEntered"] > middle]
    hidden = [number for number in created_later if number < odd["id"]]
    assert exported_ids(run) == [number for number in created_later if number > odd["id"]]
    assert len(hidden) > 1
    sentence = f"{len(hidden)} batches below it were created later and are not exported"
    assert sentence in run.window_reason
    assert sentence in log_of(run)
