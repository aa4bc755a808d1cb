"""What an accounting batch is: its path, the kinds of its fields, its names in the XML.

A table without logic. Another kind of record would be another module like this one.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from exports.connectwise.language import gettext_noop


class Kind(StrEnum):
    """What a field holds; decides which literals and comparisons fit it."""

    INTEGER = "integer"
    TEXT = "text"
    FLAG = "flag"
    DATETIME = "datetime"


PATH: Final = "finance/accounting/batches"

ROOT: Final = "Batches"
ELEMENT: Final = "Batch"

# Written by the export alone: ConnectWise does not know it, so nothing can be filtered by it (F3).
EXTERNAL_ID: Final = "externalId"

# The members of `_info` that are exported, in the order of rule X2.
INFO_MEMBERS: Final = ("dateEntered", "enteredBy", "lastUpdated", "updatedBy")

# What follows `_info` in the document, in the order of rule X2.
ELEMENTS: Final[tuple[tuple[str, Kind], ...]] = (
    ("batchIdentifier", Kind.TEXT),
    ("exportInvoicesFlag", Kind.FLAG),
    ("exportExpensesFlag", Kind.FLAG),
    ("exportProductsFlag", Kind.FLAG),
)

# The fields a condition may name without a warning. ConnectWise filters by the members of `_info`
# with and without the prefix: proven for lastUpdated, taken over for the other three.
FIELD_KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "id": Kind.INTEGER,
        **dict(ELEMENTS),
        "closedFlag": Kind.FLAG,
        "lastUpdated": Kind.DATETIME,
        "_info/lastUpdated": Kind.DATETIME,
        "updatedBy": Kind.TEXT,
        "_info/updatedBy": Kind.TEXT,
        "dateEntered": Kind.DATETIME,
        "_info/dateEntered": Kind.DATETIME,
        "enteredBy": Kind.TEXT,
        "_info/enteredBy": Kind.TEXT,
    }
)

# What people call the fields, in English; the members of `_info` go by one name with and without
# the prefix.
_INFO_LABELS: Final = {
    "lastUpdated": gettext_noop("Last updated"),
    "updatedBy": gettext_noop("Updated by"),
    "dateEntered": gettext_noop("Date entered"),
    "enteredBy": gettext_noop("Entered by"),
}
LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "id": gettext_noop("Id of the batch"),
        "batchIdentifier": gettext_noop("Batch identifier"),
        "exportInvoicesFlag": gettext_noop("Includes invoices"),
        "exportExpensesFlag": gettext_noop("Includes expenses"),
        "exportProductsFlag": gettext_noop("Includes products"),
        "closedFlag": gettext_noop("Closed"),
        **_INFO_LABELS,
        **{f"_info/{name}": label for name, label in _INFO_LABELS.items()},
    }
)

# Two telling values for each kind of field; shown in examples.
KIND_EXAMPLES: Final[Mapping[Kind, tuple[str, str]]] = MappingProxyType(
    {
        Kind.INTEGER: ("284", "285"),
        Kind.TEXT: ("John", "Ben"),
        Kind.FLAG: ("True", "False"),
        Kind.DATETIME: ("[2019-10-16T08:31:19Z]", "[2019-10-17T00:00:00Z]"),
    }
)

# The same for the fields whose kind alone gives no telling ones.
EXAMPLES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {"batchIdentifier": ("20191015172525", "20191016090000")}
)

REFERENCES: Final[tuple[str, ...]] = ()
NO_REFERENCES: Final = gettext_noop("This task does not return any references that can be fetched")
