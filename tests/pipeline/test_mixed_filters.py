"""Or and And, combined with what a run adds to the filter, let no other rows in (F4, F5)."""

from datetime import UTC, datetime, timedelta

import pytest

from exports.demo.server import StandIn
from tests.conftest import MakeTask, run_now
from tests.pipeline.filtering import (
    FLAG,
    Record,
    Rows,
    Wanted,
    at,
    filtered,
    rate,
    updated,
    varied,
    wanted_ids,
)
from tests.pipeline.outcomes import exported_ids

__all__ = ["varied"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("varied")]


def is_flagged(record: Record) -> bool:
    return record.get(FLAG) is True


def is_dear(record: Record) -> bool:
    return rate(record) == 7.0


def is_late(record: Record) -> bool:
    return bool(record["id"] > 200)


MIXES: list[tuple[Rows, Wanted]] = [
    (
        [
            (FLAG, "Equal", "True", "Or"),
            ("rate", "Equal", "7", "And"),
            ("id", "GreaterThan", "200"),
        ],
        lambda r: is_flagged(r) or (is_dear(r) and is_late(r)),
    ),
    (
        [
            (FLAG, "Equal", "True", "And"),
            ("rate", "Equal", "7", "Or"),
            ("id", "GreaterThan", "200"),
        ],
        lambda r: (is_flagged(r) and is_dear(r)) or is_late(r),
    ),
    (
        [(FLAG, "Equal", "True", ""), ("id", "GreaterThan", "200", "Or")],
        lambda r: is_flagged(r) and is_late(r),
    ),
    (
        [
            (FLAG, "Equal", "True", "And"),
            ("id", "GreaterThan", "200", "Or"),
            ("rate", "Equal", "7", "And"),
            ("id", "LessThan", "240", "Or"),
            ("id", "Equal", "4", "Or"),
        ],
        lambda r: (is_flagged(r) and is_late(r)) or (is_dear(r) and r["id"] < 240) or r["id"] == 4,
    ),
]


@pytest.mark.parametrize(("rows", "wanted"), MIXES)
@pytest.mark.rule("F4")
def test_and_binds_before_or_whatever_the_server_thinks(
    make_task: MakeTask, stand_in: StandIn, rows: Rows, wanted: Wanted
) -> None:
    run = run_now(filtered(make_task, rows))

    assert (run.status, run.error) == ("succeeded", "")
    assert exported_ids(run) == wanted_ids(stand_in, wanted)


@pytest.mark.parametrize(("rows", "wanted"), MIXES)
@pytest.mark.parametrize("page_size", [2, 100])
@pytest.mark.rule("F5")
def test_mixed_filter_with_date_adds_no_rows(
    make_task: MakeTask, stand_in: StandIn, rows: Rows, wanted: Wanted, page_size: int
) -> None:
    since = at("2020-02-02T12:00:00Z")
    task = filtered(make_task, rows, export="modified", date_modified=since, page_size=page_size)

    run = run_now(task)

    expected = wanted_ids(stand_in, lambda r: wanted(r) and updated(r) > since)
    assert (run.status, run.error) == ("succeeded", "")
    assert exported_ids(run) == expected
    assert expected != wanted_ids(stand_in, wanted)


def test_mixed_filter_stays_in_its_window(make_task: MakeTask, stand_in: StandIn) -> None:
    rows, wanted = MIXES[0]
    task = filtered(make_task, rows, export="modified")
    first = run_now(task)
    now = f"{datetime.now(UTC) + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    touched = stand_in.store.ids[:120:7]
    for number in touched:
        stand_in.store.touch(number, now)

    second = run_now(task)

    assert exported_ids(first) == wanted_ids(stand_in, wanted)
    assert exported_ids(second) == wanted_ids(stand_in, lambda r: wanted(r) and r["id"] in touched)


@pytest.mark.parametrize(("rows", "wanted"), MIXES)
def test_mixed_filter_stays_above_start_id(
    make_task: MakeTask, stand_in: StandIn, rows: Rows, wanted: Wanted
) -> None:
    task = filtered(make_task, rows, export="new", date_created=at("2018-06-01T00:00:00Z"))

    run = run_now(task)

    assert run.start_id is not None
    assert exported_ids(run) == wanted_ids(
        stand_in, lambda r: wanted(r) and r["id"] > (run.start_id or 0)
    )
