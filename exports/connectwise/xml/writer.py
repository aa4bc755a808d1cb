"""Records → the XML document, one record in memory (rules X1 to X5).

This does not use lxml's `xmlfile`, which writes `<x/>` and a single-quoted declaration, so that it
cannot match the sample byte for byte (X1), and which closes the root even after an exception, so
that an incomplete file looks whole. To stay safe, all text and names are escaped by `text.py`, and
`validation.py` reads every file back with another parser before it is published (X6).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import BinaryIO, Final, NamedTuple, Self

from exports.connectwise.batch_fields import (
    ELEMENT,
    ELEMENTS,
    EXTERNAL_ID,
    FIRST_EXTRA,
    INFO_MEMBERS,
    ROOT,
    FieldType,
)
from exports.connectwise.json_numbers import describe, record_id
from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop
from exports.connectwise.xml.schema import DECLARATION
from exports.connectwise.xml.text import element_name, escape_text, find_special, loses_characters

XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
XSD: Final = "http://www.w3.org/2001/XMLSchema"

_ROOT_START: Final = f'<{ROOT} xmlns:xsi="{XSI}" xmlns:xsd="{XSD}"'
_NIL: Final = ' xsi:nil="true"'
_INDENT: Final = "  "
_FIELD_INDENT: Final = _INDENT * 2
_MEMBER_INDENT: Final = _INDENT * 3

_INFO: Final = "_info"
_KNOWN_FIELDS: Final = frozenset({"id", _INFO, *(name for name, _ in ELEMENTS)})


class _Lines(NamedTuple):
    """The line of a known element, built once instead of for every batch."""

    start: str
    end: str
    empty: str
    nil: str
    true: str
    false: str


def _lines(name: str, indent: str) -> _Lines:
    start, end = f"{indent}<{name}>", f"</{name}>\n"
    return _Lines(
        start,
        end,
        empty=f"{indent}<{name} />\n",
        nil=f"{indent}<{name}{_NIL} />\n",
        true=f"{start}true{end}",
        false=f"{start}false{end}",
    )


# With the lines also as parts of the row: to read an attribute takes as long as to find a value.
_ELEMENT_LINES: Final = [
    (name, type_ is FieldType.FLAG, lines.start, lines.end, lines)
    for name, type_ in ELEMENTS
    for lines in [_lines(name, _FIELD_INDENT)]
]
_MEMBER_LINES: Final = [
    (name, lines.start, lines.end, lines)
    for name in INFO_MEMBERS
    for lines in [_lines(name, _MEMBER_INDENT)]
]

OnReplaced = Callable[[int, str], None]


class RecordError(ValueError):
    """A known field of a batch has a value its element cannot hold; `str()` names both.

    `expected` is English and translated here.
    """

    code = "file.invalid"

    def __init__(self, batch_id: int, path: str, expected: str, found: object) -> None:
        super().__init__(
            _(
                "Batch %(batch)s: %(path)s should be %(expected)s, but ConnectWise sent %(found)s. "
                "Correct the batch in ConnectWise, or leave it out with the condition id NotEqual "
                "%(batch)s."
            )
            % {
                "batch": batch_id,
                "path": path,
                "expected": _(expected),
                "found": describe(found),
            }
        )


def _ignore_replaced(batch_id: int, path: str) -> None:
    """The default `on_replaced`: does nothing."""


class BatchWriter:
    """Writes `<Batches>` to a binary stream, which it does not close.

    After an exception in the `with` block the root is not closed, so that an incomplete file is
    invalid. A refused record writes nothing. `on_replaced` is called with the batch id and element
    path (`_info/updatedBy`) of each text in which a character was replaced (X5). To resume, pass
    the number of batches already in the stream as `written_count`.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        include_extra_fields: bool,
        on_replaced: OnReplaced = _ignore_replaced,
        written_count: int = 0,
    ) -> None:
        self.written_count = written_count
        self._stream = stream
        self._include_extra_fields = include_extra_fields
        self._on_replaced = on_replaced

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exception_type is not None:
            return
        if self.written_count:
            self._stream.write(f"</{ROOT}>\n".encode())
        else:
            self._stream.write(f"{DECLARATION}{_ROOT_START} />\n".encode())

    def write(self, record: Mapping[str, object]) -> None:
        """Append one batch. Raises JSONShapeError without an integer id (H5), else RecordError."""
        self.write_all([(record_id(record), record)])

    def write_all(self, batches: Iterable[tuple[int, Mapping[str, object]]]) -> None:
        """Append a page of batches, each with its id; if one is refused, none is written.

        Raises RecordError.
        """
        element, with_extra = _Elements(self._on_replaced).element, self._include_extra_fields
        elements = [element(batch_id, record, with_extra) for batch_id, record in batches]
        if not elements:
            return
        if not self.written_count:
            self._stream.write(f"{DECLARATION}{_ROOT_START}>\n".encode())
        # Each by itself: most are ASCII, which is only copied, and one that is not would slow the
        # encoding of the whole page down.
        self._stream.write(b"".join(map(str.encode, elements)))
        self.written_count += len(elements)


