"""Records by id, complete and in order, with one page in memory.

Page numbers shift when records are added or deleted between two requests, so none is used: each
request asks for the records above the highest id seen. Only an empty page is the end, since the
server may cap the page size and send short pages. `parallel.py` does the same with several requests
in flight.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from exports.connectwise.language import gettext as _

Record = Mapping[str, Any]

# How many pages in a row without a new record before paging gives up.
_MAX_FRUITLESS: Final = 2


class HasRecords(Protocol):
    """One answer of ConnectWise: the records in the order they were sent, and their ids."""

    @property
    def ids(self) -> Sequence[int]: ...
    @property
    def records(self) -> Sequence[Record]: ...


PageT = TypeVar("PageT", bound=HasRecords)

# Requests a page of the records above an id, ordered by id; returns a future at once.
RequestPage = Callable[[int], Future[PageT]]


class PagingError(Exception):
    """The pages cannot be a complete list in order; `str()` says what was received."""

    code = "connectwise.paging"


@dataclass(frozen=True)
class NewRecords:
    """What one page added: new records by ascending id, and how many were repeats.

    All records up to and including `last_id` have been fetched.
    """

    records: Sequence[tuple[int, Record]]
    repeated_count: int
    last_id: int


def paginate(
    request: RequestPage[PageT], *, after: int = 0, first: "Future[PageT] | None" = None
) -> Iterator[NewRecords]:
    """Every record above the id `after`, once each, ascending.

    A record that changes meanwhile is yielded as first seen. The next page is requested before
    the records of this one are yielded, so that it is fetched while they are written. `first` is
    the first page if it was already requested. Raises PagingError.
    """
    progress = Progress()
    response = first or request(after)
    while (page := response.result()).records:
        new = new_records(page, after)
        progress.check(new)
        after = new.last_id
        response = request(after)
        yield new


class Progress:
    """Stops paging that brings no new records."""

    def __init__(self) -> None:
        self._fruitless_count = 0

    def check(self, new: NewRecords) -> None:
        """Raises PagingError at the second page in a row without a new record."""
        self._fruitless_count = 0 if new.records else self._fruitless_count + 1
        if self._fruitless_count == _MAX_FRUITLESS:
            raise PagingError(
                _(
                    "ConnectWise answered %(count)s times in a row with batches that were already "
                    "fetched instead of those above id %(id)s. Nothing was exported; run the task "
                    "again, and report it to ConnectWise if it stays so."
                )
                % {"count": _MAX_FRUITLESS, "id": new.last_id}
            )


def new_records(page: HasRecords, above: int) -> NewRecords:
    """The records of a page above the requested id; others count as repeats.

    Raises PagingError for ids out of order.
    """
    records: list[tuple[int, Record]] = []
    last_id = above
    for number, record in zip(page.ids, page.records, strict=True):
        if number > last_id:
            records.append((number, record))
            last_id = number
        elif above < number < last_id:
            raise PagingError(
                _(
                    "ConnectWise sent batch %(batch)s after batch %(before)s, although ordered by "
                    "id. Nothing was exported, since batches could be missing; run the task again."
                )
                % {"batch": number, "before": last_id}
            )
    return NewRecords(records, len(page.records) - len(records), last_id)
