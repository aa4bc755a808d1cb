"""The figures of a run, while it goes and when it is over, in numbers and sentences."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from exports.models import Run
from exports.models.runs import DEAD_AFTER

# A worker that lives is heard of every 10 s (exports.lease).
_SILENT_AFTER = timedelta(seconds=15)


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
        is_counted_on = done and elapsed > 0 and silence_of(run, now) is None
        rate = done / elapsed if is_counted_on else None
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


def silence_of(run: Run, now: datetime) -> timedelta | None:
    """How long nothing was heard of a running run's worker; None while it lives."""
    if run.status != Run.Status.RUNNING or run.heartbeat_at is None:
        return None
    silence = now - run.heartbeat_at
    return silence if silence > _SILENT_AFTER else None


def what_follows_silence(run: Run, silence: timedelta) -> str:
    """What becomes of a run whose worker stays silent (R3), in a sentence."""
    if run.cancel_requested_at is not None:
        ends = "cancelled"
    else:
        ends = "resumed" if run.can_resume else "ended as failed"
    if silence <= DEAD_AFTER:
        return f"If it stays silent the run is {ends} after {DEAD_AFTER.seconds} s."
    return (
        f"The run is {ends} by the next worker that is alive; if none is there, start one with "
        "manage.py serve."
    )


def wanted_count(run: Run) -> int:
    """How many batches an export of the same batches again was to write (R7)."""
    if run.again_of is not None:
        return run.again_of.batch_count or 0
    return len(run.again_ids)


def proof(run: Run) -> str:
    """What the counts of a success prove, in a sentence (P3)."""
    if run.is_again:
        return _proof_of_again(run)
    if run.proven_count is None:
        return "ConnectWise refused to count, so it is not proven that the file is complete."
    more = run.fetched_count - run.proven_count
    if more > 0:
        return (
            f"Every batch that ConnectWise counts was fetched, and {more:,} more that changed or "
            "vanished meanwhile."
        )
    return "Every batch that ConnectWise counts was fetched."


def _proof_of_again(run: Run) -> str:
    """What was left out are other batches of the same range of ids: their count says nothing."""
    wanted = wanted_count(run)
    written = run.batch_count or 0
    batches = "batch" if wanted == 1 else "batches"
    which = f"{batches} of run {run.again_of_id}" if run.again_of_id else f"chosen {batches}"
    found = (
        f"{written:,} of the {wanted:,} {which} {'is' if written == 1 else 'are'} in the file, as "
        "ConnectWise had them when this run asked."
    )
    if written < wanted and run.proven_count is None:
        return f"{found} ConnectWise refused to count, so it may have more of them."
    return found
