"""Turns the typed value of a condition into the literal sent to ConnectWise (F2, F3).

Everything returned here is one complete literal, so typed text cannot end it early and continue as
part of the filter. Text that could is refused instead of escaped, because how ConnectWise escapes a
quote is not documented.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Final

from exports.connectwise.batch_fields import FieldType
from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop

MAX_NUMBER_LENGTH: Final = 40

# ConnectWise stores dates in a column type whose first year is this.
FIRST_YEAR: Final = 1753

_QUOTES: Final = ('"', "'")
TYPOGRAPHIC_QUOTES: Final = "“”„‟‘’‚‛«»"
_NUMBER = re.compile(r"(-?)(\d+)(\.\d+)?", re.ASCII)
_DATETIME = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](?P<time>\d\d:\d\d(?::\d\d)?)(?:(?<=:\d\d:\d\d)\.\d+)?"
    r"(?P<zone>[Zz]|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


class LiteralType(StrEnum):
    """The types of literals; the first four are named like the field types."""

    INTEGER = "integer"
    TEXT = "text"
    FLAG = "flag"
    DATETIME = "datetime"
    DECIMAL = "decimal"
    NULL = "null"
    LIST = "list"


LITERAL_TYPE_WORDS: Final = {
    LiteralType.INTEGER: gettext_noop("a whole number"),
    LiteralType.TEXT: gettext_noop("text"),
    LiteralType.FLAG: gettext_noop("a True/False value"),
    LiteralType.DATETIME: gettext_noop("a date"),
    LiteralType.DECIMAL: gettext_noop("a decimal number"),
    LiteralType.NULL: gettext_noop("null"),
    LiteralType.LIST: gettext_noop("a list"),
}

_UNREADABLE: Final = {
    FieldType.INTEGER: gettext_noop("%(value)s is not a whole number."),
    FieldType.TEXT: gettext_noop("%(value)s is text without quotes."),
    FieldType.FLAG: gettext_noop("%(value)s is neither True nor False."),
    FieldType.DATETIME: gettext_noop("%(value)s is not a date in square brackets."),
}


class LiteralError(ValueError):
    """A value that cannot be sent.

    `message` says why; `about` fills in its %(value)s. `repaired` is a literal the person may have
    meant, or "".
    """

    def __init__(self, message: str, repaired: str = "", **params: object) -> None:
        super().__init__(message)
        self.repaired = repaired
        self._message = message
        self._params = params

    def __str__(self) -> str:
        return self.about(_("The value"))

    def about(self, value: str) -> str:
        """The sentence about `value`, such as `The value for id`."""
        return self._message % {**self._params, "value": value}


class NoSuchMomentError(LiteralError):
    """A correctly written date that does not exist, such as the 30th of February."""


@dataclass(frozen=True)
class Literal:
    """One literal as sent to ConnectWise; a list has the type of its members."""

    type: LiteralType
    sent: str


def parse(text: str, field_type: FieldType | None) -> Literal:
    """The literal in `text`; `field_type` is only used for the error message.

    Text in round brackets is returned unparsed as `LiteralType.LIST`. Raises LiteralError.
    """
    text = text.strip()
    _refuse_control_characters(text)
    if text.lower() == "null":
        return Literal(LiteralType.NULL, "null")
    if text.lower() in ("true", "false"):
        return Literal(LiteralType.FLAG, text.capitalize())
    if number := _NUMBER.fullmatch(text):
        return _number(*number.groups(default=""))
    if text.startswith("["):
        return Literal(LiteralType.DATETIME, datetime_literal(_parse_datetime(text)))
    if text.startswith("(") and text.endswith(")"):
        return Literal(LiteralType.LIST, text)
    return Literal(LiteralType.TEXT, _quoted(text, field_type))


def parse_list(text: str, field_type: FieldType | None) -> Literal:
    """The bracketed, non-empty list of literals of one type in `text`. Raises LiteralError."""
    text = text.strip()
    _refuse_control_characters(text)
    if not (text.startswith("(") and text.endswith(")")):
        raise LiteralError(
            _("%(value)s is not a list: put its members in brackets, with commas between.")
        )
    if not text[1:-1].strip():
        raise LiteralError(_("%(value)s is an empty list."))
    members = [_member(member, field_type) for member in split_members(text[1:-1])]
    # No blank after the comma, to keep the URL short (F6).
    return Literal(_common_type(members), f"({','.join(member.sent for member in members)})")


def quote(text: str) -> str:
    """`text` in quotes of the kind it does not contain. Raises LiteralError if it has both."""
    _refuse_control_characters(text)
    _refuse_backslash(text)
    for mark in _QUOTES:
        if mark not in text:
            return f"{mark}{text}{mark}"
    raise _both_quotes()


def split_members(inner: str) -> Iterator[str]:
    """Split the inside of a list at the commas outside quotes."""
    start, open_quote = 0, ""
    for at, char in enumerate(inner):
        if open_quote:
            open_quote = "" if char == open_quote else open_quote
        elif char in _QUOTES:
            open_quote = char
        elif char == ",":
            yield inner[start:at].strip()
            start = at + 1
    yield inner[start:].strip()


def datetime_literal(moment: datetime) -> str:
    """`[2000-01-31T14:51:00Z]`: UTC, fractions of a second dropped.

    Raises LiteralError for a date without a zone, or outside the years 1753 to 9999 in UTC.
    """
    if moment.utcoffset() is None:
        raise LiteralError(_("%(value)s is a date without a time zone."))
    try:
        utc = moment.astimezone(UTC).replace(microsecond=0, tzinfo=None)
    except OverflowError:
        utc = None
    if utc is None or utc.year < FIRST_YEAR:
        message = _("%(value)s is a date outside the years %(first)s to 9999.")
        raise LiteralError(message, first=FIRST_YEAR)
    return f"[{utc.isoformat()}Z]"


def shown(text: str, limit: int = 60) -> str:
    """`text` for use in a message: shortened, with unprintable characters replaced."""
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _refuse_control_characters(text: str) -> None:
    # Cc: control characters; Cs: lone surrogates; Zl and Zp: the line ends of Unicode.
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text):
        raise LiteralError(
            _("%(value)s holds a line break or another character that cannot be sent.")
        )


def _refuse_backslash(text: str) -> None:
    # It might escape the quote after it; whether ConnectWise does so is not documented.
    if "\\" in text:
        raise LiteralError(
            _("%(value)s holds a backslash, and ConnectWise has no safe way to write one.")
        )


def _number(sign: str, digits: str, fraction: str) -> Literal:
    digits = digits.lstrip("0") or "0"
    if len(digits + fraction) > MAX_NUMBER_LENGTH:
        message = _("%(value)s is a number of more than %(most)s characters.")
        raise LiteralError(message, most=MAX_NUMBER_LENGTH)
    if not (digits + fraction).strip("0."):
        sign = ""
    return Literal(
        LiteralType.DECIMAL if fraction else LiteralType.INTEGER, sign + digits + fraction
    )


def _parse_datetime(text: str) -> datetime:
    match = _DATETIME.fullmatch(text[1:-1].strip()) if text.endswith("]") else None
    if not match:
        raise LiteralError(_("%(value)s is not a date in the ISO 8601 format, in square brackets."))
    try:
        moment = datetime.fromisoformat(f"{match['day']}T{match['time'] or '00:00'}")
        return moment.replace(tzinfo=_zone(match["zone"] or "Z"))
    except ValueError:
        message = _("%(value)s is a date or time that does not exist.")
        raise NoSuchMomentError(message) from None


def _zone(text: str) -> timezone:
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    if minutes > 59:
        raise ValueError(text)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def _quoted(text: str, field_type: FieldType | None) -> str:
    if not text.startswith(_QUOTES):
        if text.endswith(_QUOTES):
            raise LiteralError(_("%(value)s ends with a quote but does not start with one."))
        raise LiteralError(
            _(_UNREADABLE[field_type or FieldType.TEXT]), _repaired(text, field_type)
        )
    if len(text) < 2 or text[-1] != text[0]:
        raise LiteralError(_("%(value)s starts with a quote that is not closed at its end."))
    inner = text[1:-1]
    if all(mark in inner for mark in _QUOTES):
        raise _both_quotes()
    if text[0] in inner:
        message = _(
            "%(value)s holds the same quote that is put around it; use the other kind of quote."
        )
        raise LiteralError(message, _repaired(inner, field_type))
    _refuse_backslash(inner)
    return text


def _both_quotes() -> LiteralError:
    return LiteralError(
        _(
            "%(value)s holds both kinds of quote, and such a text cannot be sent to ConnectWise: "
            "use Contains with a part of it, or Like with * in the place of a quote."
        )
    )


def _repaired(text: str, field_type: FieldType | None) -> str:
    """A corrected literal: text with quotes, a date with brackets; "" if unknown."""
    try:
        if field_type is FieldType.DATETIME:
            return datetime_literal(_parse_datetime(f"[{text}]"))
        if field_type in (FieldType.TEXT, None) and len(text) <= 60:
            return quote(text.strip(TYPOGRAPHIC_QUOTES))
    except LiteralError:
        pass
    return ""


def _member(text: str, field_type: FieldType | None) -> Literal:
    if not text:
        raise LiteralError(_("%(value)s is a list with a comma too many."))
    try:
        literal = parse(text, field_type)
    except LiteralError as error:
        message = _("%(value)s cannot hold %(member)s: %(reason)s")
        # Translators: goes into %(value)s, as in "it is text without quotes."
        reason = error.about(_("it"))
        raise LiteralError(message, member=shown(text), reason=reason) from None
    if literal.type is LiteralType.NULL:
        raise LiteralError(_("%(value)s holds null, which cannot stand in a list."))
    if literal.type is LiteralType.LIST:
        message = _("%(value)s holds the list %(member)s, which cannot stand in a list.")
        raise LiteralError(message, member=shown(text))
    return literal


def _common_type(members: list[Literal]) -> LiteralType:
    types = list(dict.fromkeys(member.type for member in members))
    if set(types) == {LiteralType.INTEGER, LiteralType.DECIMAL}:
        return LiteralType.DECIMAL
    if len(types) > 1:
        message = _("%(value)s is a list that mixes %(first)s and %(second)s.")
        first, second = _(LITERAL_TYPE_WORDS[types[0]]), _(LITERAL_TYPE_WORDS[types[1]])
        raise LiteralError(message, first=first, second=second)
    return types[0]
