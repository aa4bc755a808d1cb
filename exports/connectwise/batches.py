"""What an accounting batch is: one row of `FIELDS` is one field.

The filter, the form, the XML, its schema and the preview all read it; only the ledger has a list
of its own, since its hashes may never change. Another kind of record would be another module like
this one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from exports.connectwise.language import gettext_noop


class FieldType(StrEnum):
    """What a field holds; decides which literals and comparisons fit it."""

    INTEGER = "integer"
    TEXT = "text"
    FLAG = "flag"
    DATETIME = "datetime"


@dataclass(frozen=True)
class Field:
    """A field of a batch: its name, what it holds, and what people call it, in English.

    `examples` are two telling values where those of its type are not; `is_extra` says that it is
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

# Written by the export alone: ConnectWise does not know it, so nothing can be filtered by it.
EXTERNAL_ID: Final = "externalId"

# In the order of the document, in which externalId follows the id.
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

# Two telling values for each type of field; shown in examples.
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
    """ConnectWise filters by the members of `_info` with and without the prefix.

    Proven for lastUpdated, taken over for the others.
    """
    short = field.name.removeprefix(_INFO)
    return (field.name,) if short == field.name else (short, field.name)


# What follows from the table. The members of `_info` that are written, …
INFO_MEMBERS: Final = tuple(
    field.name.removeprefix(_INFO)
    for field in FIELDS
    if field.name.startswith(_INFO) and not field.is_extra
)
# … what is written after `_info`, and what comes first of the extra fields.
ELEMENTS: Final = tuple(
    (field.name, field.type)
    for field in FIELDS
    if field.name != "id" and not field.name.startswith(_INFO) and not field.is_extra
)
FIRST_EXTRA: Final = tuple(field.name for field in FIELDS if field.is_extra)

# By each name that a condition may use without a warning.
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
