"""A part of an exported file of any size: some records, cut between two of them."""

from dataclasses import dataclass
from typing import BinaryIO, Final

PAGE_BYTES: Final = 24 * 1024
FIRST_LINES: Final = 40
_FIRST_BYTES: Final = 8 * 1024
_RECORD_END: Final = b"</Batch>\n"


@dataclass(frozen=True)
class FilePage:
    """The bytes from `start` to `end` of a file of `size` bytes, as text."""

    text: str
    start: int
    end: int
    size: int

    @property
    def is_first(self) -> bool:
        return self.start == 0

    @property
    def is_last(self) -> bool:
        return self.end >= self.size


def first_lines(stream: BinaryIO) -> FilePage:
    """The first lines of the file, never more than a few kilobytes. Raises OSError."""
    size = stream.seek(0, 2)
    stream.seek(0)
    content = stream.read(_FIRST_BYTES)
    lines = content.splitlines(keepends=True)
    # Drop a line that was cut, unless it is the only one.
    if len(content) < size and len(lines) > 1:
        lines.pop()
    shown = b"".join(lines[:FIRST_LINES])
    return FilePage(_text(shown), 0, len(shown), size)


def page_from(stream: BinaryIO, start: int) -> FilePage:
    """The page that starts at `start`, the end of another one. Raises OSError."""
    size = stream.seek(0, 2)
    begin = max(start, 0)
    if begin < size or size == 0:
        return _page(stream, min(begin, size), min(begin + PAGE_BYTES, size), size)
    return page_before(stream, size)


def page_before(stream: BinaryIO, end: int) -> FilePage:
    """The page that ends at `end`, the start of another one. Raises OSError."""
    size = stream.seek(0, 2)
    stop = min(max(end, 1), size)
    begin = _next_cut(stream, max(stop - PAGE_BYTES, 0))
    # A record larger than a page offers no cut, so the page begins in its middle.
    begin = begin if begin < stop else max(stop - PAGE_BYTES, 0)
    return _page(stream, begin, stop, size, is_whole=True)


def _page(
    stream: BinaryIO, begin: int, stop: int, size: int, *, is_whole: bool = False
) -> FilePage:
    stream.seek(begin)
    content = stream.read(stop - begin)
    if stop < size and not is_whole:
        content = content[: _last_cut(content)]
    return FilePage(_text(content), begin, begin + len(content), size)


def _next_cut(stream: BinaryIO, position: int) -> int:
    """The end of the first record or line after `position`, or `position` if none is near."""
    if position == 0:
        return 0
    overlap = min(position, len(_RECORD_END))
    stream.seek(position - overlap)
    content = stream.read(PAGE_BYTES)
    for mark in (_RECORD_END, b"\n"):
        found = content.find(mark, max(overlap - len(mark), 0))
        if found >= 0:
            return position - overlap + found + len(mark)
    return position


def _last_cut(content: bytes) -> int:
    for mark in (_RECORD_END, b"\n"):
        found = content.rfind(mark)
        if found >= 0:
            return found + len(mark)
    # No line ends here, but a character must not be cut in two.
    return len(content.decode("utf-8", "ignore").encode()) or len(content)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
