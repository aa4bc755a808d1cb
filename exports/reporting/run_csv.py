"""The history as CSV: every column, times in UTC, no cell that a spreadsheet runs as a formula."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from exports.models.runs import RunQuerySet
from exports.number_formats import utc_text

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
    "left_out": "skipped_count",
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
# What a spreadsheet reads as a formula, at the beginning of a cell and behind other separators
# than the comma: German and French spreadsheets split at semicolons.
_FORMULA: Final = re.compile(r"(^|[;\t\r\n|])([\s'\"]*[=+\-@\t\r＝＋－＠])")


def lines(runs: RunQuerySet) -> Iterator[str]:
    """The header, then the runs, newest first; only one portion of them is in memory.

    Each portion has its own query: a query that stays open while a slow reader downloads would keep
    the database from cleaning up.
    """
    runs = runs.order_by("-id")
    yield _text([NAMES])
    last_id = None
    while True:
        rest = runs if last_id is None else runs.filter(pk__lt=last_id)
        rows = list(rest.values_list(*_COLUMNS.values())[:_PORTION])
        if rows:
            yield _text([[_cell(value) for value in row] for row in rows])
        if len(rows) < _PORTION:
            return
        last_id = rows[-1][0]


def _text(rows: Sequence[Sequence[Any]]) -> str:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows(rows)
    return written.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, str):
        return _FORMULA.sub(r"\1'\2", value)
    return value
