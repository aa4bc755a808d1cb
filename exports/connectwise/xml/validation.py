"""Reads a written document back before it is published (X6, O3).

libxml2 (lxml) parses it and validates it against the schema, in one pass and constant memory. That
parser shares nothing with our writer. expat is asked only why a file is not well-formed.
"""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol
from xml.parsers import expat

from lxml import etree

from exports.connectwise.batch_fields import ELEMENT, ROOT
from exports.connectwise.language import gettext as _
from exports.connectwise.language import grouped
from exports.connectwise.regular_files import open_regular
from exports.connectwise.xml.schema import DECLARATION, schema

# The start of a batch as the writer lays it out; text never contains `<`, so this is an element.
_BATCH_START: Final = f"\n  <{ELEMENT}>\n".encode()
_BATCH_END: Final = f"\n  </{ELEMENT}>\n".encode()
_ROOT_START: Final = f"<{ROOT} ".encode()
_ROOT_END: Final = f"</{ROOT}>\n".encode()
_DECLARATION: Final = DECLARATION.encode()
_CHUNK: Final = 1 << 16


class FileCheckError(ValueError):
    """The file must not be published; `str()` says why."""

    code = "file.invalid"


class CheckedFile(NamedTuple):
    """A valid file: number of batches, size in bytes, SHA-256 as 64 lower-case hex digits."""

    batch_count: int
    size: int
    sha256: str


class Readable(Protocol):
    """Returns up to `size` bytes, and none only at its end."""

    def read(self, size: int, /) -> bytes: ...


def _go_on() -> None:
    """The default `checkpoint`: never interrupts."""


def check_file(
    path: Path, *, expected_count: int, checkpoint: Callable[[], None] = _go_on
) -> CheckedFile:
    """Check that the file is whole, valid, ascending by id and holds `expected_count` batches.

    Raises FileCheckError otherwise, OSError when the file cannot be read. `checkpoint` is called
    every few milliseconds and may raise to end the check (H4).
    """
    try:
        with open_regular(path) as stream:
            checked = check_stream(stream, checkpoint)
    except _ParsingError as error:
        _refuse_unless_well_formed(path)
        raise _misfit(str(error)) from error
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
    """As `check_file`, for a stream with any number of batches."""
    reader = _Reader(stream, checkpoint)
    batch_count = _check_batches(reader)
    return CheckedFile(batch_count, reader.size, reader.hash.hexdigest())


class _ParsingError(FileCheckError):
    """libxml2 cannot read the file; `str()` is its reason, with no place in the whole file."""


class _Reader:
    """Reads the file in chunks and hashes them."""

    def __init__(self, stream: Readable, checkpoint: Callable[[], None]) -> None:
        self.size = 0
        self.hash = hashlib.sha256()
        self._stream = stream
        self._checkpoint = checkpoint

    def chunks(self) -> Iterator[bytes]:
        while chunk := self._read():
            yield chunk

    def _read(self) -> bytes:
        self._checkpoint()
        chunk = self._stream.read(_CHUNK)
        self.size += len(chunk)
        self.hash.update(chunk)
        return chunk


def _check_batches(reader: _Reader) -> int:
    """Validate the file piece by piece; return the number of batches."""
    batch_count = 0
    last_id: int | None = None
    validated = _validator()
    for piece in _pieces(reader.chunks()):
        for batch_id in validated(piece):
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
    return batch_count


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Split the file into documents of a few batches, each with the start and end of the root.

    If each is valid, so is the whole file, as the root holds only batches. A file with another
    layout is one piece. Building and validating small trees takes half the time of validating while
    reading, and each is freed at once.
    """
    root_start = before = b""
    rest = bytearray()
    for chunk in chunks:
        searched = max(0, len(rest) - len(_BATCH_END))
        rest += chunk
        if not root_start:
            root_start = bytes(rest[: rest.find(_BATCH_START, searched) + 1])
        end = rest.rfind(_BATCH_END, searched) + len(_BATCH_END)
        if _ROOT_START in root_start and end >= len(_BATCH_END):
            yield b"".join((before, rest[:end], _ROOT_END))
            before = root_start
            del rest[:end]
    yield before + rest


def _validator() -> Callable[[bytes], list[int]]:
    """A function that validates a document and returns the ids in it."""
    xsd = etree.XMLSchema(etree.fromstring(schema()))
    # The schema allows only the id as the first element.
    ids = etree.XPath(f"/{ROOT}/{ELEMENT}/*[1]/text()", smart_strings=False)
    # huge_tree lifts libxml2's limit of 10 MB for one text, which a page of records may exceed. It
    # also allows entity expansion, but that needs a document type, which is refused before.
    parser = etree.XMLParser(
        encoding="utf-8",
        huge_tree=True,
        load_dtd=False,
        no_network=True,
        resolve_entities=False,
        remove_pis=True,
        # The blanks between elements, half of all nodes: a fifth of the time.
        remove_blank_text=True,
    )

    def validated(piece: bytes) -> list[int]:
        _refuse_foreign_markup(piece)
        try:
            tree = etree.fromstring(piece, parser)
        except etree.XMLSyntaxError as error:
            raise _ParsingError(error.msg) from error
        if not xsd.validate(tree):
            errors: Any = xsd.error_log
            raise _misfit(errors[0].message)
        found: Any = ids(tree)
        return [int(text) for text in found]

    return validated


def _refuse_foreign_markup(piece: bytes) -> None:
    """What our writer never writes, looked for in the bytes: no parser has to meet it."""
    if not piece.startswith(_DECLARATION):
        raise _ParsingError(_("it does not begin with the declaration of every export."))
    if b"\0" in piece:  # where libxml2 would stop reading
        raise _ParsingError(_("it holds a NUL byte."))
    # First for the character that hardly occurs, which takes a twentieth of the time.
    if b"!" in piece and b"<!" in piece:
        raise FileCheckError(
            _(
                "The file holds a document type declaration, a comment or CDATA, which no export "
                "does. Run the task again, and find out which program changed the file."
            )
        )


def _refuse_unless_well_formed(path: Path) -> None:
    """Say what is wrong and where in the file, in expat's words."""
    parser = expat.ParserCreate()
    try:
        with open_regular(path) as stream:
            parser.ParseFile(stream)
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


def _misfit(reason: str | None) -> FileCheckError:
    return FileCheckError(
        _(
            "The file does not fit the schema batches.xsd: %(reason)s Run the task again; if "
            "it happens again, find the batch with this value in ConnectWise."
        )
        % {"reason": reason}
    )
