"""The figures of a run, while it goes and when it is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from exports.models import Run


@dataclass(frozen=True)
class RunProgress:
    """How far a run is. `rate` is batches a second; None stands for what cannot be told yet."""

    done: int
    expected: int | None
    rate: float | None
    time_left: timedelta | None

    @classmethod
    def of(cls, run: Run, now: datetime) -> "RunProgress":
        done, expected = run.fetched_count, run.expected_count
        elapsed = (
            ((run.finished_at or now) - run.started_at).total_seconds() if run.started_at else 0
        )
        rate = done / elapsed if done and elapsed > 0 else None
        left = None
        if rate and expected is not None and run.is_active:
            left = timedelta(seconds=max(expected - done, 0) / rate)
        return cls(done, expected, rate, left)

    @property
    def total(self) -> int | None:
        """What a progress bar counts to; None while nothing was counted."""
        return max(self.expected, self.done) if self.expected else None

    @property
    def percent(self) -> int | None:
        return self.done * 100 // self.total if self.total else None


def proof(run: Run) -> str:
    """What the counts of a success prove, in a sentence (P3)."""
    if run.proven_count is None:
        return "ConnectWise refused to count, so it is not proven that the file is complete."
    more = run.fetched_count - run.proven_count
    if more > 0:
        return (
            f"Every batch that ConnectWise counts was fetched, and {more:,} more that changed or "
            "vanished meanwhile."
        )
    return "Every batch that ConnectWise counts was fetched."
