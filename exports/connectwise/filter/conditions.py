"""The filter: checks conditions and writes them in ConnectWise's syntax.

The whole filter, including what a run adds, is made in this module (F1 to F6).
"""

import difflib
import re
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from typing import Literal as OneOf

from exports.connectwise.batch_fields import EXTERNAL_ID, FieldType, examples_of
from exports.connectwise.filter import comparisons, literals
from exports.connectwise.filter.comparisons import FIELD_TYPE_WORDS, Comparison
from exports.connectwise.filter.literals import (
    LITERAL_TYPE_WORDS,
    Literal,
    LiteralError,
    LiteralType,
    shown,
)
from exports.connectwise.language import gettext as _

# The whole URL must be shorter (F6); `encoded_length` gives the length of the filter in it.
MAX_URL_LENGTH: Final = 2000
MAX_FIELD_LENGTH: Final = 100

AND: Final = "And"
OR: Final = "Or"
LOGIC_OPERATORS: Final = (AND, OR)

BY_NAME: Final = comparisons.BY_NAME
COMPARISONS: Final = comparisons.COMPARISONS
LIST_COMPARISONS: Final = comparisons.LIST_COMPARISONS
fitting_comparisons = comparisons.fitting_comparisons
datetime_literal = literals.datetime_literal

Part = OneOf["field", "comparison", "value", "logic_operator"]
FieldTypes = Mapping[str, FieldType]


class ConditionError(ValueError):
    """A condition that cannot be sent; `part` names the input with the error."""

    def __init__(self, part: Part, message: str) -> None:
        super().__init__(message)
        self.part = part


@dataclass(frozen=True)
class Condition:
    """One row as typed. `logic_operator` connects it to the next row; "" means And (F4)."""

    field: str
    comparison: str
    value: str
    logic_operator: str = ""


_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)?")
_FIXED_FIELDS: Final = frozenset({"id", "_info/dateentered", "_info/enteredby"})
_RESERVED: Final = frozenset(
    {"and", "or", "not", "in", "like", "contains", "null", "true", "false"}
)


def check(condition: Condition, field_types: FieldTypes) -> None:
    """Raise ConditionError unless the row can be sent; `field_types` holds the known fields."""
    _parts(condition, field_types)


def warnings_for(condition: Condition, field_types: FieldTypes) -> list[str]:
    """Warnings about a row that can be sent: its field is not a known one (F3)."""
    field = condition.field.strip()
    if field in field_types:
        return []
    by_lower = {known.lower(): known for known in field_types}
    close = difflib.get_close_matches(shown(field).lower(), by_lower, n=1)
    params = {"field": shown(field)}
    warning: str = (
        _("%(field)s is not a known field: ConnectWise may refuse it or find nothing.") % params
    )
    if close:
        meant = _("Did you mean %(name)s?") % {"name": by_lower[close[0]]}
        warning = f"{warning} {meant}"
    return [warning]


def changing_fields(conditions: Sequence[Condition]) -> list[str]:
    """The fields whose change can make a batch match later: all but id and creation."""
    fields = dict.fromkeys(condition.field.strip() for condition in conditions)
    return [field for field in fields if field.lower() not in _FIXED_FIELDS]


def render(conditions: Sequence[Condition], field_types: FieldTypes) -> str:
    """The user's part of the filter with brackets, `a or (b and c)`; "" for no rows (F4).

    Raises ConditionError for the first row that cannot be sent.
    """
    rows = [_parts(condition, field_types) for condition in conditions]
    sent = [f"{field} {compare.sent} {value.sent}" for field, compare, value in rows]
    return _joined(conditions, sent)


def in_words(conditions: Sequence[Condition], field_types: FieldTypes) -> str:
    """The same filter for people: `batches where id is at least 284`. Raises ConditionError."""
    rows = [_parts(condition, field_types) for condition in conditions]
    sentences = [
        _(compare.sentence_for(value.type)) % {"field": field, "value": value.sent}
        for field, compare, value in rows
    ]
    if not sentences:
        return _("all batches")
    both, one = _("and"), _("or")
    joined = _joined(conditions, sentences, f" {both} ", f" {one} ")
    return _("batches where %(conditions)s") % {"conditions": joined}


def both(user_part: str, *added: str) -> str:
    """Join the user's part in brackets and what a run adds by `and`; skip empty parts (F5)."""
    parts = [f"({user_part})"] if user_part and any(added) else [user_part]
    return " and ".join(part for part in (*parts, *added) if part)


def id_above(batch_id: int) -> str:
    """`id > 284`, for the next page (P1)."""
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
    """The length of `text` in a URL, with each blank as `%20`, the longest form (F6)."""
    return len(urllib.parse.quote(text, safe="", errors="replace"))


def example_for(field: str, field_types: FieldTypes, comparison: str) -> str:
    """An example value for this field and comparison: `("John", "Ben")`."""
    field_type = field_types.get(field, FieldType.TEXT)
    first, second = examples_of(field, field_type)
    if row := BY_NAME.get(comparison):
        first = row.example.format(first)
    if field_type is FieldType.TEXT:
        first, second = f'"{first}"', f'"{second}"'
    return f"({first}, {second})" if comparison in LIST_COMPARISONS else first


