"""The stand-in's batches, sorted by id; tests may change them at any moment."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import partial
from itertools import islice
from threading import RLock
from typing import Any

from exports.demo.comparisons import EVERYTHING, Condition
from exports.demo.rows import Record, Row

Order = list[tuple[str, bool]]
"""(field as by `field_name`, descending?) pairs, the most important first."""

BY_ID: Order = [("id", False)]


class Store:
    """Rows by id. Thread-safe; each request sees one state of the rows."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._lock = RLock()
        self._rows = {record["id"]: Row.of(record) for record in records}
        self._ids = sorted(self._rows)
        self._highest_id = max(self._ids, default=0)

    def put(self, record: Record) -> None:
        """Add the record, or replace the one with its id."""
        self.put_row(Row.of(record))

    def put_row(self, row: Row) -> None:
        """Like `put`, for JSON that a dict cannot hold (`1000.000000`, NaN, 5,000 levels)."""
        with self._lock:
            if row.id not in self._rows:
                insort(self._ids, row.id)
            self._rows[row.id] = row
            self._highest_id = max(self._highest_id, row.id)

    def add(self, record: Record) -> int:
        """Add a record and return its id, the next one; ids are never reused."""
        with self._lock:
            new_id = self._highest_id + 1
            self.put({**record, "id": new_id})
            return new_id

    def touch(self, id: int, last_updated: str, **fields: object) -> None:
        """Change a batch as a person would: its fields and its `_info/lastUpdated`."""
        with self._lock:
            record = {**self.get(id), **fields}
            record["_info"] = {**record.get("_info", {}), "lastUpdated": last_updated}
            self.put(record)

    def delete(self, id: int) -> None:
        """Remove a batch; KeyError when there is none."""
        with self._lock:
            del self._rows[id]
            del self._ids[bisect_left(self._ids, id)]

    def clear(self) -> None:
        with self._lock:
            self._rows.clear()
            self._ids.clear()

    def get(self, id: int) -> Record:
        """A copy of the record; KeyError when there is none."""
        return self.row(id).record

    def row(self, id: int) -> Row:
        with self._lock:
            return self._rows[id]

    @property
    def ids(self) -> list[int]:
        with self._lock:
            return list(self._ids)

    @property
    def records(self) -> list[Record]:
        return [row.record for row in self.select()]

    def __len__(self) -> int:
        return len(self._ids)

    def select(
        self,
        condition: Condition = EVERYTHING,
        order: Order = BY_ID,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[Row]:
        """The matching rows in order, from `offset`, at most `limit`.

        Ordered by id, it stops after the last wanted row, so paging through 50,000 rows stays
        cheap.
        """
        stop = None if limit is None else offset + limit
        with self._lock:
            if order[0][0] == "id":
                rows = self._matching(condition, descending=order[0][1])
            else:
                rows = iter(_sorted(self._matching(condition), order))
            return list(islice(rows, offset, stop))

    def count(self, condition: Condition = EVERYTHING) -> int:
        with self._lock:
            if condition.exact:
                start, stop = self._span(condition)
                return max(stop - start, 0)
            return sum(1 for _ in self._matching(condition))

    def _span(self, condition: Condition) -> tuple[int, int]:
        return bisect_left(self._ids, condition.low), bisect_right(self._ids, condition.high)

    def _matching(self, condition: Condition, *, descending: bool = False) -> Iterator[Row]:
        start, stop = self._span(condition)
        span = range(start, stop)
        rows = (self._rows[self._ids[index]] for index in (reversed(span) if descending else span))
        return rows if condition.exact else filter(condition.matches, rows)


def _sorted(rows: Iterator[Row], order: Order) -> list[Row]:
    ordered = list(rows)
    # Python's sort is stable, so sort by the least important field first.
    for field, descending in reversed(order):
        ordered.sort(key=partial(_sort_key, field), reverse=descending)
    return ordered


def _sort_key(field: str, row: Row) -> tuple[str, Any]:
    """Null first as in SQL Server; values of different kinds are sorted separately."""
    value = row.value(field)
    if value is None:
        return ("", 0)
    return ("number" if isinstance(value, int | Decimal) else type(value).__name__, value)
