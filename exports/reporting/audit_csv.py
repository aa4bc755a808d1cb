"""The audit log as CSV, with its codes, as programs read it: times in UTC, values as JSON."""

import json
from collections.abc import Iterator
from typing import Any, Final

from exports.models import AuditEntry
from exports.models.audit import AuditEntryQuerySet
from exports.reporting.audit_filters import older_than
from exports.reporting.csv_text import csv_text

# The name of each column, which other programs rely on, and its source.
_COLUMNS: Final = {
    "entry": "pk",
    "recorded": "recorded_at",
    "actor_kind": "actor_kind",
    "actor": "actor_name",
    "user": "actor_user_id",
    "program": "program",
    "address": "address",
    "request": "request_id",
    "action": "action",
    "object_type": "object_type",
    "object": "object_id",
    "object_name": "object_name",
}
NAMES: Final = (*_COLUMNS, "changes")
_PORTION = 500


def lines(entries: AuditEntryQuerySet) -> Iterator[str]:
    """The header, then the entries, newest first; only one portion of them is in memory.

    Each portion has its own query, as a slow reader would hold one open.
    """
    yield csv_text([NAMES])
    rest = entries.newest_first()
    while portion := list(rest[:_PORTION]):
        yield csv_text([_row(entry) for entry in portion])
        if len(portion) < _PORTION:
            return
        rest = older_than(entries.newest_first(), portion[-1])


def _row(entry: AuditEntry) -> list[Any]:
    changes = json.dumps(entry.changes, ensure_ascii=False) if entry.changes else ""
    return [*(getattr(entry, source) for source in _COLUMNS.values()), changes]
