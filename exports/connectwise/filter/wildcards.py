"""Like without a wildcard compares the whole text; most people mean a part of it (F7)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from exports.connectwise.filter import literals
from exports.connectwise.filter.conditions import Condition
from exports.connectwise.filter.literals import LiteralError, LiteralType
from exports.connectwise.language import gettext as _

# ConnectWise documents the star; its users report the percent sign too.
_WILDCARDS: Final = frozenset("*%")
_USED_BY: Final = frozenset({"Like", "NotLike"})


def lacks_wildcard(condition: Condition) -> bool:
    """Whether the row can be sent but compares the whole text, which is seldom meant."""
    return bool(_whole_text(condition))


def wildcard_warning(condition: Condition) -> str:
    """What such a row finds, and what to write instead; "" for every other row."""
    if not (text := _whole_text(condition)):
        return ""
    message = (
        _(
            "Like without * compares the whole text: this finds only what is exactly %(text)s. "
            "For everything that contains it, write %(stars)s."
        )
        if condition.comparison == "Like"
        else _(
            "NotLike without * compares the whole text: this leaves out only what is exactly "
            "%(text)s. To leave out everything that contains it, write %(stars)s."
        )
    )
    return message % {"text": text, "stars": with_wildcards(text)}


def with_wildcards(value: str) -> str:
    """`"2016"` as `"*2016*"`; what holds a wildcard, or is no text, stays as it is."""
    text = _text(value)
    return f"{text[0]}*{text[1:-1]}*{text[-1]}" if text and _is_whole(text) else value


def likely_meant(conditions: Sequence[Condition]) -> list[Condition]:
    """The rows with wildcards where Like has none; [] when nothing would differ."""
    if not any(lacks_wildcard(row) and row.comparison == "Like" for row in conditions):
        return []
    return [
        replace(row, value=with_wildcards(row.value)) if row.comparison == "Like" else row
        for row in conditions
    ]


def _whole_text(condition: Condition) -> str:
    text = _text(condition.value) if condition.comparison in _USED_BY else ""
    return text if _is_whole(text) else ""


def _is_whole(text: str) -> bool:
    return bool(text[1:-1]) and not _WILDCARDS.intersection(text)


def _text(value: str) -> str:
    """The literal, if it is text; else ""."""
    try:
        literal = literals.parse(value, None)
    except LiteralError:
        return ""
    return literal.sent if literal.type is LiteralType.TEXT else ""
