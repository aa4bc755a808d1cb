"""Records that are asked for by their ids, in portions: one walk of `keyset` after the other.

The first pages of the next portions are requested meanwhile. No portion matches ids above its last
one, so once that one has come there is nothing left to ask for; where it does not come, an empty
page is the end, as for any list.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from exports.connectwise.language import gettext as _
from exports.connectwise.paging.keyset import (
    NewRecords,
    PagingError,
    Record,
    paginate,
)


class Portion(Protocol):
    """What asks for some of the records, and the highest id of these."""

    @property
    def last_id(self) -> int: ...


PortionT = TypeVar("PortionT", bound=Portion)

# Requests a page of a portion's records above an id, ordered by id; returns a future at once.
RequestOfPortion = Callable[[PortionT, int], Future[Any]]


@dataclass(frozen=True)
class _Nothing:
    """The page above the last id of a portion, for which nobody has to be asked."""

    ids: Sequence[int] = ()
    records: Sequence[Record] = ()


def paginate_portions(
    request: RequestOfPortion[PortionT],
    portions: Iterator[PortionT],
    *,
    after: int = 0,
    max_in_flight: Callable[[], int],
) -> Iterator[NewRecords]:
    """The records of all portions, which come in ascending order, as `paginate` yields them.

    With up to `max_in_flight()` requests at once. Raises PagingError.
    """
    walks: deque[_Walk[PortionT]] = deque()
    while True:
        while len(walks) < max_in_flight() and (portion := next(portions, None)):
            walks.append(_Walk(portion, after, request(portion, after)))
            after = portion.last_id
        if not walks:
            return
        yield from _records(request, walks.popleft())


@dataclass(frozen=True)
class _Walk(Generic[PortionT]):
    """A portion whose first page, above the id `after`, was requested."""

    portion: PortionT
    after: int
    first: Future[Any]


def _records(request: RequestOfPortion[PortionT], walk: _Walk[PortionT]) -> Iterator[NewRecords]:
    ask = partial(_ask, request, walk.portion)
    for new in paginate(ask, after=walk.after, first=walk.first):
        if new.last_id > walk.portion.last_id:
            raise PagingError(
                _(
                    "ConnectWise sent batch %(batch)s, although asked for batches up to "
                    "%(last)s by their ids. Nothing was exported, since batches could be missing; "
                    "run the task again, and report it to ConnectWise if it stays so."
                )
                % {"batch": new.last_id, "last": walk.portion.last_id}
            )
        yield new


def _ask(request: RequestOfPortion[PortionT], portion: PortionT, above: int) -> Future[Any]:
    if above < portion.last_id:
        return request(portion, above)
    nothing = Future[Any]()
    nothing.set_result(_Nothing())
    return nothing
