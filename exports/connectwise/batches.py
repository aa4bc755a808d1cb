"""What an accounting batch is: its path, the kinds of its fields, its names in the XML.

A table without logic. Another kind of record would be another module like this one.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


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

# Two telling values for the fields whose kind alone gives none; shown in examples.
EXAMPLES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {"batchIdentifier": ("20191015172525", "20191016090000")}
)

REFERENCES: Final[tuple[str, ...]] = ()
NO_REFERENCES: Final = "This task does not return any references that can be fetched"
