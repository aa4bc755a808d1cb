"""Helps to write a value: turns typed or picked text into a literal.

Nothing here decides what may be sent: `conditions.check` checks these values like typed ones.
"""

from exports.connectwise.batch_fields import FieldType
from exports.connectwise.filter import literals
from exports.connectwise.filter.literals import LiteralError, LiteralType

_QUOTES = "\"'" + literals.TYPOGRAPHIC_QUOTES


def quoted(text: str) -> str:
    """`John` as `"John"`; quoted text is kept, a single unmatched quote is removed.

    Raises LiteralError for text with both kinds of quotes; blank text stays blank.
    """
    text = text.strip()
    if not text or _type_of(text) is LiteralType.TEXT:
        return text
    return literals.quote(_bare(text))


def as_list(text: str, field_type: FieldType | None) -> str:
    """`John, Ben` as `("John", "Ben")`, each member written for a field of this type.

    Raises LiteralError for a member that cannot be quoted; without members it returns "".
    """
    inner = text.strip().removeprefix("(").removesuffix(")")
    members = [_member(member, field_type) for member in literals.split_members(inner) if member]
    return f"({', '.join(members)})" if members else ""


def with_member(text: str, member: str, field_type: FieldType | None) -> str:
    """The list in `text` with one more member: `("a")` and `b` make `("a", "b")`.

    Raises LiteralError as `as_list`.
    """
    inner = text.strip().removeprefix("(").removesuffix(")").strip(" ,")
    return as_list(f"{inner}, {member}" if inner else member, field_type)


def picked_date(day: str, time: str = "") -> str:
    """`2026-01-31` as `[2026-01-31]`, with a time (UTC) as `[2026-01-31T08:00:00Z]`.

    Raises LiteralError for a date or time that does not exist.
    """
    day, time = day.strip(), time.strip()
    if time.count(":") == 1:
        time = f"{time}:00"
    date = f"[{day}T{time}Z]" if time else f"[{day}]"
    literals.parse(date, FieldType.DATETIME)
    return date


def _bare(text: str) -> str:
    """`text` without the quotes around it, or without a single unmatched one."""
    if len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES:
        return text[1:-1]
    if text[0] in _QUOTES and text.count(text[0]) == 1:
        return text[1:]
    if text[-1] in _QUOTES and text.count(text[-1]) == 1:
        return text[:-1]
    return text


def _member(text: str, field_type: FieldType | None) -> str:
    if field_type is FieldType.TEXT:
        return quoted(text)
    if field_type is FieldType.DATETIME and not text.startswith("["):
        return f"[{text}]" if _type_of(f"[{text}]") is LiteralType.DATETIME else text
    # For an unknown field, keep text that parses as a number, a flag or a date.
    return text if field_type or _type_of(text) else quoted(text)


def _type_of(text: str) -> LiteralType | None:
    try:
        return literals.parse(text, None).type
    except LiteralError:
        return None
