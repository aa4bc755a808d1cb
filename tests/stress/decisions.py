"""People's decisions about a task's date, and what its runs owe and may export (W1 to W9).

A record independent of the product's own: it is built from the history's actions, and reads from
the product only which run moved the date to when.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class Origin(StrEnum):
    TYPED = "typed"
    RUN = "run"
    FROM_NOW = "from now"


class Kind(StrEnum):
    TYPE = "type"
    FROM_NOW = "from now"
    UNDO = "undo"


@dataclass(frozen=True)
class Decision:
    """One action of a person, by our clock, after the run with this number."""

    kind: Kind
    after_run: int
    at: datetime
    moment: datetime = EARLIEST
    conditions: str = ""


@dataclass
class Standing:
    """The current date: since when, and who set it.

    `since` is the number of the last run that does not count for it; `run_id` the run that moved
    the date, which *only from now on* keeps.
    """

    origin: Origin
    moment: datetime
    at: datetime
    since: int
    run_id: int = 0
    conditions: str = ""


@dataclass(frozen=True)
class Terms:
    """What applies to a run queued now, or, after the last run, what must have been exported.

    `newest` is the current date, `decided` the last one that a person decided on: nothing older is
    exported, and everything newer is owed.

    A typed date is literal: everything updated after it is owed again, in a run after it, and
    batches exported before may come once more, until a run has moved the date (W5). With *only from
    now on* the date stays where a run moved it: everything updated after it, minus the overlap, is
    owed, but no version twice, and older versions are no longer owed (W9). An undone change never
    happened; a typed date that comes back is literal again (W8).
    """

    newest: Standing
    decided: Standing
    # Moves by runs since the decision, oldest first.
    moved_by: tuple[int, ...]
    overlap: timedelta

    @property
    def repeats(self) -> bool:
        return self.newest.origin is Origin.TYPED

    @property
    def floor(self) -> datetime:
        """No batch last updated up to here may be exported."""
        if self.decided.origin is Origin.FROM_NOW:
            return self.decided.moment - self.overlap
        return self.decided.moment

    @property
    def since(self) -> int:
        return self.decided.since


class Account:
    """The decisions about one date of one task; the first is a typed date."""

    def __init__(self, moment: datetime, at: datetime, *, overlap: timedelta) -> None:
        self._decisions = [Decision(Kind.TYPE, 0, at, moment)]
        self._overlap = overlap

    def note(self, decision: Decision) -> None:
        """Add what a person has just done, in chronological order."""
        self._decisions.append(decision)

    def terms(self, moves: Mapping[int, datetime], before_run: int | None = None) -> Terms:
        """As this run found them when it was queued; None: as they are after everything.

        `moves`: where runs moved the date, by run number, undone or not.
        """
        stack = self._stack(moves, before_run)
        index = max(n for n, one in enumerate(stack) if one.origin is not Origin.RUN)
        moved_by = tuple(one.run_id for one in stack[index + 1 :])
        return Terms(stack[-1], stack[index], moved_by, self._overlap)

    def _stack(self, moves: Mapping[int, datetime], before_run: int | None) -> list[Standing]:
        """The decisions in force, oldest first."""
        stack: list[Standing] = []
        events: list[tuple[int, int, int, Decision | None]] = [
            (run_id, 0, 0, None) for run_id in moves
        ]
        events += [(one.after_run, 1, n, one) for n, one in enumerate(self._decisions)]
        for number, _, _, decision in sorted(events, key=lambda event: event[:3]):
            if before_run is not None and number >= before_run:
                break
            if decision is None:
                moment = moves[number]
                stack.append(Standing(Origin.RUN, moment, moment, number, run_id=number))
            else:
                _apply(decision, stack)
        return stack


def _apply(decision: Decision, stack: list[Standing]) -> None:
    if decision.kind is Kind.TYPE:
        stack.append(Standing(Origin.TYPED, decision.moment, decision.at, decision.after_run))
    elif decision.kind is Kind.FROM_NOW:
        newest = stack[-1]
        stack.append(
            Standing(
                Origin.FROM_NOW,
                newest.moment,
                decision.at,
                _since_typed(stack),
                run_id=newest.run_id,
                conditions=decision.conditions,
            )
        )
    else:
        stack.pop()
        if stack[-1].origin is Origin.TYPED:
            stack[-1].since = decision.after_run


def _since_typed(stack: Sequence[Standing]) -> int:
    return next(one.since for one in reversed(stack) if one.origin is Origin.TYPED)
