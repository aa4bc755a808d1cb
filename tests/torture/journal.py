"""The truth, kept at the server's side: every version of every batch that was ever visible."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from exports.demo.rows import Record, Row
from exports.demo.store import Store

Facts = tuple[str | None, ...]
"""What a file must say of one version, in the order of FACT_NAMES; None: nothing, or nil."""

INFO_NAMES = ("dateEntered", "enteredBy", "lastUpdated", "updatedBy")
FLAG_NAMES = ("exportInvoicesFlag", "exportExpensesFlag", "exportProductsFlag")
FACT_NAMES = ("id", *INFO_NAMES, "batchIdentifier", *FLAG_NAMES)


@dataclass
class TrueVersion:
    """A batch as it was visible from one moment (our clock, UTC) until another, None: still."""

    number: int
    facts: Facts
    record: Record
    visible_from: datetime
    visible_until: datetime | None = None

    @property
    def batch_id(self) -> int:
        return int(self.facts[0] or 0)


class JournalStore(Store):
    """A Store that forgets nothing. Versions are numbered in the order they became visible."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        super().__init__()
        self.versions: list[TrueVersion] = []
        self._shown: dict[int, TrueVersion] = {}
        self._by_batch: dict[int, list[TrueVersion]] = {}
        for record in records:
            self.put(record)

    def put_row(self, row: Row) -> None:
        with self._lock:
            super().put_row(row)
            self._end(row.id)
            record = row.record
            version = TrueVersion(len(self.versions), facts_of(record), record, datetime.now(UTC))
            self.versions.append(version)
            self._shown[row.id] = version
            self._by_batch.setdefault(row.id, []).append(version)

    def delete(self, id: int) -> None:
        with self._lock:
            super().delete(id)
            self._end(id)

    def reserve_id(self) -> int:
        """An id that is given now to a batch that becomes visible later, or never."""
        with self._lock:
            self._highest_id += 1
            return self._highest_id

    def shown(self) -> list[TrueVersion]:
        """What is visible now, by id."""
        with self._lock:
            return [self._shown[id] for id in sorted(self._shown)]

    def of_batch(self, batch_id: int) -> list[TrueVersion]:
        """All versions of one batch, oldest first."""
        return self._by_batch[batch_id]

    def _end(self, id: int) -> None:
        gone = self._shown.pop(id, None)
        if gone is not None:
            gone.visible_until = datetime.now(UTC)


def facts_of(record: Record) -> Facts:
    """What a file must say of a record as the server sends it."""
    info = record.get("_info", {})
    flags = [record.get(name) for name in FLAG_NAMES]
    return (
        str(record["id"]),
        *(info.get(name) for name in INFO_NAMES),
        record.get("batchIdentifier") or None,
        *(None if flag is None else str(flag).lower() for flag in flags),
    )
