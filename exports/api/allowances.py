"""How often a client may ask: an allowance that refills, kept in this process's memory.

Several web processes each have their own, so together they allow as many times more.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

_MAX_CLIENTS: Final = 10_000


class Allowances:
    """Up to `per_minute` requests of each client at once; they refill in a minute."""

    def __init__(self, per_minute: int) -> None:
        self._most = float(per_minute)
        self._per_second = per_minute / 60
        self._lock = threading.Lock()
        # What each client has left, and when that was; the longest silent is forgotten first.
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def spend(self, client: Hashable) -> float:
        """Take one; 0, or the seconds until there is one again."""
        now = time.monotonic()
        with self._lock:
            left, at = self._left.pop(client, (self._most, now))
            left = min(self._most, left + (now - at) * self._per_second)
            is_refused = left < 1
            self._left[client] = (left if is_refused else left - 1, now)
            if len(self._left) > _MAX_CLIENTS:
                self._left.popitem(last=False)
        return (1 - left) / self._per_second if is_refused else 0.0
