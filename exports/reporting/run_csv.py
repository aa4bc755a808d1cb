"""The history as CSV, with every column."""

from collections.abc import Iterator
from typing import Final

from exports.models.runs import RunQuerySet
from exports.reporting.csv_text import csv_text

# The name of each column, which other programs rely on, and its source.
_COLUMNS: Final = {
    "run": "id",
    "task": "task_name",
    "status": "status",
    "suspicion": "suspicion",
    "error": "error",
    "trigger": "trigger",
    "reexport_of_run": "reexport_of_id",
    "requested_by": "requested_by__username",
    "queued": "queued_at",
    "started": "started_at",
    "finished": "finished_at",
    "batches": "batch_count",
    "expected": "expected_count",
    "fetched": "fetched_count",
    "skipped": "skipped_count",
    "repeated": "repeated_count",
    "counted": "proven_count",
    "pages": "page_count",
    "retries": "retry_count",
    "file_name": "file_name",
    "file_size": "file_size",
    "sha256": "file_sha256",
    "connection": "connection__name",
    "site": "site",
    "company": "company",
    "export": "export",
    "conditions": "conditions",
    "request": "request_sent",
    "date_created_before": "date_created_before",
    "date_created_after": "date_created_after",
    "date_modified_before": "date_modified_before",
    "date_modified_after": "date_modified_after",
    "connectwise_started": "connectwise_started_at",
}
NAMES: Final = tuple(_COLUMNS)
_PORTION = 500


def lines(runs: RunQuerySet) -> Iterator[str]:
    """The header, then the runs, newest first; only one portion of them is in memory.

    Each portion has its own query: a query that stays open while a slow reader downloads would keep
    the database from cleaning up.
    """
    runs = runs.order_by("-id")
    yield csv_text([NAMES])
    last_id = None
    while True:
        rest = runs if last_id is None else runs.filter(pk__lt=last_id)
        rows = list(rest.values_list(*_COLUMNS.values())[:_PORTION])
        if rows:
            yield csv_text(rows)
        if len(rows) < _PORTION:
            return
        last_id = rows[-1][0]
