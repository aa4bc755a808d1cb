"""Finds heartbeats that have stopped, by the monotonic clock.

If the system clock is set back, the time in a heartbeat lies in the future and would look alive
until then. So this also watches whether the value changes.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime

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
