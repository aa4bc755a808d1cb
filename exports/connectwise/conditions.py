"""The filter: rows of field, comparison and value, checked and written as ConnectWise reads them.

One row of `COMPARISONS` is one comparison; the form, the renderer and the tests all read it.
The whole text of a filter, what a run adds included, is made in this module (F1 to F6).
"""

import difflib
import re
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from typing import Literal as OneOf

from exports.connectwise import literals
from exports.connectwise.batches import EXAMPLES, EXTERNAL_ID, Kind
from exports.connectwise.literals import FORM_WORDS, Form, Literal, LiteralError, shown

# F6, for the whole URL; `encoded_length` measures the part of it that is the filter.
MAX_URL_LENGTH: Final = 2000
MAX_FIELD_LENGTH: Final = 100

AND: Final = "And"
OR: Final = "Or"
LOGIC_OPERATORS: Final = (AND, OR)

datetime_literal = literals.datetime_literal

Part = OneOf["field", "comparison", "value", "logic_operator"]
Kinds = Mapping[str, Kind]


class ConditionError(ValueError):
    """A condition that cannot be sent; `part` names the input the sentence belongs to."""

    def __init__(self, part: Part, message: str) -> None:
        super().__init__(message)
        self.part = part


@dataclass(frozen=True)
class Comparison:
    """One comparison: the seed's spelling, what is sent, what it takes, its words."""

    name: str
    sent: str
    words: str
    forms: frozenset[Form]
    takes: str
    takes_list: bool = False


@dataclass(frozen=True)
class Condition:
    """One row as typed. `logic_operator` ties it to the next row; "" means And (F4)."""

    field: str
    comparison: str
    value: str
    logic_operator: str = ""


_ORDERED = frozenset({Form.INTEGER, Form.DECIMAL, Form.DATETIME, Form.TEXT})
_ANY = _ORDERED | {Form.FLAG, Form.NULL}
_MEMBER = _ORDERED | {Form.FLAG}
_TEXT = frozenset({Form.TEXT})

_ONE = "one value"
_ORDERABLE = "a number, a date or text"
_QUOTED = "text in quotes"
_LIST = "a list in brackets"

COMPARISONS: Final = (
    Comparison("Contains", "contains", "contains", _TEXT, _QUOTED),
    Comparison("Equal", "=", "is", _ANY, _ONE),
    Comparison("GreaterThan", ">", "is greater than", _ORDERED, _ORDERABLE),
    Comparison("GreaterThanOrEqual", ">=", "is at least", _ORDERED, _ORDERABLE),
    Comparison("In", "in", "is one of", _MEMBER, _LIST, takes_list=True),
    Comparison("Like", "like", "is like", _TEXT, _QUOTED),
    Comparison("LessThan", "<", "is less than", _ORDERED, _ORDERABLE),
    Comparison("LessThanOrEqual", "<=", "is at most", _ORDERED, _ORDERABLE),
    Comparison("NotContains", "not contains", "does not contain", _TEXT, _QUOTED),
    Comparison("NotEqual", "!=", "is not", _ANY, _ONE),
    Comparison("NotIn", "not in", "is not one of", _MEMBER, _LIST, takes_list=True),
    Comparison("NotLike", "not like", "is not like", _TEXT, _QUOTED),
)

_BY_NAME: Final = {comparison.name: comparison for comparison in COMPARISONS}
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)?")
_RESERVED: Final = frozenset(
    {"and", "or", "not", "in", "like", "contains", "null", "true", "false"}
)
_KIND_WORDS: Final = {
    Kind.INTEGER: "whole numbers",
    Kind.TEXT: "text",
    Kind.FLAG: "True or False",
    Kind.DATETIME: "dates",
}
_KIND_EXAMPLES: Final = {
    Kind.INTEGER: ("284", "285"),
    Kind.TEXT: ("John", "Ben"),
    Kind.FLAG: ("True", "False"),
    Kind.DATETIME: ("[2019-10-16T08:31:19Z]", "[2019-10-17T00:00:00Z]"),
}


def check(condition: Condition, kinds: Kinds) -> None:
    """Raise ConditionError unless the row can be sent (F2, F3); `kinds` are the known fields'."""
    _parts(condition, kinds)


