"""Shares many ids out over conditions that each fit into a URL and match these ids alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from exports.connectwise.filter.conditions import encoded_length, id_among
from exports.connectwise.filter.id_ranges import LONGEST, IdRange, any_of, within

# A range is longer than this many ids in a list.
_LISTED: Final = 5
# What stands around and between the parts of a condition, in a URL.
_FRAME: Final = encoded_length("(id in () or )")
_OR: Final = encoded_length(" or ")
_COMMA: Final = encoded_length(",")


@dataclass(frozen=True)
class Portion:
    """A condition that matches `id_count` ids, of which `last_id` is the highest."""

    condition: str
    id_count: int
    last_id: int


def portions_of(ids: Iterable[int], most: int) -> Iterator[Portion]:
    """Conditions that together match just these ids, given in ascending order.

    Each matches `most` ids at most, so that one page holds them, and only ids above those of the
    one before it.
    """
    parts = _Parts()
    for run in _consecutive(ids, most):
        if parts.ranges and not parts.has_room_for(run, most):
            yield parts.portion()
            parts = _Parts()
        parts.add(run)
    if parts.ranges:
        yield parts.portion()


@dataclass
class _Parts:
    """The ids of a portion, as ranges, with the length that they take in a URL."""

    ranges: list[IdRange] = field(default_factory=list)
    id_count: int = 0
    length: int = _FRAME

    def has_room_for(self, run: IdRange, most: int) -> bool:
        return self.id_count + _size(run) <= most and self.length + _length(run) <= LONGEST

    def add(self, run: IdRange) -> None:
        self.ranges.append(run)
        self.id_count += _size(run)
        self.length += _length(run)

    def portion(self) -> Portion:
        listed = [number for run in self.ranges if not _is_long(run) for number in _ids(run)]
        long = [within(run) for run in self.ranges if _is_long(run)]
        condition = any_of([*([id_among(listed)] if listed else []), *long])
        return Portion(condition, self.id_count, self.ranges[-1].last)


def _consecutive(ids: Iterable[int], most: int) -> Iterator[IdRange]:
    """The ids as ranges without a gap, of up to `most` ids each."""
    run: IdRange | None = None
    for number in ids:
        if run and number == run.last + 1 and _size(run) < most:
            run = IdRange(run.first, number)
            continue
        if run:
            yield run
        run = IdRange(number, number)
    if run:
        yield run


def _ids(run: IdRange) -> range:
    return range(run.first, run.last + 1)


def _size(run: IdRange) -> int:
    return run.last - run.first + 1


def _is_long(run: IdRange) -> bool:
    return _size(run) > _LISTED


def _length(run: IdRange) -> int:
    if _is_long(run):
        return _OR + encoded_length(within(run))
    return sum(len(str(number)) + _COMMA for number in _ids(run))
