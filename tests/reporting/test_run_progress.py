"""How long a run still takes, as far as that is known."""

from datetime import UTC, datetime, timedelta

import pytest

from exports.models import Run
from exports.reporting.run_progress import RunProgress

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expected", "left"), [(200, timedelta(seconds=10)), (10**18 - 1, None), (5, timedelta(0))]
)
def test_absurd_count_has_no_time_left(expected: int, left: timedelta | None) -> None:
    run = Run(
        status=Run.Status.RUNNING,
        started_at=NOW - timedelta(seconds=10),
        fetched_count=100,
        expected_count=expected,
    )

    assert RunProgress.of(run, NOW).time_left == left
