"""Charts of runs: rows become points, one query a chart."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import cached_property

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from exports.charts import plots
from exports.charts.plots import Day, RunPoint
from exports.models.runs import RunQuerySet

# What the history draws at most: more could not be told apart, and would be slow.
MAX_RUNS, MAX_RUNS_OF_DAYS, MAX_DAYS = 60, 500, 30


@dataclass(frozen=True)
class RunChart:
    """Batches and durations of the newest runs, oldest first; drawn when a template asks."""

    points: Sequence[RunPoint]

    @cached_property
    def batches(self) -> SafeString:
        return plots.batches_by_run(self.points)

    @cached_property
    def durations(self) -> SafeString:
        return plots.seconds_by_run(self.points)

    @property
    def newest_first(self) -> Sequence[RunPoint]:
        return self.points[::-1]

    @property
    def outcomes(self) -> list[str]:
        """The outcomes that occur, in the order of the legend."""
        found = {point.outcome for point in self.points}
        return [outcome for outcome in plots.OUTCOMES if outcome in found]


@dataclass(frozen=True)
class DayChart:
    """Outcomes by day, oldest first; drawn when a template asks."""

    days: Sequence[Day]

    @cached_property
    def outcomes_by_day(self) -> SafeString:
        return plots.outcomes_by_day(self.days)

    @property
    def newest_first(self) -> list[tuple[date, list[int]]]:
        """Each day with its run counts, in the order of `outcomes`."""
        return [
            (day.day, [day.counts[outcome] for outcome in self.outcomes])
            for day in reversed(self.days)
        ]

    @property
    def outcomes(self) -> list[str]:
        return [name for name in plots.OUTCOMES if any(day.counts[name] for day in self.days)]


def runs_of(runs: RunQuerySet, most: int = MAX_RUNS) -> RunChart:
    """The chart of the first `most` of `runs`, which come newest first. One query."""
    fields = ("id", "status", "suspicion", "batch_count", "started_at", "finished_at")
    return RunChart([_point(*row) for row in runs.values_list(*fields)[:most]][::-1])


def days_of(runs: RunQuerySet) -> DayChart:
    """Outcomes by day of the first 500 of `runs`, which come newest first. One query.

    At most 30 days; a day that is cut by the 500 is not drawn.
    """
    found = runs.filter(started_at__isnull=False).values_list("started_at", "status", "suspicion")
    rows = list(found[:MAX_RUNS_OF_DAYS])
    counts: dict[date, Counter[str]] = {}
    for started_at, status, suspicion in rows:
        day = timezone.localtime(started_at).date()
        counts.setdefault(day, Counter())[_outcome(status, suspicion)] += 1
    if len(rows) == MAX_RUNS_OF_DAYS and len(counts) > 1:
        del counts[min(counts)]
    return DayChart(_without_gaps(counts))


def point_of(
    number: int,
    status: str,
    suspicion: str,
    batch_count: int | None,
    started_at: datetime | None,
    *,
    zone: tzinfo,
) -> RunPoint:
    """A run as Home's small bars show it; with hundreds of them, the caller looks up the zone."""
    local = started_at.astimezone(zone) if started_at else None
    return RunPoint(number, _outcome(status, suspicion), batch_count, None, local)


def _point(
    number: int,
    status: str,
    suspicion: str,
    batch_count: int | None,
    started_at: datetime | None,
    finished_at: datetime | None,
) -> RunPoint:
    is_timed = started_at is not None and finished_at is not None
    return RunPoint(
        number,
        _outcome(status, suspicion),
        batch_count,
        (finished_at - started_at).total_seconds() if is_timed else None,  # type: ignore[operator]
        timezone.localtime(started_at) if started_at else None,
        reverse("run-detail", args=[number]),
    )


def _outcome(status: str, suspicion: str) -> str:
    return "suspicious" if suspicion else status


def _without_gaps(counts: dict[date, Counter[str]]) -> list[Day]:
    """Days in a row, including those without runs."""
    if not counts:
        return []
    newest = max(counts)
    length = min((newest - min(counts)).days + 1, MAX_DAYS)
    days = (newest - timedelta(days=ago) for ago in range(length))
    return [Day(day, counts.get(day, Counter())) for day in days][::-1]
