"""The fields of an accounting batch: one row of `FIELDS` for each.

The filter, the form, the XML, its schema and the preview all use this table. Only the ledger has
its own list, since its hashes must never change. Another kind of record would be another such
module.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from exports.connectwise.language import gettext_noop


class FieldType(StrEnum):
    """The type of a field; decides which literals and comparisons fit it."""

    INTEGER = "integer"
    TEXT = "text"
    FLAG = "flag"
    DATETIME = "datetime"


class Field(NamedTuple):
    """A field of a batch: its name, its type, and its English label.

    `examples` are two typical values where those of its type do not fit; an `is_extra` field is
    written only when the task includes extra API fields.
    """

    name: str
    type: FieldType
    label: str
    examples: tuple[str, str] | None = None
    is_extra: bool = False


PATH: Final = "finance/accounting/batches"

ROOT: Final = "Batches"
ELEMENT: Final = "Batch"

# Added by the export: ConnectWise does not have it, so it cannot be filtered by.
EXTERNAL_ID: Final = "externalId"

# In document order; externalId follows the id.
FIELDS: Final = (
    Field("id", FieldType.INTEGER, gettext_noop("Id of the batch")),
    Field("_info/dateEntered", FieldType.DATETIME, gettext_noop("Date entered")),
    Field("_info/enteredBy", FieldType.TEXT, gettext_noop("Entered by")),
    Field("_info/lastUpdated", FieldType.DATETIME, gettext_noop("Last updated")),
    Field("_info/updatedBy", FieldType.TEXT, gettext_noop("Updated by")),
    Field(
        "batchIdentifier",
        FieldType.TEXT,
        gettext_noop("Batch identifier"),
        examples=("20191015172525", "20191016090000"),
    ),
    Field("exportInvoicesFlag", FieldType.FLAG, gettext_noop("Includes invoices")),
    Field("exportExpensesFlag", FieldType.FLAG, gettext_noop("Includes expenses")),
    Field("exportProductsFlag", FieldType.FLAG, gettext_noop("Includes products")),
    Field("closedFlag", FieldType.FLAG, gettext_noop("Closed"), is_extra=True),
)

# Two typical values for each field type, shown in examples.
TYPE_EXAMPLES: Final[Mapping[FieldType, tuple[str, str]]] = MappingProxyType(
    {
        FieldType.INTEGER: ("284", "285"),
        FieldType.TEXT: ("John", "Ben"),
        FieldType.FLAG: ("True", "False"),
        FieldType.DATETIME: ("[2019-10-16T08:31:19Z]", "[2019-10-17T00:00:00Z]"),
    }
)

REFERENCES: Final[tuple[str, ...]] = ()
NO_REFERENCES: Final = gettext_noop("This task does not return any references that can be fetched")

_INFO: Final = "_info/"


def _filter_names(field: Field) -> tuple[str, ...]:
    """The names a filter may use: ConnectWise accepts members of `_info` also without the prefix.

    Tested for lastUpdated, assumed for the others.
    """
    short = field.name.removeprefix(_INFO)
    return (field.name,) if short == field.name else (short, field.name)


# Derived from the table: the members of `_info` that are written, …
INFO_MEMBERS: Final = tuple(
    field.name.removeprefix(_INFO)
    for field in FIELDS
    if field.name.startswith(_INFO) and not field.is_extra
)
# … the elements written after `_info`, and the extra fields that come first.
ELEMENTS: Final = tuple(
    (field.name, field.type)
    for field in FIELDS
    if field.name != "id" and not field.name.startswith(_INFO) and not field.is_extra
)
FIRST_EXTRA: Final = tuple(field.name for field in FIELDS if field.is_extra)

# Fields by each name that a condition may use without a warning.
BY_FILTER_NAME: Final[Mapping[str, Field]] = MappingProxyType(
    {name: field for field in FIELDS for name in _filter_names(field)}
)
FIELD_TYPES: Final[Mapping[str, FieldType]] = MappingProxyType(
    {name: field.type for name, field in BY_FILTER_NAME.items()}
)
LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {name: field.label for name, field in BY_FILTER_NAME.items()}
)


def examples_of(name: str, field_type: FieldType) -> tuple[str, str]:
    """Two values that a field of this name could hold."""
    field = BY_FILTER_NAME.get(name)
    return (field and field.examples) or TYPE_EXAMPLES[field_type]
