"""A written document, read back before it is published (X6, O3).

Two parsers that share no code read the same bytes: expat says whether the file is well-formed and
whole, libxml2 (lxml) validates it against the schema. One pass, flat memory.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol
from xml.parsers import expat

from lxml import etree

from exports.connectwise.batches import ELEMENT
from exports.connectwise.language import gettext as _
from exports.connectwise.language import grouped
from exports.connectwise.plain_files import open_plain
from exports.connectwise.xml.schema import schema


class FileCheckError(ValueError):
    """The file may not be published; `str()` is a sentence that says why."""

    code = "file.invalid"


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What was proven: batches counted, size in bytes, SHA-256 as 64 lower-case hex digits."""

    batch_count: int
    size: int
    sha256: str


class Readable(Protocol):
    """Gives up to so many bytes, and none at its end only."""

    def read(self, size: int, /) -> bytes: ...


def _go_on() -> None:
    """Used when nobody needs to interrupt the check."""


def check_file(
    path: Path, *, expected_count: int, checkpoint: Callable[[], None] = _go_on
) -> CheckedFile:
    """Prove that the file is whole, valid, ascending by id and holds `expected_count` batches.

    Raises FileCheckError otherwise, OSError when the file cannot be read. `checkpoint` is called
    every few milliseconds; what it raises ends the check (H4).
    """
    with open_plain(path) as stream:
        checked = check_stream(stream, checkpoint)
    if checked.batch_count != expected_count:
        raise FileCheckError(
            _(
                "The file holds %(found)s batches, but %(expected)s were written. "
                "Run the task again; if it happens again, check the disk."
            )
            % {"found": grouped(checked.batch_count), "expected": grouped(expected_count)}
        )
    return checked


def check_stream(stream: Readable, checkpoint: Callable[[], None] = _go_on) -> CheckedFile:
    """As `check_file`, of whatever a stream gives, however many batches these are."""
    reader = _Reader(stream, checkpoint)
    batch_count = _check_batches(reader)
    return CheckedFile(batch_count, reader.size, reader.hash.hexdigest())


class _Reader:
    """Hands the file on to lxml, and on the way hashes it and shows it to expat."""

    def __init__(self, stream: Readable, checkpoint: Callable[[], None]) -> None:
        self.size = 0
        self.hash = hashlib.sha256()
        self._stream = stream
        self._checkpoint = checkpoint
        self._expat = expat.ParserCreate()
        self._expat.StartDoctypeDeclHandler = _refuse_doctype

    def read(self, size: int) -> bytes:
        self._checkpoint()
        chunk = self._stream.read(size)
        self.size += len(chunk)
        self.hash.update(chunk)
        try:
            self._expat.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            raise FileCheckError(
                _(
                    "The file is not well-formed XML: %(reason)s (line %(line)s, column "
                    "%(column)s). Run the task again; if it happens again, check the disk."
                )
                % {
                    "reason": expat.ErrorString(error.code),
                    "line": error.lineno,
                    "column": error.offset + 1,
                }
            ) from error
        return chunk


def _check_batches(reader: _Reader) -> int:
    batch_count = 0
    last_id: int | None = None
    try:
        for batch_id in _batch_ids(reader):
            if last_id is not None and batch_id <= last_id:
                raise FileCheckError(
                    _(
                        "Batch %(batch)s follows batch %(before)s in the file, but ids have to "
                        "ascend and none may come twice. Run the task again."
                    )
                    % {"batch": batch_id, "before": last_id}
                )
            last_id = batch_id
            batch_count += 1
    except etree.XMLSyntaxError as error:
        # libxml2 reports this at the end and without a place; its words name element and value.
        raise FileCheckError(
            _(
                "The file does not fit the schema batches.xsd: %(reason)s Run the task again; if "
                "it happens again, find the batch with this value in ConnectWise."
            )
            % {"reason": error.msg}
        ) from error
    return batch_count


def _batch_ids(reader: _Reader) -> Iterator[int]:
    # huge_tree lifts libxml2's 10 MB limit on one text, which a page of records may exceed. What
    # it also unlocks, entity expansion, needs a document type, which expat refuses beforehand.
    events = etree.iterparse(
        reader,
        events=("end",),
        tag=ELEMENT,
        schema=etree.XMLSchema(etree.fromstring(schema())),
        huge_tree=True,
        load_dtd=False,
        no_network=True,
        resolve_entities=False,
        remove_comments=True,
        remove_pis=True,
    )
    root = None
    size = 0
    for _event, batch in events:
        parent = batch.getparent()
        # An extra field may be named Batch as well.
        if parent is None or (parent is not root and parent.getparent() is not None):
            continue
        root = parent
        # An id the schema does not allow is left to the schema, whose refusal comes at the end.
        with suppress(IndexError, ValueError):
            yield int(batch[0].text or "")
        # Without this the whole tree would stay. What came in one piece goes in one piece.
        if size != reader.size:
            size = reader.size
            del root[: root.index(batch)]


def _refuse_doctype(*_doctype: object) -> NoReturn:
    raise FileCheckError(
        _(
            "The file holds a document type declaration, which no export does. Run the task again, "
            "and find out which program changed the file."
        )
    )
