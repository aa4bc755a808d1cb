"""The speed of time in a stress: hours pass between runs, and retries hardly wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import time_machine

from exports.connectwise.http.client import Limits, RetryPolicy
from exports.pipeline import runner

# As many tries as usual, but hardly any waits.
QUICK_RETRIES = RetryPolicy(scale=0.001)
QUICK_LIMITS = Limits(connect=2, read=2, total=5)


class Clock:
    """Our clock and the stand-in's, which keep running and can be moved ahead by hours."""

    def __init__(self) -> None:
        self.offset = timedelta()
        self._travelling: time_machine.travel | None = None

    def skip(self, span: timedelta) -> None:
        self.stop()
        self.offset += span
        self._travelling = time_machine.travel(datetime.now(UTC) + self.offset, tick=True)
        self._travelling.start()

    def stop(self) -> None:
        if self._travelling is not None:
            self._travelling.stop()
            self._travelling = None


@contextmanager
def quick_retries() -> Iterator[None]:
    """Retries and deadlines of this process as in `QUICK_RETRIES` and `QUICK_LIMITS`."""
    before = runner.RETRY, runner.LIMITS
    runner.RETRY, runner.LIMITS = QUICK_RETRIES, QUICK_LIMITS
    try:
        yield
    finally:
        runner.RETRY, runner.LIMITS = before
