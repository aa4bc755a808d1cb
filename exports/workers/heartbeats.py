"""Which heartbeats have stopped, by a clock that nobody sets.

The time in a heartbeat is that of a clock which may be set back: then it lies in the future, and
would look alive until that time comes. So it is also watched whether it changes.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime

Seen = tuple[datetime | None, float]


class HeartbeatWatch:
    """Remembers since when each heartbeat has been the same; one for a process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[int, Seen] = {}

    def unchanged_for(self, heartbeats: Mapping[int, datetime | None]) -> dict[int, float]:
        """For each of them, how many seconds it has been seen with this very value.

        Those that are not named any more are forgotten.
        """
        now = self._clock()
        before = self._seen
        self._seen = {
            key: before[key] if key in before and before[key][0] == value else (value, now)
            for key, value in heartbeats.items()
        }
        return {key: now - since for key, (_value, since) in self._seen.items()}
