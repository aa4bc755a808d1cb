"""The meaning of each comparison: a test for one row, with bounds on its id.

Follows SQL Server where the API's documentation is silent: text compares case-insensitively, and a
comparison with null is false, negated or not, except `= null` and `!= null`.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from exports.demo.rows import DATE_FIELDS, Row, Value

Test = Callable[[Row], bool]

LOWEST_ID, HIGHEST_ID = -(2**63), 2**63

_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EQUALITIES: dict[str, Callable[[Any, Any], bool]] = {"=": operator.eq, "!=": operator.ne}
_TEXT_COMPARISONS = ("contains", "like", "not contains", "not like")
KNOWN = frozenset({*_ORDERINGS, *_EQUALITIES, *_TEXT_COMPARISONS, "in", "not in"})
_TYPES: dict[str, frozenset[type]] = {
    "text": frozenset({str}),
    "flag": frozenset({bool}),
    "number": frozenset({int, Decimal}),
    "date": frozenset({datetime}),
    "null": frozenset(),
}
_FIELD_KINDS = {
    "id": "number",
    "batchidentifier": "text",
    "exportinvoicesflag": "flag",
    "exportexpensesflag": "flag",
    "exportproductsflag": "flag",
    "closedflag": "flag",
    **dict.fromkeys(DATE_FIELDS, "date"),
}


@dataclass(frozen=True)
class Literal:
    """A value as written in a condition. `kind`: text, number, flag, date or null."""

    kind: str
    value: Value


@dataclass(frozen=True)
class Condition:
    """A test for one row. Rows outside `low`..`high` never pass it, so they need no test.

    `exact` means that every row within the bounds passes.
    """

    matches: Test
    low: int = LOWEST_ID
    high: int = HIGHEST_ID
    exact: bool = False


EVERYTHING = Condition(lambda row: True, exact=True)


class MeaningError(ValueError):
    """The comparison is well formed but makes no sense, e.g. a flag that `contains` a text."""


def compare(field: str, comparison: str, wanted: Literal | list[Literal]) -> Condition:
    """The condition `field comparison wanted`; raises MeaningError when kinds do not fit."""
    literals = wanted if isinstance(wanted, list) else [wanted]
    for literal in literals:
        _check_kind(field, comparison, literal)
    if isinstance(wanted, list):
        return Condition(_is_in(field, literals, negated=comparison == "not in"))
    if field == "id" and isinstance(wanted.value, int) and comparison in ("=", *_ORDERINGS):
        return _id_range(comparison, wanted.value)
    if wanted.kind == "null":
        return Condition(_is_null(field, negated=comparison == "!="))
    if comparison in _TEXT_COMPARISONS:
        return Condition(_text_test(field, comparison, str(wanted.value)))
    return Condition(_plain_test(field, comparison, wanted))


def both(parts: list[Condition]) -> Condition:
    """All of the parts."""
    tests = [part.matches for part in parts if not part.exact]
    return Condition(
        # Parts that the bounds already express need no test for each row.
        tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests),
        max(part.low for part in parts),
        min(part.high for part in parts),
        not tests,
    )


def either(parts: list[Condition]) -> Condition:
    """Any of the parts."""
    tests = [_bounded(part) for part in parts]
    return Condition(
        lambda row: any(test(row) for test in tests),
        min(part.low for part in parts),
        max(part.high for part in parts),
    )


def _bounded(part: Condition) -> Test:
    if part.low == LOWEST_ID and part.high == HIGHEST_ID:
        return part.matches
    return lambda row: part.low <= row.id <= part.high and part.matches(row)


def _check_kind(field: str, comparison: str, literal: Literal) -> None:
    default = "text" if field.startswith("_info/") else "unknown"
    field_kind = _FIELD_KINDS.get(field, default)
    if comparison in _TEXT_COMPARISONS and literal.kind != "text":
        raise MeaningError(f"'{comparison}' needs a text in quotes, not a {literal.kind}")
    if comparison in _ORDERINGS and literal.kind in ("null", "flag"):
        raise MeaningError(f"'{comparison}' cannot be used with a {literal.kind}")
    if field_kind not in (literal.kind, "unknown") and literal.kind != "null":
        raise MeaningError(f"the field '{field}' is a {field_kind}, the value a {literal.kind}")


def _id_range(comparison: str, bound: int) -> Condition:
    low, high = {
        "=": (bound, bound),
        ">": (bound + 1, HIGHEST_ID),
        ">=": (bound, HIGHEST_ID),
        "<": (LOWEST_ID, bound - 1),
        "<=": (LOWEST_ID, bound),
    }[comparison]
    return Condition(lambda row: True, low, high, exact=True)


def _is_null(field: str, *, negated: bool) -> Test:
    return lambda row: (row.value(field) is None) != negated


def _is_in(field: str, literals: list[Literal], *, negated: bool) -> Test:
    types = frozenset[type]().union(*(_TYPES[literal.kind] for literal in literals))
    values = {literal.value for literal in literals}
    if negated and None in values:
        return lambda row: False  # SQL: a comparison with null is never true
    return lambda row: type(value := row.value(field)) in types and (value in values) != negated


def _text_test(field: str, comparison: str, wanted: str) -> Test:
    negated = comparison.startswith("not ")
    if comparison.endswith("contains"):
        return lambda row: (
            isinstance(value := row.value(field), str) and ((wanted in value) != negated)
        )
    fits = re.compile(_like_pattern(wanted), re.DOTALL).fullmatch
    return lambda row: (
        isinstance(value := row.value(field), str) and ((fits(value) is not None) != negated)
    )


def _like_pattern(wanted: str) -> str:
    pieces = re.split(r"(\[\[\]|[*%])", wanted)
    meanings = {"*": ".*", "%": ".*", "[[]": r"\["}
    return "".join(meanings.get(piece, re.escape(piece)) for piece in pieces)


def _plain_test(field: str, comparison: str, wanted: Literal) -> Test:
    test = (_EQUALITIES | _ORDERINGS)[comparison]
    types, expected = _TYPES[wanted.kind], wanted.value
    return lambda row: type(value := row.value(field)) in types and test(value, expected)
