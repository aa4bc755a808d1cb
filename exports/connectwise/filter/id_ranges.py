"""Turns many ids into a condition that fits into a URL and matches few other ids."""

import heapq
from collections.abc import Iterable
from typing import Final, NamedTuple

from exports.connectwise.filter.conditions import encoded_length, id_up_to

# Encoded length. A URL has 2,000 characters, of which address and paging need some (F6).
LONGEST: Final = 1_200
_MAX_RANGES: Final = 30


class IdRange(NamedTuple):
    """Ids from `first` to `last`, both included."""

    first: int
    last: int


def covering(ids: Iterable[int]) -> str:
    """A condition that matches all these ids, given in ascending order.

    As many ranges as fit into a URL, without the widest gaps. A single range needs only its end,
    since paging begins at the lowest id.
    """
    ranges = _compressed(ids)
    while len(ranges) > 1:
        text = any_of([within(one) for one in ranges])
        if _is_short(text):
            return text
        ranges = _without_narrowest_gap(ranges)
    return id_up_to(ranges[0].last if ranges else 0)


def _compressed(ids: Iterable[int]) -> list[IdRange]:
    """At most _MAX_RANGES ranges with all ids."""
    # A heap of the widest gaps: width, id before, id after.
    gaps: list[tuple[int, int, int]] = []
    first = last = None
    for number in ids:
        if last is None:
            first = number
        elif number - last > 1:
            heapq.heappush(gaps, (number - last, last, number))
            if len(gaps) >= _MAX_RANGES:
                heapq.heappop(gaps)
        last = number
    if first is None or last is None:
        return []
    between = sorted((before, after) for _width, before, after in gaps)
    firsts = [first, *(after for _before, after in between)]
    lasts = [*(before for before, _after in between), last]
    return [IdRange(*pair) for pair in zip(firsts, lasts, strict=True)]


def _without_narrowest_gap(ranges: list[IdRange]) -> list[IdRange]:
    at = min(range(1, len(ranges)), key=lambda index: ranges[index].first - ranges[index - 1].last)
    joined = IdRange(ranges[at - 1].first, ranges[at].last)
    return [*ranges[: at - 1], joined, *ranges[at + 1 :]]


def any_of(conditions: list[str]) -> str:
    return f"({' or '.join(conditions)})" if len(conditions) > 1 else conditions[0]


def within(one: IdRange) -> str:
    if one.first == one.last:
        return f"id = {one.first:d}"
    return f"(id >= {one.first:d} and id <= {one.last:d})"


def _is_short(text: str) -> bool:
    return encoded_length(text) <= LONGEST
