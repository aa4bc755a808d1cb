"""A large list with several requests in flight: the same records, in the same order.

Every request asks for the records above an id, as `keyset.paginate` does. Several are in flight at
once, starting at ids expected to lie a little less than a page apart, so each page overlaps the
next one and repeats are dropped. If a page ends before the next one starts (more records than
expected, or a page capped by the server), the records above its last id are requested first. A
short page proves nothing: only an empty page is the end.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final, Generic

from exports.connectwise.language import gettext as _
from exports.connectwise.paging.keyset import (
    NewRecords,
    PageT,
    PagingError,
    Progress,
    RequestPage,
    new_records,
    paginate,
)

# Up to this many pages, one request after the other is fast enough and simpler.
WORTH_IT_ABOVE: Final = 20
# With smaller pages, unevenly spaced ids cost more requests than parallelism is worth.
SMALLEST_PAGE: Final = 50
# How many requests this may take, as a multiple of serial paging; documented is 1.25.
_BUDGET: Final = 1.2


@dataclass(frozen=True)
class Extent:
    """What the preflight found: how many records, up to which id."""

    expected_count: int
    highest_id: int
    page_size: int


@dataclass
class _PageRequest(Generic[PageT]):
    """A request for the records above an id."""

    above: int
    response: "Future[PageT]"


def paginate_in_parallel(
    request: RequestPage[PageT],
    extent: Extent,
    *,
    after: int = 0,
    max_in_flight: Callable[[], int],
) -> Iterator[NewRecords]:
    """As `paginate`, with up to `max_in_flight()` requests at once, which may change meanwhile.

    Raises PagingError.
    """
    page = request(after).result()
    if not page.records:
        return
    first = new_records(page, after)
    if len(first.records) == extent.page_size >= SMALLEST_PAGE:
        requests = _Requests(request, extent, first, max_in_flight)
        requests.send_more()
        rest = requests.paginate()
    else:
        # A short page: capped by the server, or the last one. Parallel requests would not pay.
        rest = paginate(request, after=first.last_id, first=request(first.last_id))
    yield first
    del page, first  # else they would stay in memory until the last page
    yield from rest


class _Requests(Generic[PageT]):
    """The requests in flight after the first page. All records up to `_reached` were yielded."""

    def __init__(
        self,
        request: RequestPage[PageT],
        extent: Extent,
        first: NewRecords,
        max_in_flight: Callable[[], int],
    ) -> None:
        self._request = request
        self._extent = extent
        self._max_in_flight = max_in_flight
        self._in_flight: deque[_PageRequest[PageT]] = deque()
        self._reached = self._requested_from = first.last_id
        self._is_end_requested = False
        self._request_count = 1
        self._fetched_count = len(first.records)
        # Records per id, renewed by every page.
        self._density = 1.0
        self._update_density(first, weight=1.0)
        self._serial_count = extent.expected_count / extent.page_size

    def paginate(self) -> Iterator[NewRecords]:
        progress = Progress()
        while True:
            requested = self._in_flight.popleft()
            page = requested.response.result()
            if not page.records and requested.above < self._extent.highest_id:
                # Records above were expected: ask again, in case the page is empty by mistake.
                page = self._send(requested.above).response.result()
            if not page.records:
                self._check_end()
                return
            found = new_records(page, requested.above)
            progress.check(found)
            self._update_density(found, weight=self._surprise(found))
            new = [record for record in found.records if record[0] > self._reached]
            self._reached = max(self._reached, found.last_id)
            self._fetched_count += len(new)
            del page
            self.send_more()
            if new or found.repeated_count:
                yield NewRecords(new, found.repeated_count, self._reached)

    def send_more(self) -> None:
        """Request the records above `_reached`, and as many further pages as may be in flight."""
        if not self._in_flight or self._in_flight[0].above > self._reached:
            # The last page ended before the next request starts: fill the gap first.
            self._in_flight.appendleft(self._send(self._reached))
        while len(self._in_flight) < self._max_in_flight() and not self._is_end_requested:
            if not self._is_within_budget():
                return  # go on serially, as `paginate` does
            self._requested_from = self._next_start()
            # The request above the highest known id: its empty page proves the end, and it is
            # fetched while the last pages are still being written.
            self._is_end_requested = self._requested_from >= self._extent.highest_id
            self._in_flight.append(self._send(self._requested_from))

    def _next_start(self) -> int:
        start = max(self._requested_from, self._reached)
        ahead = ceil(self._fill() * self._extent.page_size / self._density)
        return min(start + ahead, max(start, self._extent.highest_id))

    def _fill(self) -> float:
        """The part of a page planned before the next one starts; the rest allows for uneven ids.

        The allowance is about twice the square root of the page size, and less for denser ids.
        """
        scatter = sqrt(max(0.0, 1 - self._density) / self._extent.page_size)
        return min(0.99, max(0.85, 1 - 2.2 * scatter))

    def _is_within_budget(self) -> bool:
        """Whether one more request stays in budget even if those in flight bring nothing new.

        That happens when several start in the same gap of ids: all get the page behind it.
        """
        left = max(0, self._extent.expected_count - self._fetched_count)
        needed = self._request_count + 1 + left / self._extent.page_size
        return needed <= _BUDGET * self._serial_count

    def _send(self, above: int) -> _PageRequest[PageT]:
        self._request_count += 1
        return _PageRequest(above, self._request(above))

    def _check_end(self) -> None:
        """Raises PagingError if another page has records above the empty one."""
        for requested in self._in_flight:
            if any(number > self._reached for number in requested.response.result().ids):
                raise PagingError(
                    _(
                        "ConnectWise answered twice that there is nothing above id %(id)s, but "
                        "gave batches above it as well. Nothing was exported, since batches could "
                        "be missing; run the task again."
                    )
                    % {"id": self._reached}
                )

    def _surprise(self, new: NewRecords) -> float:
        """The weight of a page in the density: low, but high if its size was not as expected."""
        if len(new.records) < 2:
            return 0.0
        expected = self._density * _span(new)
        return 0.5 if abs(len(new.records) - expected) > 3 * sqrt(expected + 1) else 0.1

    def _update_density(self, new: NewRecords, weight: float) -> None:
        if len(new.records) > 1:
            self._density += ((len(new.records) - 1) / _span(new) - self._density) * weight


def _span(new: NewRecords) -> int:
    return new.last_id - new.records[0][0]
