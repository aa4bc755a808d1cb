"""The truth on the server's side: every version of every batch that was ever visible."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from exports.demo.rows import Record, Row, parse_datetime
from exports.demo.store import Store

Facts = tuple[str | None, ...]
"""What a file must say of one version, in the order of FACT_NAMES; None: nothing, or nil."""

INFO_NAMES = ("dateEntered", "enteredBy", "lastUpdated", "updatedBy")
FLAG_NAMES = ("exportInvoicesFlag", "exportExpensesFlag", "exportProductsFlag")
FACT_NAMES = ("id", *INFO_NAMES, "batchIdentifier", *FLAG_NAMES)


@dataclass
class TrueVersion:
    """A batch as visible from one moment (our clock, UTC) to another; None: still visible."""

    number: int
    facts: Facts
    record: Record
    visible_from: datetime
    visible_until: datetime | None = None

    @property
    def batch_id(self) -> int:
        return int(self.facts[0] or 0)

    @property
    def updated_at(self) -> datetime | None:
        """The last update by the server's clock, as sent."""
        return parse_datetime(self.facts[FACT_NAMES.index("lastUpdated")] or "")


class JournalStore(Store):
    """A Store with all versions, numbered in the order they became visible."""

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
            # The same moment for both, as otherwise the batch would seem gone in between.
            now = datetime.now(UTC)
            self._end(row.id, now)
            record = row.record
            version = TrueVersion(len(self.versions), facts_of(record), record, now)
            self.versions.append(version)
            self._shown[row.id] = version
            self._by_batch.setdefault(row.id, []).append(version)

    def delete(self, id: int) -> None:
        with self._lock:
            super().delete(id)
            self._end(id, datetime.now(UTC))

    def reserve_id(self) -> int:
        """An id for a batch that becomes visible later, or never."""
        with self._lock:
            self._highest_id += 1
            return self._highest_id

    def shown(self) -> list[TrueVersion]:
        """The visible batches, by id."""
        with self._lock:
            return [self._shown[id] for id in sorted(self._shown)]

    def of_batch(self, batch_id: int) -> list[TrueVersion]:
        """All versions of one batch, oldest first."""
        return self._by_batch[batch_id]

    def was_there(self, batch_id: int, since: datetime, until: datetime, slack: timedelta) -> bool:
        """Whether the batch was visible, in any version, for the whole time."""
        versions = self._by_batch.get(batch_id, [])
        if not versions or versions[0].visible_from > since - slack:
            return False
        last = versions[-1].visible_until
        gaps = (
            earlier.visible_until
            for earlier, later in pairwise(versions)
            if earlier.visible_until != later.visible_from
        )
        ends = [at for at in (last, *gaps) if at is not None]
        return not any(since - slack <= at <= until + slack for at in ends) and (
            last is None or last > until
        )

    def highest_id(
        self, since: datetime, until: datetime, updated_up_to: datetime | None = None
    ) -> int:
        """The highest id visible at some moment of that time, last updated up to then; or 0."""
        return max(
            (
                version.batch_id
                for version in self.versions
                if version.visible_from <= until
                and (version.visible_until is None or version.visible_until >= since)
                and (updated_up_to is None or _is_up_to(version.updated_at, updated_up_to))
            ),
            default=0,
        )

    def highest_id_throughout(
        self, since: datetime, until: datetime, updated_up_to: datetime | None = None
    ) -> int:
        """Like `highest_id`, of the versions visible for the whole of that time."""
        return max(
            (
                version.batch_id
                for version in self.versions
                if version.visible_from <= since
                and (version.visible_until is None or version.visible_until > until)
                and (updated_up_to is None or _is_up_to(version.updated_at, updated_up_to))
            ),
            default=0,
        )

    def _end(self, id: int, at: datetime) -> None:
        gone = self._shown.pop(id, None)
        if gone is not None:
            gone.visible_until = at


def _is_up_to(updated_at: datetime | None, moment: datetime) -> bool:
    return updated_at is not None and updated_at <= moment


def facts_of(record: Record) -> Facts:
    """What a file must hold of a record as the server sends it."""
    info = record.get("_info", {})
    flags = [record.get(name) for name in FLAG_NAMES]
    return (
        str(record["id"]),
        *(info.get(name) for name in INFO_NAMES),
        record.get("batchIdentifier") or None,
        *(None if flag is None else str(flag).lower() for flag in flags),
    )
