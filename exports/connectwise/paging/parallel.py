"""A large walk from several places at once: the same records, in the same order (P1, P2, P5).

Every request asks for the records above an id, as the serial walk does; several are out at once,
from places that are expected to lie a little less than a page apart. So each page reaches over the
place where the next one begins, and what it brings twice is dropped. Where a page does not reach
that far (there are more records than expected, or the server gave fewer than it was asked for),
the walk goes on from its last record first. Nothing is ever concluded from a short page: the end
is an empty one, as in the serial walk.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final

from exports.connectwise.language import gettext as _
from exports.connectwise.paging.keyset import (
    Ask,
    HasRecords,
    Progress,
    Step,
    WalkError,
    new_records,
    walk,
)

# Below this many pages the serial walk is quick enough and simpler to reason about.
WORTH_IT_ABOVE: Final = 20
# With smaller pages the scatter of the ids costs more requests than parallelism is worth.
SMALLEST_PAGE: Final = 50
# How many requests the windows may cost, as a multiple of the serial walk's; the promise is 1.25.
_BUDGET: Final = 1.2


@dataclass(frozen=True)
class Extent:
    """What is known of a walk before it starts: how many records, up to which id."""

    expected_count: int
    highest_id: int
    page_size: int


@dataclass
class _Window:
    """A page that was asked for, of the records above an id."""

    above: int
    promise: Callable[[], HasRecords]


def walk_in_windows(
    ask: Ask, extent: Extent, *, after: int = 0, width_limit: Callable[[], int]
) -> Iterator[Step]:
    """As `walk`, with up to `width_limit()` requests out at a time, looked at before each one.

    Raises WalkError.
    """
    page = ask(after)()
    if not page.records:
        return
    first = new_records(page, after)
    if len(first.records) == extent.page_size >= SMALLEST_PAGE:
        windows = _Windows(ask, extent, first, width_limit)
        windows.go_on()
        rest = windows.walk()
    else:
        # Clamped, or all there is: from several places that would be a request for a few each.
        rest = walk(ask, after=first.last_id, first=ask(first.last_id))
    yield first
    del page, first  # or they would be held as long as the walk goes on
    yield from rest


class _Windows:
    """The walk from the first page on. Up to `reached` everything has been handed out."""

    def __init__(
        self, ask: Ask, extent: Extent, first: Step, width_limit: Callable[[], int]
    ) -> None:
        self._ask = ask
        self._extent = extent
        self._width_limit = width_limit
        self._waiting: deque[_Window] = deque()
        self._reached = self._asked_from = first.last_id
        self._is_end_asked = False
        self._request_count = 1
        self._fetched_count = len(first.records)
        # Records per id, renewed by every page.
        self._density = 1.0
        self._learn(first, weight=1.0)
        self._serial_count = extent.expected_count / extent.page_size

    def walk(self) -> Iterator[Step]:
        progress = Progress()
        while True:
            window = self._waiting.popleft()
            page = window.promise()
            if not page.records and window.above < self._extent.highest_id:
                # There was something above: an answer that is empty by mistake is asked for again.
                page = self._open(window.above).promise()
            if not page.records:
                self._expect_nothing_more()
                return
            step = new_records(page, window.above)
            progress.look_at(step)
            self._learn(step, weight=self._surprise(step))
            new = [record for record in step.records if record[0] > self._reached]
            self._reached = max(self._reached, step.last_id)
            self._fetched_count += len(new)
            del page
            self.go_on()
            if new or step.repeated_count:
                yield Step(new, step.repeated_count, self._reached)

    def go_on(self) -> None:
        """Ask from where the walk is, and from as many further places as may be out at once."""
        if not self._waiting or self._waiting[0].above > self._reached:
            # The page before did not reach as far as the next one begins.
            self._waiting.appendleft(self._open(self._reached))
        while len(self._waiting) < self._width_limit() and not self._is_end_asked:
            if not self._is_within_budget():
                return  # one page after the other, as the serial walk would
            self._asked_from = self._next_place()
            # What lies above all that is known: while the last pages are fetched and written, the
            # empty page that proves the end is on its way.
            self._is_end_asked = self._asked_from >= self._extent.highest_id
            self._waiting.append(self._open(self._asked_from))

    def _next_place(self) -> int:
        begun = max(self._asked_from, self._reached)
        ahead = ceil(self._fill() * self._extent.page_size / self._density)
        return min(begun + ahead, max(begun, self._extent.highest_id))

    def _fill(self) -> float:
        """How much of a page is expected before the next one begins; the rest is for scatter.

        That is about twice the root of what is expected, less the denser the ids are.
        """
        scatter = sqrt(max(0.0, 1 - self._density) / self._extent.page_size)
        return min(0.99, max(0.85, 1 - 2.2 * scatter))

    def _is_within_budget(self) -> bool:
        """Whether one more is affordable even if all that are out bring nothing new.

        That is what happens when they begin in a gap of the ids: each gets the page behind it.
        """
        left = max(0, self._extent.expected_count - self._fetched_count)
        needed = self._request_count + 1 + left / self._extent.page_size
        return needed <= _BUDGET * self._serial_count

    def _open(self, above: int) -> _Window:
        self._request_count += 1
        return _Window(above, self._ask(above))

    def _expect_nothing_more(self) -> None:
        """An empty page is the end, unless another one knows of something behind it."""
        for window in self._waiting:
            if any(number > self._reached for number in window.promise().ids):
                raise WalkError(
                    _(
                        "ConnectWise answered twice that there is nothing above id %(id)s, but "
                        "gave batches above it as well. Nothing was exported, since batches could "
                        "be missing; run the task again."
                    )
                    % {"id": self._reached}
                )

    def _surprise(self, step: Step) -> float:
        """How much one page says about the next: little, unless it is far from what was thought."""
        if len(step.records) < 2:
            return 0.0
        expected = self._density * _span(step)
        return 0.5 if abs(len(step.records) - expected) > 3 * sqrt(expected + 1) else 0.1

    def _learn(self, step: Step, weight: float) -> None:
        """Follow the density of the ids, from the first to the last of a page."""
        if len(step.records) > 1:
            self._density += ((len(step.records) - 1) / _span(step) - self._density) * weight


def _span(step: Step) -> int:
    return step.last_id - step.records[0][0]
