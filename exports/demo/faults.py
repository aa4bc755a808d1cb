"""The faults of ConnectWise that tests switch on: `stand_in.faults.add(Status(503))`.

Each fault is one small class. Which calls it affects is set by the fields of `Fault`:
`Reset(on=(COUNT,), after=2, times=1)`.
"""

import gzip
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from exports.demo import wires
from exports.demo.answers import ANY, Answer, Request
from exports.demo.rows import Row
from exports.demo.switches import Fault

LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>"


@dataclass
class Status(Fault):
    """Any status, with any body and any Retry-After text."""

    code: int
    body: bytes = b'{"code":"Error","message":"A timeout has occured. Please try again."}'
    content_type: str = "application/json; charset=utf-8"
    retry_after: str | None = None

    def change(self, answer: Answer) -> None:
        answer.status = self.code
        answer.headers.pop("Link", None)
        answer.headers["Content-Type"] = self.content_type
        if self.retry_after is not None:
            answer.headers["Retry-After"] = self.retry_after
        answer.replace_body(self.body)


@dataclass
class Body(Fault):
    """Status 200 with an unexpected body: a login page, `null`, `{}`, nothing."""

    content: bytes
    content_type: str = "application/json; charset=utf-8"

    def change(self, answer: Answer) -> None:
        answer.headers["Content-Type"] = self.content_type
        answer.replace_body(self.content)


@dataclass
class Recode(Fault):
    """The correct body, passed through a function of bytes: with a BOM, in UTF-16, misspelled."""

    recode: Callable[[bytes], bytes]

    def change(self, answer: Answer) -> None:
        answer.replace_body(self.recode(answer.body()))


@dataclass
class Redirect(Fault):
    """A redirect to another host, which must never receive Authorization or clientId."""

    url: str
    code: int = 302

    def change(self, answer: Answer) -> None:
        answer.status = self.code
        answer.headers["Location"] = self.url
        answer.replace_body(b"")


@dataclass
class Header(Fault):
    """One header set to a text, or omitted (None): cookies, a wrong content type, no Date."""

    name: str
    text: str | None

    def change(self, answer: Answer) -> None:
        answer.headers.pop(self.name, None)
        if self.text is not None:
            answer.headers[self.name] = self.text


def no_date_header() -> Header:
    return Header("Date", None, on=ANY)


def no_link_header() -> Header:
    return Header("Link", None)


@dataclass
class LinkTo(Fault):
    """The Link header names another host, e.g. `http://127.0.0.1:9`."""

    address: str

    def change(self, answer: Answer) -> None:
        if link := answer.headers.get("Link"):
            answer.headers["Link"] = re.sub(r"<https?://[^/]+", f"<{self.address}", link)


@dataclass
class ClockSkew(Fault):
    """The server's clock is `seconds` ahead (behind, if negative) while this is on."""

    seconds: float


@dataclass
class PageSizeLimit(Fault):
    """Silently gives at most so many records a page."""

    limit: int

    def ask(self, request: Request) -> Request:
        return request.with_page_limit(self.limit)


@dataclass
class SamePageForever(Fault):
    """Every list is the first one sent, with the same Link header."""

    _first: tuple[list[Row], str | None] | None = field(default=None, init=False)

    def change(self, answer: Answer) -> None:
        if answer.rows is not None:
            link = answer.headers.pop("Link", None)
            self._first = self._first or (answer.rows, link)
            answer.rows, link = self._first
            if link:
                answer.headers["Link"] = link


@dataclass
class RepeatRows(Fault):
    """Every page that has rows begins with the last `row_count` rows of the page before."""

    row_count: int
    _previous: list[Row] = field(default_factory=list, init=False)
    _longest: int = field(default=0, init=False)

    def change(self, answer: Answer) -> None:
        if answer.rows:
            own = answer.rows
            # Only rows with lower ids, so that the next run does not begin with rows of this one.
            earlier = [row for row in self._previous if row.id < own[0].id]
            repeated = earlier[-self.row_count :]
            # A full page keeps its length, as when rows shift between numbered pages.
            self._longest = max(self._longest, len(own), len(repeated) + 1)
            answer.rows = self._previous = (repeated + own)[: self._longest]


@dataclass
class Reorder(Fault):
    """The rows of a page in another order, by default reversed."""

    reorder: Callable[[list[Row]], Sequence[Row]] = lambda rows: rows[::-1]

    def change(self, answer: Answer) -> None:
        if answer.rows is not None:
            answer.rows = list(self.reorder(answer.rows))


@dataclass
class InventRows(Fault):
    """Every page is full of new, invented ids, for ever."""

    page_size: int
    step: int = 1
    _last: int = field(default=0, init=False)

    def change(self, answer: Answer) -> None:
        if answer.rows is not None:
            ids = [self._last + self.step * number for number in range(1, self.page_size + 1)]
            answer.rows = [Row(id, b'{"id":%d}' % id) for id in ids]
            self._last = ids[-1]


@dataclass
class CountOffset(Fault):
    """`/count` is too high (or too low) by this number."""

    offset: int

    def change(self, answer: Answer) -> None:
        if answer.count is not None:
            answer.count += self.offset


@dataclass
class Nothing(Fault):
    """Lists and counts are empty without an error, as for a member without rights.

    With `on=(LIST,)` only the lists are empty.
    """

    def change(self, answer: Answer) -> None:
        answer.headers.pop("Link", None)
        if answer.rows is not None:
            answer.rows = []
        if answer.count is not None:
            answer.count = 0


@dataclass
class Delay(Fault):
    """Wait this many seconds before the request is handled."""

    seconds: float

    def before(self, wire: wires.Wire) -> None:
        wire.wait(self.seconds)


@dataclass
class Sending(Fault):
    """A correct answer, sent badly: `Sending(wires.reset)`; the ways are in `wires.py`."""

    how: wires.Sender

    def sender(self) -> wires.Sender:
        return self.how


@dataclass
class GzipBomb(Fault):
    """About 1 MB of gzip that becomes `megabytes` of blanks inside an empty JSON list."""

    megabytes: int = 1024

    def change(self, answer: Answer) -> None:
        answer.headers["Content-Encoding"] = "gzip"
        answer.replace_body(_gzip_bomb(self.megabytes))


@lru_cache(maxsize=2)
def _gzip_bomb(megabytes: int) -> bytes:
    """Compress one megabyte and repeat it: a flushed block does not depend on those before."""
    blanks = b" " * 2**20
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    start = compressor.compress(b"[") + compressor.flush(zlib.Z_FULL_FLUSH)
    block = compressor.compress(blanks) + compressor.flush(zlib.Z_FULL_FLUSH)
    end = compressor.compress(b"]") + compressor.flush()
    checksum = zlib.crc32(b"[")
    for _ in range(megabytes):
        checksum = zlib.crc32(blanks, checksum)
    length = megabytes * len(blanks) + 2
    trailer = zlib.crc32(b"]", checksum).to_bytes(4, "little")
    trailer += (length % 2**32).to_bytes(4, "little")
    header = gzip.compress(b"")[:10]
    return header + start + block * megabytes + end + trailer
