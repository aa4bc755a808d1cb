"""The filter: rows of field, comparison and value, checked and written as ConnectWise reads them.

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

from exports.connectwise.batches import EXAMPLES, EXTERNAL_ID, KIND_EXAMPLES, Kind
from exports.connectwise.filter import comparisons, literals
from exports.connectwise.filter.comparisons import BY_NAME, KIND_WORDS, Comparison
from exports.connectwise.filter.literals import FORM_WORDS, Form, Literal, LiteralError, shown
from exports.connectwise.language import gettext as _

# F6, for the whole URL; `encoded_length` measures the part of it that is the filter.
MAX_URL_LENGTH: Final = 2000
MAX_FIELD_LENGTH: Final = 100

AND: Final = "And"
OR: Final = "Or"
LOGIC_OPERATORS: Final = (AND, OR)

COMPARISONS: Final = comparisons.COMPARISONS
LIST_COMPARISONS: Final = comparisons.LIST_COMPARISONS
fitting_comparisons = comparisons.fitting_comparisons
datetime_literal = literals.datetime_literal

Part = OneOf["field", "comparison", "value", "logic_operator"]
Kinds = Mapping[str, Kind]


class ConditionError(ValueError):
    """A condition that cannot be sent; `part` names the input the sentence belongs to."""

    def __init__(self, part: Part, message: str) -> None:
        super().__init__(message)
        self.part = part


@dataclass(frozen=True)
class Condition:
    """One row as typed. `logic_operator` ties it to the next row; "" means And (F4)."""

    field: str
    comparison: str
    value: str
    logic_operator: str = ""


_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)?")
_RESERVED: Final = frozenset(
    {"and", "or", "not", "in", "like", "contains", "null", "true", "false"}
)


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
    params = {"field": shown(field)}
    warning: str = (
        _("%(field)s is not a known field: ConnectWise may refuse it or find nothing.") % params
    )
    if close:
        meant = _("Did you mean %(name)s?") % {"name": by_lower[close[0]]}
        warning = f"{warning} {meant}"
    return [warning]


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
    words = [
        _(compare.words(value.form)) % {"field": field, "value": value.sent}
        for field, compare, value in rows
    ]
    if not words:
        return _("all batches")
    both, one = _("and"), _("or")
    joined = _joined(conditions, words, f" {both} ", f" {one} ")
    return _("batches where %(conditions)s") % {"conditions": joined}


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


def example_for(field: str, kinds: Kinds, comparison: str) -> str:
    """A value as one would type it for this field and comparison: `("John", "Ben")`."""
    kind = kinds.get(field, Kind.TEXT)
    first, second = EXAMPLES.get(field, KIND_EXAMPLES[kind])
    if comparison.endswith(("Like", "Contains")):
        first = f"{first[:4]}*" if comparison.endswith("Like") else first[:4]
    if kind is Kind.TEXT:
        first, second = f'"{first}"', f'"{second}"'
    return f"({first}, {second})" if comparison in LIST_COMPARISONS else first


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


def _checked_comparison(field: str, name: str, kinds: Kinds) -> Comparison:
    kind = kinds.get(field)
    comparison = BY_NAME.get(name)
    if comparison and comparison.fits(kind):
        return comparison
    fitting = fitting_comparisons(kind)
    params = {"comparison": shown(name), "field": field, "fitting": ", ".join(fitting)}
    if comparison:
        why = _("%(comparison)s takes %(takes)s, but %(field)s holds %(kind)s.")
        params |= {"takes": _(comparison.takes), "kind": _(KIND_WORDS[kinds[field]])}
    elif name:
        why = _("%(comparison)s is not a comparison.")
    else:
        why = _("The comparison is missing.")
    choice = _("%(field)s can be compared with %(fitting)s.")
    raise ConditionError(
        "comparison",
        _with_example(
            f"{why % params} {choice % params}",
            f"{field} Equal {example_for(field, kinds, 'Equal')}",
        ),
    )


def _with_example(sentence: str, example: str) -> str:
    shown_example = _("Example: %(example)s") % {"example": example}
    return f"{sentence} {shown_example}"


def _checked_value(field: str, comparison: Comparison, text: str, kinds: Kinds) -> Literal:
    try:
        return _literal(field, comparison, text, kinds.get(field))
    except LiteralError as error:
        example = error.repaired or example_for(field, kinds, comparison.name)
        why = error.about(_("The value for %(field)s") % {"field": field})
        raise ConditionError(
            "value", _with_example(why, f"{field} {comparison.name} {example}")
        ) from None


def _literal(field: str, comparison: Comparison, text: str, kind: Kind | None) -> Literal:
    if not text.strip() and Form.NULL in comparison.forms:
        return Literal(Form.NULL, "null")
    takes = {"comparison": comparison.name, "takes": _(comparison.takes)}
    if not text.strip():
        raise LiteralError(_("%(value)s is blank; %(comparison)s takes %(takes)s."), **takes)
    parse = literals.parse_list if comparison.takes_list else literals.parse
    literal = parse(text, kind)
    form = _(FORM_WORDS[literal.form])
    if literal.form not in comparison.forms:
        message = _("%(value)s is %(form)s; %(comparison)s takes %(takes)s.")
        raise LiteralError(message, form=form, **takes)
    if kind and literal.form not in (Form.NULL, Form(kind.value)):
        if comparison.takes_list:
            message = _("%(value)s holds %(form)s, but %(field)s holds %(kind)s.")
        else:
            message = _("%(value)s is %(form)s, but %(field)s holds %(kind)s.")
        raise LiteralError(message, form=form, field=field, kind=_(KIND_WORDS[kind]))
    return literal


def _joined(
    conditions: Sequence[Condition], parts: Sequence[str], both: str = " and ", one: str = " or "
) -> str:
    """The parts by their rows' logic operators; And binds first, so it is what gets brackets."""
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
