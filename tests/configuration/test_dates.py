"""A file sets dates on new tasks, or when asked (rule W8)."""

from datetime import UTC, datetime

import pytest

from exports.models import DateChange, Run, Task
from tests.configuration.example import (
    CONNECTION_AS_IS,
    TASK_AS_IS,
    changed,
    load,
    needs_database,
    problems,
)

MOVED = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@needs_database
def test_existing_dates_change_only_when_asked() -> None:
    load()
    Task.objects.update(date_modified=MOVED)

    assert load().outcomes == (CONNECTION_AS_IS, TASK_AS_IS)
    assert Task.objects.get().date_modified == MOVED

    outcomes = load(sets_dates=True).outcomes
    assert outcomes[1].changes == ("date_modified: 2026-05-01T12:00:00Z → 2020-01-01T00:00:00Z",)
    newest = DateChange.objects.order_by("-id").values(
        "field", "origin", "date_before", "date_after", "reason"
    )
    assert newest[0] == {
        "field": "date_modified",
        "origin": "typed",
        "date_before": MOVED,
        "date_after": datetime(2020, 1, 1, tzinfo=UTC),
        "reason": "load_config",
    }
    assert newest.count() == 3
    assert load(sets_dates=True).outcomes == (CONNECTION_AS_IS, TASK_AS_IS)


@needs_database
def test_active_run_refuses_other_dates() -> None:
    load()
    run = Task.objects.get().queue_run(Run.Trigger.MANUAL)

    assert problems(changed("date_modified: 2020", "date_modified: 2021")) == [
        f"13: Date Modified cannot be changed while {run} is active. Wait for it to end or cancel "
        "it, then save again."
    ]
    assert load(sets_dates=True).outcomes == (CONNECTION_AS_IS, TASK_AS_IS)


@needs_database
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2021-02-03", "2021-02-03T00:00:00+00:00"),
        ("2021-02-03 04:05:06", "2021-02-03T04:05:06+00:00"),
        ("2021-02-03T04:05:06+02:00", "2021-02-03T02:05:06+00:00"),
        ("2021-02-03T04:05:06.987Z", "2021-02-03T04:05:06+00:00"),
        ('"2021-02-03T04:05:06Z"', "2021-02-03T04:05:06+00:00"),
    ],
)
def test_dates_are_utc_unless_they_say_otherwise(written: str, meant: str) -> None:
    load(changed("date_created: 2020-01-01T00:00:00Z", f"date_created: {written}"))
    assert Task.objects.get().date_created == datetime.fromisoformat(meant)


@needs_database
def test_future_date_is_taken_with_warning() -> None:
    loaded = load(changed("date_modified: 2020", "date_modified: 2999"))
    assert [(one.line, one.sentence) for one in loaded.warnings] == [
        (
            13,
            "Date Modified lies in the future: 2999-01-01T00:00:00Z. Nothing is exported "
            "until then.",
        )
    ]
