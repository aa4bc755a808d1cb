"""The time that hosts decide by together: that of the database, whatever their own clocks say.

A host whose clock is minutes ahead would otherwise take living runs away, and one that is behind
would keep dead ones. Statements cannot all compare with the database's own `now()`: schedules,
windows and file names are worked out in Python, from the same moment that the row then holds. So
each process measures how far the database's clock is ahead of its own, again every few seconds and
when its own clock has leapt, and everything asks here instead of `timezone.now`.

SQLite is a file: its clock is that of this host, which is the only one.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.db import Error, connection
from django.utils import timezone

# Seconds. Clocks that are not set right by a time server drift by a second or so in a day.
_MEASURE_EVERY: Final = 15.0
_LEAP: Final = 1.0
# Less is told neither from the way to the database nor from a clock that is being set right.
_NOTHING: Final = timedelta(seconds=0.1)


def now() -> datetime:
    """The time by the database's clock; while the database is out of reach, as last known."""
    return _clock.now()


def measured() -> timedelta | None:
    """How far the database's clock is ahead of this host's; None while it cannot be asked."""
    if connection.vendor == "sqlite":
        return timedelta(0)
    before = timezone.now()
    try:
        connection.ensure_connection()
        # Not by a cursor of Django's, which asks for the time itself when it logs statements.
        with connection.wrap_database_errors:
            [theirs] = connection.connection.execute("SELECT clock_timestamp()").fetchone()
    except Error:
        # Whoever asked for the time meets the same fault in the next statement, and knows more.
        return None
    after = timezone.now()
    if before <= theirs <= after:
        return timedelta(0)
    ahead: timedelta = theirs - (before + (after - before) / 2)
    return ahead


class DatabaseClock:
    """This process's clock, corrected by what `measure` says; shared by all its threads."""

    def __init__(self, measure: Callable[[], timedelta | None] = measured) -> None:
        self._measure = measure
        self._ahead = timedelta(0)
        self._measured_at: float | None = None
        self._offset = 0.0

    def now(self) -> datetime:
        if self._is_stale():
            self._correct()
        return timezone.now() + self._ahead

    def _is_stale(self) -> bool:
        if self._measured_at is None:
            return True
        monotonic = time.monotonic()
        has_leapt = abs(time.time() - monotonic - self._offset) > _LEAP
        return has_leapt or monotonic - self._measured_at > _MEASURE_EVERY

    def _correct(self) -> None:
        ahead = self._measure()
        if ahead is None:
            return
        # Small differences change nothing, so that the times of one process go forward.
        if abs(ahead - self._ahead) > _NOTHING:
            self._ahead = ahead
        self._measured_at = time.monotonic()
        self._offset = time.time() - self._measured_at


_clock = DatabaseClock()
