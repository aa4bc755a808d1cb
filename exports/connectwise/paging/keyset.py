"""Records by id, complete and in order, one page in memory (rules P1, P2, P4, P5).

Page numbers shift when records appear or vanish between two requests, so no page number is ever
used: each request asks for what lies above the highest id seen, and only an empty answer is the
end, since a short one may have been clamped by the server. `windows.py` walks large exports from
several places at once, by the same rules.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from exports.connectwise.language import gettext as _

Record = Mapping[str, Any]

# Answers in a row that bring nothing new before the walk gives up (P4).
_PATIENCE: Final = 2


class HasRecords(Protocol):
    """One answer of ConnectWise: the records in the order they were sent, and their ids."""

    @property
    def ids(self) -> Sequence[int]: ...
    @property
    def records(self) -> Sequence[Record]: ...


# Asks for one page of the records with an id above the number, ordered by id. It returns at once;
# the promise it returns waits for the page.
Ask = Callable[[int], Callable[[], HasRecords]]


class WalkError(Exception):
    """The answers cannot be a complete list in order; `str()` says what came."""

    code = "connectwise.paging"


@dataclass(frozen=True)
class Step:
    """What one answer added: new records by ascending id, and how many were repeats.

    Up to and including `last_id` everything has been fetched.
    """

    records: Sequence[tuple[int, Record]]
    repeated_count: int
    last_id: int


def walk(
    ask: Ask, *, after: int = 0, first: Callable[[], HasRecords] | None = None
) -> Iterator[Step]:
    """Every record above the id `after`, once each, ascending.

    A record that was changed while the walk went on is given as it was first seen. The next page
    is asked for before a step is handed out, so that it is on its way while this one is written;
    `first` promises the first page when that has been asked for already. Raises WalkError.
    """
    progress = Progress()
    promise = first or ask(after)
    while (page := promise()).records:
        step = new_records(page, after)
        progress.look_at(step)
        after = step.last_id
        promise = ask(after)
        yield step


class Progress:
    """Ends a walk that goes on without getting anywhere (P4)."""

    def __init__(self) -> None:
        self._fruitless_count = 0

    def look_at(self, step: Step) -> None:
        """Raises WalkError at the second answer in a row that brought nothing new."""
        self._fruitless_count = 0 if step.records else self._fruitless_count + 1
        if self._fruitless_count == _PATIENCE:
            raise WalkError(
                _(
                    "ConnectWise answered %(count)s times in a row with batches that were already "
                    "fetched instead of those above id %(id)s. Nothing was exported; run the task "
                    "again, and report it to ConnectWise if it stays so."
                )
                % {"count": _PATIENCE, "id": step.last_id}
            )


def new_records(page: HasRecords, above: int) -> Step:
    """The records of one page above the id asked for; the others are repeats.

    Raises WalkError for ids out of order (P1).
    """
    records: list[tuple[int, Record]] = []
    last_id = above
    for number, record in zip(page.ids, page.records, strict=True):
        if number > last_id:
            records.append((number, record))
            last_id = number
        elif above < number < last_id:
            raise WalkError(
                _(
                    "ConnectWise sent batch %(batch)s after batch %(before)s, although ordered by "
                    "id. Nothing was exported, since batches could be missing; run the task again."
                )
                % {"batch": number, "before": last_id}
            )
    return Step(records, len(page.records) - len(records), last_id)