def quote(text: str) -> str:
    """`text` in quotes of the kind it does not contain. Raises ConditionError if it has both."""
    try:
        return literals.quote(text)
    except LiteralError as error:
        raise ConditionError("value", str(error)) from None


def _parts(condition: Condition, field_types: FieldTypes) -> tuple[str, Comparison, Literal]:
    # Strip blanks only: a line break or an invisible blank is no typing mistake.
    field = _checked_field(condition.field.strip(" "))
    comparison = _checked_comparison(field, condition.comparison, field_types)
    literal = _checked_value(field, comparison, condition.value, field_types)
    if condition.logic_operator not in ("", *LOGIC_OPERATORS):
        raise ConditionError(
            "logic_operator",
            _(
                "The logic operator of %(field)s is %(typed)s: choose And or Or, or leave it empty,"
                " which means And."
            )
            % {"field": field, "typed": shown(condition.logic_operator)},
        )
    return field, comparison, literal


def _checked_field(field: str) -> str:
    names = field.lower().split("/")
    if not field:
        why = _("The field is missing.")
    elif names[0] == EXTERNAL_ID.lower():
        why = _("%(field)s cannot be used: the export adds it, ConnectWise does not know it.") % {
            "field": EXTERNAL_ID
        }
    elif _RESERVED.intersection(names):
        why = _("%(field)s is a word of the filter language, not a field.")
        why %= {"field": shown(field)}
    elif len(field) > MAX_FIELD_LENGTH or not _FIELD.fullmatch(field):
        why = _(
            "%(field)s is not a field: write its name as in the output file, or a reference and"
            " its field with a slash between, at most %(most)s characters."
        ) % {"field": shown(field), "most": MAX_FIELD_LENGTH}
    else:
        return field
    raise ConditionError("field", _with_example(why, "batchIdentifier"))


def _checked_comparison(field: str, name: str, field_types: FieldTypes) -> Comparison:
    field_type = field_types.get(field)
    comparison = BY_NAME.get(name)
    if comparison and comparison.fits(field_type):
        return comparison
    fitting = fitting_comparisons(field_type)
    params = {"comparison": shown(name), "field": field, "fitting": ", ".join(fitting)}
    if comparison:
        why = _("%(comparison)s takes %(takes)s, but %(field)s holds %(kind)s.")
        params |= {
            "takes": _(comparison.takes.words),
            "kind": _(FIELD_TYPE_WORDS[field_types[field]]),
        }
    elif name:
        why = _("%(comparison)s is not a comparison.")
    else:
        why = _("The comparison is missing.")
    choice = _("%(field)s can be compared with %(fitting)s.")
    raise ConditionError(
        "comparison",
        _with_example(
            f"{why % params} {choice % params}",
            f"{field} Equal {example_for(field, field_types, 'Equal')}",
        ),
    )


def _with_example(sentence: str, example: str) -> str:
    shown_example = _("Example: %(example)s") % {"example": example}
    return f"{sentence} {shown_example}"


def _checked_value(
    field: str, comparison: Comparison, text: str, field_types: FieldTypes
) -> Literal:
    try:
        return _literal(field, comparison, text, field_types.get(field))
    except LiteralError as error:
        example = error.repaired or example_for(field, field_types, comparison.name)
        why = error.about(_("The value for %(field)s") % {"field": field})
        raise ConditionError(
            "value", _with_example(why, f"{field} {comparison.name} {example}")
        ) from None


def _literal(
    field: str, comparison: Comparison, text: str, field_type: FieldType | None
) -> Literal:
    if not text.strip() and LiteralType.NULL in comparison.takes.types:
        return Literal(LiteralType.NULL, "null")
    takes = {"comparison": comparison.name, "takes": _(comparison.takes.words)}
    if not text.strip():
        raise LiteralError(_("%(value)s is blank; %(comparison)s takes %(takes)s."), **takes)
    parse = literals.parse_list if comparison.takes.is_list else literals.parse
    literal = parse(text, field_type)
    words = _(LITERAL_TYPE_WORDS[literal.type])
    if literal.type not in comparison.takes.types:
        message = _("%(value)s is %(form)s; %(comparison)s takes %(takes)s.")
        raise LiteralError(message, form=words, **takes)
    if field_type and literal.type not in (LiteralType.NULL, LiteralType(field_type.value)):
        if comparison.takes.is_list:
            message = _("%(value)s holds %(form)s, but %(field)s holds %(kind)s.")
        else:
            message = _("%(value)s is %(form)s, but %(field)s holds %(kind)s.")
        raise LiteralError(message, form=words, field=field, kind=_(FIELD_TYPE_WORDS[field_type]))
    return literal


def _joined(
    conditions: Sequence[Condition], parts: Sequence[str], both: str = " and ", one: str = " or "
) -> str:
    """Join the parts by their logic operators; groups joined by And get brackets."""
    groups: list[list[str]] = [[]]
    starts_group = False
    for condition, part in zip(conditions, parts, strict=True):
        if starts_group:
            groups.append([])
        groups[-1].append(part)
        starts_group = condition.logic_operator == OR
    clauses = [both.join(group) for group in groups]
    if len(groups) > 1:
        clauses = [f"({c})" if len(g) > 1 else c for c, g in zip(clauses, groups, strict=True)]
    return one.join(clauses)
