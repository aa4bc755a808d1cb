"""A large walk in several id ranges at once: the same records, in the same order (P1, P2, P5).

The ids between the first page and the highest known one are cut into windows that are expected to
fill most of a page each; several are asked for at once and handed out strictly in order. A window
that comes back full is asked for again above what it brought; one that comes back short is over,
which is safe because the first page came back full, so that pages are not clamped. What lies
above the highest id is a range like the others, and walked serially to the empty page that proves
the end.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final

from .language import gettext as _
from .walk import Ask, HasRecords, Progress, Step, WalkError, new_records, walk

# Below this many pages the serial walk is quick enough and simpler to reason about.
WORTH_IT_ABOVE: Final = 20
# With smaller pages the scatter of the ids costs more requests than parallelism is worth.
SMALLEST_PAGE: Final = 50
# How many requests the windows may cost, as a multiple of the serial walk's; the promise is 1.25.
_BUDGET: Final = 1.16


@dataclass(frozen=True)
class Extent:
    """What is known of a walk before it starts: how many records, up to which id."""

    expected_count: int
    highest_id: int
    page_size: int


@dataclass
class _Window:
    above: int
    up_to: int
    promise: Callable[[], HasRecords]
    was_empty: bool = False


def walk_in_windows(
    ask: Ask, extent: Extent, *, after: int = 0, width_limit: Callable[[], int]
) -> Iterator[Step]:
    """As `walk`, with up to `width_limit()` requests out at a time, looked at before each one.

    Raises WalkError.
    """
    page = ask(after, None)()
    if not page.records:
        return
    step = new_records(page, after, None)
    del page  # or it would be held as long as the walk goes on
    if len(step.records) == extent.page_size >= SMALLEST_PAGE:
        windows = _Windows(ask, extent, after, step, width_limit)
        windows.fill_up()
        yield step
        yield from windows.walk()
        yield from walk(ask, after=windows.reached, first=windows.end)
        if len((windows.first_again or ask(after, None))().records) < extent.page_size:
            raise WalkError(
                _(
                    "ConnectWise began to give shorter pages while this run went on, so that "
                    "batches could be missing. Nothing was exported; run the task again."
                )
            )
    else:
        promise = ask(step.last_id, None)
        yield step
        yield from walk(ask, after=step.last_id, first=promise)


class _Windows:
    """The windows between the first page and the highest id.

    `end` promises what lies above them; `first_again` the first page, asked for once every window
    has come. Both are None as long as there was no room to ask for them ahead of time.
    """

    def __init__(
        self, ask: Ask, extent: Extent, after: int, first: Step, width_limit: Callable[[], int]
    ) -> None:
        self.reached = first.last_id
        self.end: Callable[[], HasRecords] | None = None
        self.first_again: Callable[[], HasRecords] | None = None
        self._after = after
        self._ask = ask
        self._extent = extent
        self._width_limit = width_limit
        self._waiting: deque[_Window] = deque()
        self._asked_up_to = first.last_id
        self._request_count = 1
        self._fetched_count = len(first.records)
        # Records per id, renewed by every window that is over.
        ids_left = max(1, extent.highest_id - first.last_id)
        self._density = max(1, extent.expected_count - len(first.records)) / ids_left
        self._serial_count = extent.expected_count / extent.page_size

    def walk(self) -> Iterator[Step]:
        progress = Progress()
        while self._waiting:
            window = self._waiting.popleft()
            page = window.promise()
            if not page.records and not window.was_empty:
                # Deletions under way could hide from the count what a page empty by mistake lost.
                self._waiting.appendleft(self._open(window.above, window.up_to, was_empty=True))
                continue
            step = new_records(page, window.above, window.up_to)
            if page.records:
                progress.look_at(step)
            is_over = len(page.records) < self._extent.page_size
            if is_over:
                step = Step(step.records, step.repeated_count, window.up_to)
                self._learn(window, len(step.records))
            else:
                self._waiting.appendleft(self._open(step.last_id, window.up_to))
            self._fetched_count += len(step.records)
            self.reached = step.last_id
            self.fill_up()
            yield step

    def fill_up(self) -> None:
        while (
            len(self._waiting) < self._width_limit()
            and self._asked_up_to < self._extent.highest_id
            and (self._is_within_budget() or not self._waiting)
        ):
            self._waiting.append(self._open(self._asked_up_to, self._next_end()))
            self._asked_up_to = self._waiting[-1].up_to
        if self._asked_up_to >= self._extent.highest_id:
            self._ask_for_the_end()

    def _ask_for_the_end(self) -> None:
        """While the last windows are fetched and written, what proves the end is on its way."""
        if self.end is None and len(self._waiting) < self._width_limit():
            self.end = self._ask(self._asked_up_to, None)
        if not self._waiting and self._width_limit() > 1:
            self.first_again = self._ask(self._after, None)

    def _next_end(self) -> int:
        if not self._is_within_budget():
            # From here on as the serial walk would: one window, asked for page by page.
            return self._extent.highest_id
        ids_left = self._extent.highest_id - self._asked_up_to
        # All of the same width, so that the last one is not a request for a few.
        window_count = ceil(ids_left * self._density / (self._fill() * self._extent.page_size))
        return self._asked_up_to + ceil(ids_left / max(1, window_count))

    def _fill(self) -> float:
        """How much of a page a window is expected to fill; the rest is room for scatter.

        That is about twice the root of what is expected, less the denser the ids are.
        """
        scatter = sqrt(max(0.0, 1 - self._density) / self._extent.page_size)
        return min(0.99, max(0.85, 1 - 2.2 * scatter))

    def _is_within_budget(self) -> bool:
        """Whether a serial walk from here on would still keep the whole within the budget."""
        page_size = self._extent.page_size
        # Some of what is in flight will come back full and has to be asked for again.
        in_flight = len(self._waiting) * self._fill() * page_size * 0.8
        left = max(0, self._extent.expected_count - self._fetched_count - in_flight)
        return self._request_count + left / page_size <= _BUDGET * self._serial_count

    def _open(self, above: int, up_to: int, *, was_empty: bool = False) -> _Window:
        self._request_count += 1
        return _Window(above, up_to, self._ask(above, up_to), was_empty)

    def _learn(self, window: _Window, count: int) -> None:
        """Follow the density of the ids; one window says little about the next but by surprise."""
        width = max(1, window.up_to - window.above)
        expected = self._density * width
        weight = 0.5 if abs(count - expected) > 3 * sqrt(expected + 1) else 0.1
        self._density += (min(self._density * 3, count / width) - self._density) * weight