def warnings_for(condition: Condition, kinds: Kinds) -> list[str]:
    """What does not stop the row but should be seen: a field that is not a known one (F3)."""
    field = condition.field.strip()
    if field in kinds:
        return []
    by_lower = {known.lower(): known for known in kinds}
    close = difflib.get_close_matches(shown(field).lower(), by_lower, n=1)
    meant = f" Did you mean {by_lower[close[0]]}?" if close else ""
    why = f"{shown(field)} is not a known field: ConnectWise may refuse it or find nothing."
    return [why + meant]


def render(conditions: Sequence[Condition], kinds: Kinds) -> str:
    """The user's part of the filter, brackets explicit: `a or (b and c)` (F4); "" for no rows.

    Raises ConditionError for the first row that cannot be sent.
    """
    rows = [_parts(condition, kinds) for condition in conditions]
    sent = [f"{field} {compare.sent} {value.sent}" for field, compare, value in rows]
    return _joined(conditions, sent)


def in_words(conditions: Sequence[Condition], kinds: Kinds) -> str:
    """The same filter for people: `batches where id is at least 284`. Raises ConditionError."""
    rows = [_parts(condition, kinds) for condition in conditions]
    words = [f"{field} {compare.words} {value.sent}" for field, compare, value in rows]
    return f"batches where {_joined(conditions, words)}" if words else "all batches"


def both(user_part: str, *added: str) -> str:
    """What a run adds, `and`-ed outside the brackets of the user's part (F5); blanks left out."""
    parts = [f"({user_part})"] if user_part and any(added) else [user_part]
    return " and ".join(part for part in (*parts, *added) if part)


def id_above(batch_id: int) -> str:
    """`id > 284`, the step of the walk (P1)."""
    return f"id > {batch_id:d}"


def id_up_to(batch_id: int) -> str:
    """`id <= 284`, the end of a range."""
    return f"id <= {batch_id:d}"


def id_among(batch_ids: Iterable[int]) -> str:
    """`id in (3,2,4)`, these batches and no others (R7)."""
    return f"id in ({','.join(f'{batch_id:d}' for batch_id in batch_ids)})"


def updated_after(moment: datetime) -> str:
    """`lastUpdated > […]` (W1). Raises LiteralError for a date without a zone."""
    return f"lastUpdated > {datetime_literal(moment)}"


def updated_up_to(moment: datetime) -> str:
    """`lastUpdated <= […]` (W4, P3). Raises LiteralError for a date without a zone."""
    return f"lastUpdated <= {datetime_literal(moment)}"


def created_after(moment: datetime) -> str:
    """`_info/dateEntered > […]` (W4). Raises LiteralError for a date without a zone."""
    return f"_info/dateEntered > {datetime_literal(moment)}"


def created_up_to(moment: datetime) -> str:
    """`_info/dateEntered <= […]` (W4). Raises LiteralError for a date without a zone."""
    return f"_info/dateEntered <= {datetime_literal(moment)}"


def encoded_length(text: str) -> int:
    """Characters `text` takes in a URL, each blank as `%20`: the longest form it can have (F6)."""
    return len(urllib.parse.quote(text, safe="", errors="replace"))


def fitting_comparisons(kind: Kind | None) -> tuple[str, ...]:
    """The comparisons that a field of this kind can have, in the seed's order; None: unknown."""
    return tuple(comparison.name for comparison in COMPARISONS if _fits(comparison, kind))


def example_for(field: str, kinds: Kinds, comparison: str) -> str:
    """A value as one would type it for this field and comparison: `("John", "Ben")`."""
    kind = kinds.get(field, Kind.TEXT)
    first, second = EXAMPLES.get(field, _KIND_EXAMPLES[kind])
    if comparison.endswith(("Like", "Contains")):
        first = f"{first[:4]}*" if comparison.endswith("Like") else first[:4]
    if kind is Kind.TEXT:
        first, second = f'"{first}"', f'"{second}"'
    known = _BY_NAME.get(comparison)
    return f"({first}, {second})" if known and known.takes_list else first


