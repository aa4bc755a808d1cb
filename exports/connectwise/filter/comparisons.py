"""The comparisons a condition can make: one row of `COMPARISONS` is one comparison.

The form, the checks, the filter as sent and in words, and the help with values all use it.
"""

from dataclasses import dataclass
from typing import Final

from exports.connectwise.batch_fields import FieldType
from exports.connectwise.filter.literals import LiteralType
from exports.connectwise.language import gettext_noop


@dataclass(frozen=True)
class Value:
    """What a comparison takes: the literal types, their description, and whether a list."""

    types: frozenset[LiteralType]
    words: str
    is_list: bool = False


_TEXT_ONLY = frozenset({LiteralType.TEXT})
_ORDERED = _TEXT_ONLY | {LiteralType.INTEGER, LiteralType.DECIMAL, LiteralType.DATETIME}
_NOT_NULL = _ORDERED | {LiteralType.FLAG}

_ANY: Final = Value(_NOT_NULL | {LiteralType.NULL}, gettext_noop("one value"))
_ORDERABLE: Final = Value(_ORDERED, gettext_noop("a number, a date or text"))
_TEXT: Final = Value(_TEXT_ONLY, gettext_noop("text in quotes"))
_LIST: Final = Value(_NOT_NULL, gettext_noop("a list in brackets"), is_list=True)


@dataclass(frozen=True)
class Comparison:
    """One comparison: its name, its spelling in the filter, what it takes, and its sentence.

    Sentences are English and translated at use. `of_dates` replaces `sentence` for a date,
    `of_blank` for a row without a value. `example` makes an example value from a text.
    """

    name: str
    sent: str
    takes: Value
    sentence: str
    of_dates: str = ""
    of_blank: str = ""
    example: str = "{}"

    def sentence_for(self, literal_type: LiteralType) -> str:
        """The sentence for a value of this type: `%(field)s is at least %(value)s`."""
        is_date = literal_type is LiteralType.DATETIME
        return (self.of_dates if is_date else "") or self.sentence

    def fits(self, field_type: FieldType | None) -> bool:
        """Whether the comparison fits this field type; always for None, an unknown field."""
        return field_type is None or LiteralType(field_type.value) in self.takes.types


# In the order offered on the form.
COMPARISONS: Final = (
    Comparison(
        "Contains",
        "contains",
        _TEXT,
        gettext_noop("%(field)s contains %(value)s"),
        example="{:.4}",
    ),
    Comparison(
        "Equal",
        "=",
        _ANY,
        gettext_noop("%(field)s is %(value)s"),
        of_blank=gettext_noop("Blank means null: batches without a value."),
    ),
    Comparison(
        "GreaterThan",
        ">",
        _ORDERABLE,
        gettext_noop("%(field)s is greater than %(value)s"),
        of_dates=gettext_noop("%(field)s is after %(value)s"),
    ),
    Comparison(
        "GreaterThanOrEqual",
        ">=",
        _ORDERABLE,
        gettext_noop("%(field)s is at least %(value)s"),
        of_dates=gettext_noop("%(field)s is at or after %(value)s"),
    ),
    Comparison("In", "in", _LIST, gettext_noop("%(field)s is one of %(value)s")),
    Comparison(
        "Like", "like", _TEXT, gettext_noop("%(field)s is like %(value)s"), example="{:.4}*"
    ),
    Comparison(
        "LessThan",
        "<",
        _ORDERABLE,
        gettext_noop("%(field)s is less than %(value)s"),
        of_dates=gettext_noop("%(field)s is before %(value)s"),
    ),
    Comparison(
        "LessThanOrEqual",
        "<=",
        _ORDERABLE,
        gettext_noop("%(field)s is at most %(value)s"),
        of_dates=gettext_noop("%(field)s is at or before %(value)s"),
    ),
    Comparison(
        "NotContains",
        "not contains",
        _TEXT,
        gettext_noop("%(field)s does not contain %(value)s"),
        example="{:.4}",
    ),
    Comparison(
        "NotEqual",
        "!=",
        _ANY,
        gettext_noop("%(field)s is not %(value)s"),
        of_blank=gettext_noop("Blank means null: batches with a value."),
    ),
    Comparison("NotIn", "not in", _LIST, gettext_noop("%(field)s is not one of %(value)s")),
    Comparison(
        "NotLike",
        "not like",
        _TEXT,
        gettext_noop("%(field)s is not like %(value)s"),
        example="{:.4}*",
    ),
)
BY_NAME: Final = {comparison.name: comparison for comparison in COMPARISONS}
LIST_COMPARISONS: Final = frozenset(one.name for one in COMPARISONS if one.takes.is_list)


def fitting_comparisons(field_type: FieldType | None) -> tuple[str, ...]:
    """The comparisons that fit this field type; None is an unknown field."""
    return tuple(comparison.name for comparison in COMPARISONS if comparison.fits(field_type))


# What fields of each type contain, in English.
FIELD_TYPE_WORDS: Final = {
    FieldType.INTEGER: gettext_noop("whole numbers"),
    FieldType.TEXT: gettext_noop("text"),
    FieldType.FLAG: gettext_noop("True or False"),
    FieldType.DATETIME: gettext_noop("dates"),
}