class _Elements:
    """Builds the text of one batch after the other; knows its id for errors and reports."""

    __slots__ = ("_id", "_on_replaced")

    def __init__(self, on_replaced: OnReplaced) -> None:
        self._id = 0
        self._on_replaced = on_replaced

    def element(
        self, batch_id: int, record: Mapping[str, object], include_extra_fields: bool
    ) -> str:
        """The known fields in fixed order (X2), then the extra fields if included (X3)."""
        self._id = batch_id
        parts = [f"  <{ELEMENT}>\n    <id>{batch_id}</id>\n    <{EXTERNAL_ID} />\n"]
        info = record.get(_INFO)
        if info is not None:
            parts.append(self._info(info, include_extra_fields))
        for name, is_flag, start, end, lines in _ELEMENT_LINES:
            value = record.get(name)
            # Handles the usual values inline; a call for each would double the time.
            if is_flag:
                parts.append(
                    lines.true
                    if value is True
                    else lines.false
                    if value is False
                    else self._flag(name, value, lines)
                )
            elif type(value) is str and value and find_special(value) is None:
                parts.append(f"{start}{value}{end}")
            else:
                parts.append(self._text(name, value, lines))
        if include_extra_fields:
            for name in _extra_names(record):
                parts.append(self._extra(name, record[name], _FIELD_INDENT))
        parts.append(f"  </{ELEMENT}>\n")
        return "".join(parts)

    def _info(self, info: object, include_extra_fields: bool) -> str:
        """The known members (X2), then any extra ones; `<_info />` when it holds only links."""
        if type(info) is not dict and not isinstance(info, Mapping):
            raise RecordError(self._id, _INFO, gettext_noop("an object"), info)
        members = []
        for name, start, end, lines in _MEMBER_LINES:
            value = info.get(name)
            if type(value) is str and value and find_special(value) is None:
                members.append(f"{start}{value}{end}")
            elif value is not None:
                members.append(self._text(name, value, lines, f"{_INFO}/"))
        if include_extra_fields:
            for name in info:
                if name not in INFO_MEMBERS:
                    members.append(self._extra(name, info[name], _MEMBER_INDENT, f"{_INFO}/"))
        return _nested(_INFO, members, _FIELD_INDENT)

    def _text(self, name: str, value: object, lines: _Lines, parent: str = "") -> str:
        if value is None:
            return lines.empty
        # Fast path: most values are text without special characters.
        if type(value) is not str or find_special(value):
            path = parent + name
            value = self._escaped(self._scalar(value, path), path)
        return f"{lines.start}{value}{lines.end}" if value else lines.empty

    def _flag(self, name: str, value: object, lines: _Lines) -> str:
        """Accepts `true` and `false` also as text; raises RecordError for anything else."""
        if value is True or value is False:
            return lines.true if value else lines.false
        if value is None:
            return lines.nil
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return lines.true if value.lower() == "true" else lines.false
        raise RecordError(self._id, name, gettext_noop("true, false or null"), value)

    def _extra(self, name: str, value: object, indent: str, parent: str = "") -> str:
        """An extra field of any JSON type: null is nil, an empty value is an empty element (X3)."""
        tag = element_name(name)
        if value is None:
            return f"{indent}<{tag}{_NIL} />\n"
        path = parent + tag
        inner = indent + _INDENT
        if isinstance(value, Mapping):
            members = [self._extra(key, value[key], inner, f"{path}/") for key in value]
            return _nested(tag, members, indent)
        if isinstance(value, list):
            items = [self._extra("item", item, inner, f"{path}/") for item in value]
            return _nested(tag, items, indent)
        return _filled(tag, self._escaped(self._scalar(value, path), path), indent)

    def _scalar(self, value: object, path: str) -> str:
        """Text and numbers as sent, flags as `true` and `false` (X4)."""
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, Mapping | list):
            raise RecordError(self._id, path, gettext_noop("text"), value)
        return str(value)

    def _escaped(self, text: str, path: str) -> str:
        escaped = escape_text(text)
        if escaped is not text and loses_characters(text):
            self._on_replaced(self._id, path)
        return escaped


def _extra_names(record: Mapping[str, object]) -> Iterator[str]:
    for name in FIRST_EXTRA:
        if name in record:
            yield name
    for name in record:
        if name not in _KNOWN_FIELDS and name not in FIRST_EXTRA:
            yield name


def _filled(tag: str, text: str, indent: str) -> str:
    return f"{indent}<{tag}>{text}</{tag}>\n" if text else f"{indent}<{tag} />\n"


def _nested(tag: str, elements: list[str], indent: str) -> str:
    if not elements:
        return f"{indent}<{tag} />\n"
    return f"{indent}<{tag}>\n{''.join(elements)}{indent}</{tag}>\n"