def quote(text: str) -> str:
    """`text` in the kind of quote it does not hold. Raises ConditionError if there is none."""
    try:
        return literals.quote(text)
    except LiteralError as error:
        raise ConditionError("value", str(error)) from None


def _parts(condition: Condition, kinds: Kinds) -> tuple[str, Comparison, Literal]:
    field = _checked_field(condition.field.strip())
    comparison = _checked_comparison(field, condition.comparison, kinds)
    literal = _checked_value(field, comparison, condition.value, kinds)
    if condition.logic_operator not in ("", *LOGIC_OPERATORS):
        raise ConditionError(
            "logic_operator",
            f"The logic operator of {field} is {shown(condition.logic_operator)}:"
            f" choose {AND} or {OR}, or leave it empty, which means {AND}.",
        )
    return field, comparison, literal


def _checked_field(field: str) -> str:
    names = field.lower().split("/")
    if not field:
        why = "The field is missing."
    elif names[0] == EXTERNAL_ID.lower():
        why = f"{EXTERNAL_ID} cannot be used: the export adds it, ConnectWise does not know it."
    elif _RESERVED.intersection(names):
        why = f"{shown(field)} is a word of the filter language, not a field."
    elif len(field) > MAX_FIELD_LENGTH or not _FIELD.fullmatch(field):
        why = (
            f"{shown(field)} is not a field: write its name as in the output file, or a reference"
            f" and its field with a slash between, at most {MAX_FIELD_LENGTH} characters."
        )
    else:
        return field
    raise ConditionError("field", f"{why} Example: batchIdentifier")


def _checked_comparison(field: str, name: str, kinds: Kinds) -> Comparison:
    kind = kinds.get(field)
    comparison = _BY_NAME.get(name)
    if comparison and _fits(comparison, kind):
        return comparison
    fitting = fitting_comparisons(kind)
    if not comparison:
        why = f"{shown(name)} is not a comparison" if name else "The comparison is missing"
    else:
        why = f"{name} takes {comparison.takes}, but {field} holds {_KIND_WORDS[kinds[field]]}"
    raise ConditionError(
        "comparison",
        f"{why}. {field} can be compared with {', '.join(fitting)}."
        f" Example: {field} Equal {example_for(field, kinds, 'Equal')}",
    )


def _fits(comparison: Comparison, kind: Kind | None) -> bool:
    return kind is None or Form(kind.value) in comparison.forms


def _checked_value(field: str, comparison: Comparison, text: str, kinds: Kinds) -> Literal:
    try:
        return _literal(field, comparison, text, kinds.get(field))
    except LiteralError as error:
        example = error.repaired or example_for(field, kinds, comparison.name)
        raise ConditionError(
            "value",
            f"The value for {field} {error.why}. Example: {field} {comparison.name} {example}",
        ) from None


def _literal(field: str, comparison: Comparison, text: str, kind: Kind | None) -> Literal:
    if not text.strip() and Form.NULL in comparison.forms:
        return Literal(Form.NULL, "null")
    if not text.strip():
        raise LiteralError(f"is blank; {comparison.name} takes {comparison.takes}")
    parse = literals.parse_list if comparison.takes_list else literals.parse
    literal = parse(text, kind)
    words = FORM_WORDS[literal.form]
    if literal.form not in comparison.forms:
        raise LiteralError(f"is {words}; {comparison.name} takes {comparison.takes}")
    if kind and literal.form not in (Form.NULL, Form(kind.value)):
        verb = "holds" if comparison.takes_list else "is"
        raise LiteralError(f"{verb} {words}, but {field} holds {_KIND_WORDS[kind]}")
    return literal


def _joined(conditions: Sequence[Condition], parts: Sequence[str]) -> str:
    """The parts by their rows' logic operators; And binds first, so it is what gets brackets."""
    groups: list[list[str]] = [[]]
    starts_group = False
    for condition, part in zip(conditions, parts, strict=True):
        if starts_group:
            groups.append([])
        groups[-1].append(part)
        starts_group = condition.logic_operator == OR
    clauses = [" and ".join(group) for group in groups]
    if len(groups) > 1:
        clauses = [f"({c})" if len(g) > 1 else c for c, g in zip(clauses, groups, strict=True)]
    return " or ".join(clauses)
