"""What the dates promise: nothing lost, nothing twice, even with wrong clocks (W1 to W5)."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from exports.demo.answers import Request
from exports.demo.faults import ClockSkew, no_date_header
from exports.demo.server import StandIn
from exports.models import DateChange, Task
from tests.conftest import MakeTask, run_now
from tests.faults.passing_time import (
    START,
    Wait,
    dated_stand_in,
    middle_date,
    run_as,
    time_passes,
    type_date,
    z,
)
from tests.pipeline.outcomes import (
    exported_ids,
    exported_versions,
    is_page,
    log_of,
    versions_in,
)
from tests.run_files import run_file

__all__ = ["dated_stand_in", "time_passes"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.rule("W5")
def test_late_arrivals_and_ties_come_once(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="modified")
    newest, late, tied = stand_in.store.ids[10], stand_in.store.ids[20], stand_in.store.ids[30]
    stamped_at = stand_in.now()
    stand_in.store.touch(newest, z(stamped_at))
    time_passes(timedelta(seconds=5))
    first = run_now(task)
    task.refresh_from_db()
    stand_in.store.touch(late, z(task.date_modified - timedelta(seconds=2)))
    stand_in.store.touch(tied, z(stamped_at))
    time_passes(timedelta(minutes=1))

    second, third = run_now(task), run_now(task)

    assert exported_ids(first) == stand_in.store.ids
    assert exported_versions(second) == [
        (late, z(task.date_modified - timedelta(seconds=2))),
        (tied, z(stamped_at)),
    ]
    assert exported_ids(third) == []


def test_second_of_start_is_asked_again(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait, settings: Settings
) -> None:
    settings.CWEXPORT_OVERLAP_MINUTES = 0
    task = make_task(export="modified")
    first = run_now(task)
    task.refresh_from_db()
    tied = stand_in.store.ids[30]
    stand_in.store.touch(tied, z(task.date_modified))
    time_passes(timedelta(minutes=1))

    second, third = run_now(task), run_now(task)

    assert exported_ids(first) == stand_in.store.ids
    assert exported_versions(second) == [(tied, z(first.date_modified_after))]
    assert exported_ids(third) == []
    assert "0 minutes" not in second.window_reason


@pytest.mark.parametrize("skew", [600, -600])
@pytest.mark.parametrize("later_skew", [600, 0, -600])
def test_clock_wrong_by_ten_minutes_loses_nothing(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait, skew: int, later_skew: int
) -> None:
    task = make_task(export="modified")
    clock = stand_in.faults.add(ClockSkew(skew))
    first = run_now(task)
    exported = exported_versions(first)
    for number, seconds in zip(stand_in.store.ids[:6], (1, 1, 30, 200, 800, 4000), strict=True):
        time_passes(timedelta(seconds=seconds))
        stand_in.store.touch(number, z(stand_in.now()))
        clock.seconds = later_skew
        exported += exported_versions(run_now(task))

    assert len(exported) == len(set(exported))
    assert set(exported) >= set(versions_in(stand_in))


def test_missing_date_header_uses_our_clock(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="modified")
    stand_in.faults.add(no_date_header())

    run = run_now(task)

    task.refresh_from_db()
    assert START - timedelta(seconds=2) <= task.date_modified <= START + timedelta(seconds=30)
    assert "clock" in log_of(run, "warning")


@pytest.mark.rule("W2")
def test_the_same_second_twice_moves_no_date_backwards(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="modified")
    run_now(task)
    task.refresh_from_db()
    moved_to = task.date_modified
    stand_in.faults.add(ClockSkew(-7200))

    run = run_now(task)

    task.refresh_from_db()
    assert (run.status, task.date_modified, DateChange.objects.filter(run_id=run.pk).count()) == (
        "succeeded",
        moved_to,
        0,
    )


@pytest.mark.rule("W5")
def test_date_typed_back_exports_once_more(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="modified")
    run_now(task)
    back = middle_date(stand_in)
    type_date(task, date_modified=back)
    time_passes(timedelta(minutes=1))

    again, after = run_now(task), run_now(task)

    since = [r["id"] for r in stand_in.store.records if r["_info"]["lastUpdated"] > z(back)]
    assert exported_ids(again) == since
    assert 0 < len(since) < 120
    assert exported_ids(after) == []


def test_date_typed_forward_skips_earlier_batches(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="modified")
    type_date(task, date_modified=START - timedelta(minutes=5))
    stand_in.store.touch(stand_in.store.ids[1], z(START - timedelta(minutes=6)))
    stand_in.store.touch(stand_in.store.ids[2], z(START - timedelta(minutes=4)))

    first = run_now(task)
    time_passes(timedelta(minutes=1))
    second = run_now(task)

    assert exported_ids(first) == [stand_in.store.ids[2]]
    # The overlap does not reach back behind a typed date.
    assert exported_ids(second) == []


@pytest.mark.parametrize(
    ("export", "field"), [("modified", "date_modified"), ("new", "date_created")]
)
@pytest.mark.rule("W10")
def test_date_ahead_of_all_clocks_is_suspicious(
    make_task: MakeTask, stand_in: StandIn, export: str, field: str
) -> None:
    future = datetime(2999, 1, 1, tzinfo=UTC)
    task = make_task(export=export, **{field: future})

    run = run_now(task)

    assert (run.status, exported_ids(run)) == ("succeeded", [])
    assert "2999" in run.suspicion
    task.refresh_from_db()
    assert getattr(task, field) == future
    type_date(task, **{field: datetime(1970, 1, 1, tzinfo=UTC)})
    assert exported_versions(run_now(task)) == versions_in(stand_in)


@pytest.mark.parametrize("export", ["all", "modified"])
def test_old_batch_edited_after_fetching_is_kept(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait, export: str
) -> None:
    task = make_task()
    edited = stand_in.store.ids[2]
    before = versions_in(stand_in)

    def edit(asked: Request) -> None:
        if is_page(asked) and f"id > {stand_in.store.ids[74]}" in asked.query["conditions"]:
            stand_in.store.touch(edited, z(stand_in.now()))

    stand_in.on_request(edit)
    first = run_as(task, export)
    time_passes(timedelta(minutes=2))
    second = run_as(task, "modified")

    assert exported_versions(first) == before
    assert exported_versions(second) == [v for v in versions_in(stand_in) if v[0] == edited]


def test_batch_edited_ahead_is_exported_once(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="modified")
    edited = stand_in.store.ids[100]

    def edit(asked: Request) -> None:
        if is_page(asked):
            stand_in.store.touch(edited, "2026-11-02T08:00:01Z")

    stand_in.on_request(edit)
    first = run_now(task)
    time_passes(timedelta(minutes=2))
    second = run_now(task)

    assert exported_versions(first) == versions_in(stand_in)
    assert exported_ids(second) == []


def test_a_batch_without_info_is_exported_without_it(task: Task, stand_in: StandIn) -> None:
    stand_in.store.put({"id": 900, "batchIdentifier": "bare"})

    run = run_now(task)

    assert exported_versions(run)[-1] == (900, "")
    assert b"<id>900</id>\n    <externalId />\n    <batchIdentifier>bare<" in (
        run_file(run).read_bytes()
    )


@pytest.mark.parametrize(
    "text",
    [
        "2019-10-16T08:31:19.1234567Z",
        "5/1/2014 5:21:58 AM",
        "2019-10-16T08:31:19+02:00",
        "never",
        " ",
    ],
)
@pytest.mark.rule("X4")
def test_last_updated_is_written_verbatim(task: Task, stand_in: StandIn, text: str) -> None:
    stand_in.store.put({"id": 900, "batchIdentifier": "odd", "_info": {"lastUpdated": text}})

    run = run_now(task)

    assert exported_versions(run)[-1] == (900, text)


def _change_of_extra_field(stand_in: StandIn, number: int, second: str) -> None:
    stand_in.store.touch(number, second, glClass="A1")


def test_extra_field_changed_within_its_second_is_exported(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="modified", include_extra_fields=True)
    number, second = stand_in.store.ids[20], z(stand_in.now())
    stand_in.store.touch(number, second)
    first = run_now(task)
    _change_of_extra_field(stand_in, number, second)
    time_passes(timedelta(minutes=1))

    again, last = run_now(task), run_now(task)

    assert exported_ids(first) == stand_in.store.ids
    assert exported_ids(again) == [number]
    assert b"<glClass>A1</glClass>" in run_file(again).read_bytes()
    assert exported_ids(last) == []


def test_extra_field_of_standard_task_makes_no_version(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="modified")
    number, second = stand_in.store.ids[20], z(stand_in.now())
    stand_in.store.touch(number, second)
    run_now(task)
    _change_of_extra_field(stand_in, number, second)
    Task.objects.filter(pk=task.pk).update(include_extra_fields=True)
    time_passes(timedelta(minutes=1))

    assert exported_ids(run_now(task)) == []


def test_field_added_one_day_exports_nothing_again(
    make_task: MakeTask, stand_in: StandIn, time_passes: Wait
) -> None:
    task = make_task(export="modified", include_extra_fields=True)
    run_as(task, "modified", ("id", "GreaterThan", "0"))
    for record in stand_in.store.records:
        stand_in.store.put({**record, "addedOneDay": True})
    time_passes(timedelta(hours=1))

    again = run_as(task, "modified", ("id", "GreaterThan", "1"))

    assert exported_ids(again) == []
