"""Records by id, complete and in order, one page in memory (rules P1, P2, P4, P5).

Page numbers shift when records appear or vanish between two requests, so no page number is ever
used: each request asks for what lies above the highest id seen, and only an empty answer is the
end, since a short one may have been clamped by the server.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

Record = Mapping[str, Any]

# Answers in a row that bring nothing new before the walk gives up (P4).
_PATIENCE: Final = 2


class HasRecords(Protocol):
    """One answer of ConnectWise: the records in the order they were sent, and their ids."""

    @property
    def ids(self) -> Sequence[int]: ...
    @property
    def records(self) -> Sequence[Record]: ...


class WalkError(Exception):
    """The answers cannot be a complete list in order; `str()` says what came."""


@dataclass(frozen=True)
class Step:
    """What one answer added: new records by ascending id, and how many were repeats."""

    records: Sequence[tuple[int, Record]]
    repeated_count: int
    last_id: int


def walk(fetch_above: Callable[[int], HasRecords], *, after: int = 0) -> Iterator[Step]:
    """Every record above the id `after`, once each, ascending.

    `fetch_above(n)` asks for one page of records with an id above `n`, ordered by id. A record
    that was changed while the walk went on is given as it was first seen. Raises WalkError.
    """
    last_id, fruitless = after, 0
    while (page := fetch_above(last_id)).records:
        step = _new_in(page, last_id)
        if step.records:
            fruitless = 0
        else:
            fruitless += 1
            if fruitless == _PATIENCE:
                raise WalkError(
                    f"ConnectWise answered {_PATIENCE} times in a row with batches that were "
                    f"already fetched instead of those above id {last_id}. Nothing was exported; "
                    "run the task again, and report it to ConnectWise if it stays so."
                )
        last_id = step.last_id
        yield step


def _new_in(page: HasRecords, asked_above: int) -> Step:
    """The records of one page that lie above what was asked for; the others are repeats."""
    records: list[tuple[int, Record]] = []
    last_id = asked_above
    for number, record in zip(page.ids, page.records, strict=True):
        if number > last_id:
            records.append((number, record))
            last_id = number
        elif asked_above < number < last_id:
            raise WalkError(
                f"ConnectWise sent batch {number} after batch {last_id}, although ordered by id. "
                "Nothing was exported, since batches could be missing; run the task again."
            )
    return Step(records, len(page.records) - len(records), last_id)
