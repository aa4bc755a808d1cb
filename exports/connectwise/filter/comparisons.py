"""The comparisons a condition can make, and which fields each of them fits (F1, F3).

One row of `COMPARISONS` is one comparison; the form, the renderer and the tests all read it.
"""

from dataclasses import dataclass
from typing import Final

from exports.connectwise.batches import Kind
from exports.connectwise.filter.literals import Form
from exports.connectwise.language import gettext_noop


@dataclass(frozen=True)
class Comparison:
    """One comparison: the seed's spelling, what is sent, and what it takes, in English."""

    name: str
    sent: str
    forms: frozenset[Form]
    takes: str
    takes_list: bool = False

    def words(self, form: Form) -> str:
        """In English, of a value of this form: `%(field)s is at least %(value)s`."""
        of_dates = _DATE_WORDS.get(self.name) if form is Form.DATETIME else None
        return of_dates or _WORDS[self.name]

    def fits(self, kind: Kind | None) -> bool:
        """Whether a field of this kind can be compared so; None: unknown, and it may be."""
        return kind is None or Form(kind.value) in self.forms


def fitting_comparisons(kind: Kind | None) -> tuple[str, ...]:
    """The comparisons that a field of this kind can have, in the seed's order; None: unknown."""
    return tuple(comparison.name for comparison in COMPARISONS if comparison.fits(kind))


_ORDERED = frozenset({Form.INTEGER, Form.DECIMAL, Form.DATETIME, Form.TEXT})
_ANY = _ORDERED | {Form.FLAG, Form.NULL}
_MEMBER = _ORDERED | {Form.FLAG}
_TEXT = frozenset({Form.TEXT})

_ONE = gettext_noop("one value")
_ORDERABLE = gettext_noop("a number, a date or text")
_QUOTED = gettext_noop("text in quotes")
_LIST = gettext_noop("a list in brackets")

COMPARISONS: Final = (
    Comparison("Contains", "contains", _TEXT, _QUOTED),
    Comparison("Equal", "=", _ANY, _ONE),
    Comparison("GreaterThan", ">", _ORDERED, _ORDERABLE),
    Comparison("GreaterThanOrEqual", ">=", _ORDERED, _ORDERABLE),
    Comparison("In", "in", _MEMBER, _LIST, takes_list=True),
    Comparison("Like", "like", _TEXT, _QUOTED),
    Comparison("LessThan", "<", _ORDERED, _ORDERABLE),
    Comparison("LessThanOrEqual", "<=", _ORDERED, _ORDERABLE),
    Comparison("NotContains", "not contains", _TEXT, _QUOTED),
    Comparison("NotEqual", "!=", _ANY, _ONE),
    Comparison("NotIn", "not in", _MEMBER, _LIST, takes_list=True),
    Comparison("NotLike", "not like", _TEXT, _QUOTED),
)
BY_NAME: Final = {comparison.name: comparison for comparison in COMPARISONS}
LIST_COMPARISONS: Final = frozenset(one.name for one in COMPARISONS if one.takes_list)

_WORDS: Final = {
    "Contains": gettext_noop("%(field)s contains %(value)s"),
    "Equal": gettext_noop("%(field)s is %(value)s"),
    "GreaterThan": gettext_noop("%(field)s is greater than %(value)s"),
    "GreaterThanOrEqual": gettext_noop("%(field)s is at least %(value)s"),
    "In": gettext_noop("%(field)s is one of %(value)s"),
    "Like": gettext_noop("%(field)s is like %(value)s"),
    "LessThan": gettext_noop("%(field)s is less than %(value)s"),
    "LessThanOrEqual": gettext_noop("%(field)s is at most %(value)s"),
    "NotContains": gettext_noop("%(field)s does not contain %(value)s"),
    "NotEqual": gettext_noop("%(field)s is not %(value)s"),
    "NotIn": gettext_noop("%(field)s is not one of %(value)s"),
    "NotLike": gettext_noop("%(field)s is not like %(value)s"),
}

# Dates come before and after each other; for the rest they go by the words above.
_DATE_WORDS: Final = {
    "GreaterThan": gettext_noop("%(field)s is after %(value)s"),
    "GreaterThanOrEqual": gettext_noop("%(field)s is at or after %(value)s"),
    "LessThan": gettext_noop("%(field)s is before %(value)s"),
    "LessThanOrEqual": gettext_noop("%(field)s is at or before %(value)s"),
}

# What fields of each kind hold, in English.
KIND_WORDS: Final = {
    Kind.INTEGER: gettext_noop("whole numbers"),
    Kind.TEXT: gettext_noop("text"),
    Kind.FLAG: gettext_noop("True or False"),
    Kind.DATETIME: gettext_noop("dates"),
}
