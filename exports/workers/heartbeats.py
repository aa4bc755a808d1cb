"""Finds heartbeats that have stopped, by the monotonic clock.

If the database's clock is set back, the time in a heartbeat lies in the future and would look alive
until then. So this also watches whether the value changes.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime

from exports import clock

# A clock that is set right by a time server moves by less at a time.
_LEAP = 5.0  # seconds
Seen = tuple[datetime | None, float]


class HeartbeatWatch:
    """Remembers since when each heartbeat has not changed; one instance per process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[int, Seen] = {}

    def unchanged_for(self, heartbeats: Mapping[int, datetime | None]) -> dict[int, float]:
        """For each heartbeat, how many seconds its value has not changed.

        Heartbeats missing from the argument are forgotten.
        """
        now = self._clock()
        before = self._seen
        self._seen = {
            key: before[key] if key in before and before[key][0] == value else (value, now)
            for key, value in heartbeats.items()
        }
        return {key: now - since for key, (_value, since) in self._seen.items()}


class ClockWatch:
    """Notices leaps of the database's clock, by the monotonic clock; one instance per process.

    After a leap forward every heartbeat looks old until its worker renews it. A machine that slept
    sees a leap too, and its workers slept as well.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = lambda: clock.now().timestamp(),
    ) -> None:
        self._monotonic, self._wall = monotonic, wall
        # From the first look on: at import no database can be asked.
        self._offset: float | None = None
        self._leapt_at: float | None = None

    def is_steady(self, seconds: float) -> bool:
        """Whether the clock has not leapt in the last `seconds`, as far as this was called."""
        now = self._monotonic()
        offset = self._wall() - now
        if self._offset is not None and abs(offset - self._offset) > _LEAP:
            self._leapt_at = now
        self._offset = offset
        return self._leapt_at is None or now - self._leapt_at > seconds
