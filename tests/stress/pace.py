"""The speed of time in a stress: hours pass between runs, and retries hardly wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import time_machine
from django.db import connection

from exports import clock
from exports.connectwise.http.client import Limits, RetryPolicy
from exports.pipeline import runner

# As many tries as usual, but hardly any waits.
QUICK_RETRIES = RetryPolicy(scale=0.001)
QUICK_LIMITS = Limits(connect=2, read=2, total=5)


class Clock:
    """Our clock, the stand-in's and the database's: all keep running and move ahead by hours.

    Nobody can move the clock of a PostgreSQL server: what it says is moved where we read it.
    """

    def __init__(self) -> None:
        self.offset = timedelta()
        self._travelling: time_machine.travel | None = None
        self._true_clock = clock._clock

    def skip(self, span: timedelta) -> None:
        self.stop()
        self.offset += span
        self._travelling = time_machine.travel(datetime.now(UTC) + self.offset, tick=True)
        self._travelling.start()
        clock._clock = clock.DatabaseClock(self._measured)

    def stop(self) -> None:
        if self._travelling is not None:
            self._travelling.stop()
            self._travelling = None
            clock._clock = self._true_clock

    def _measured(self) -> timedelta | None:
        ahead = clock.measured()
        # SQLite's clock is ours, and has moved already.
        if ahead is None or connection.vendor == "sqlite":
            return ahead
        return ahead + self.offset


@contextmanager
def quick_retries() -> Iterator[None]:
    """Retries and deadlines of this process as in `QUICK_RETRIES` and `QUICK_LIMITS`."""
    before = runner.RETRY, runner.LIMITS
    runner.RETRY, runner.LIMITS = QUICK_RETRIES, QUICK_LIMITS
    try:
        yield
    finally:
        runner.RETRY, runner.LIMITS = before
