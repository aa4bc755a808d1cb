"""Process-wide settings for workers, each with its measured benefit."""

import ctypes
import gc
import sys
from contextlib import suppress
from typing import Final

from django.db import connection

# With Python's default of 5 ms a request would wait that long for the thread that writes the page
# before. 50,000 batches with 80 ms latency, 4 in flight: 2.5 instead of 2.7 s, medians of 6
# alternating runs, with the same processor time.
_SWITCH_INTERVAL: Final = 0.0005  # seconds
# By default every 700 new objects start a collection, three for each page, although records form no
# cycles: 0.06 s of 1.8 for 50,000 batches.
_COLLECT_AFTER: Final = 20_000
# Seconds. Threads that look again and again keep their connection to PostgreSQL: an idle worker
# opened 3.6 a second, each of them a process and a query of its own on the server.
_CONNECTION_AGE: Final = 600
# Parameters of mallopt(3): the body of a page is allocated from the heap and a huge answer outside
# it, free memory at the end of the heap is kept for the next page, and all threads share one heap.
_ALLOCATION: Final = {
    -3: 1 << 20,  # M_MMAP_THRESHOLD, bytes
    -1: 4 << 20,  # M_TRIM_THRESHOLD, bytes
    -8: 1,  # M_ARENA_MAX
}


def tune_process() -> None:
    """Call once, after all imports."""
    sys.setswitchinterval(_SWITCH_INTERVAL)
    _limit_heap()
    # Exclude all existing objects from garbage collection. Otherwise an export of 50,000 batches
    # takes a tenth more processor time (2.2 instead of 2.0 s).
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])


def keep_connections() -> None:
    """Call once. SQLite is opened anew, so that a worker sees a file that was put in its place."""
    if connection.vendor == "postgresql":
        connection.settings_dict["CONN_MAX_AGE"] = _CONNECTION_AGE


def _limit_heap() -> None:
    """Let glibc reuse the memory of a page for the next one.

    By default it raises its thresholds with the sizes allocated, which fragments the heap: an
    export of 50,000 batches then needs 20 MB more at its peak (145 instead of 124).
    """
    with suppress(AttributeError, OSError):  # another C library, without mallopt
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in _ALLOCATION.items():
            mallopt(parameter, value)
