"""Entries of the ledger as CSV."""

from collections.abc import Iterator
from typing import Any, Final

from django.db.models import Q

from exports.models.ledger import LedgerQuerySet
from exports.reporting.csv_text import csv_text

# The name of each column, which other programs rely on, and its source.
_COLUMNS: Final = {
    "batch_id": "batch_id",
    "batch_identifier": "batch_identifier",
    "last_updated": "last_updated",
    "task": "run__task_name",
    "run": "run_id",
    "trigger": "run__trigger",
    "went_out": "run__finished_at",
    "file_name": "run__file_name",
    "sha256": "run__file_sha256",
    "file_deleted": "run__pruned_at",
    "delivered_to": "run__delivered_to",
    "site": "run__site",
    "company": "run__company",
}
NAMES: Final = tuple(_COLUMNS)
_PORTION = 2_000


def lines(entries: LedgerQuerySet) -> Iterator[str]:
    """The header, then the entries, newest first; a query for each portion, as of the history."""
    yield csv_text([NAMES])
    rest = entries
    while True:
        rows = list(rest.values_list("pk", *_COLUMNS.values())[:_PORTION])
        if rows:
            yield csv_text([_cells(row[1:]) for row in rows])
        if len(rows) < _PORTION:
            return
        last_run, last_id = rows[-1][1 + NAMES.index("run")], rows[-1][0]
        older = Q(run_id__lt=last_run) | Q(pk__lt=last_id)
        # The first limit alone is what an index serves.
        rest = entries.filter(Q(run_id__lte=last_run) & older)


def _cells(row: tuple[Any, ...]) -> list[Any]:
    return ["; ".join(cell) if isinstance(cell, list) else cell for cell in row]
