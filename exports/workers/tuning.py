"""Process-wide settings for workers, each with its measured benefit."""

import ctypes
import gc
import sys
from contextlib import suppress
from typing import Final

# With Python's default of 5 ms a request would wait that long for the thread that writes the page
# before. The lower value costs no processor time (1.9 s for 50,000 batches either way).
_SWITCH_INTERVAL: Final = 0.0005  # seconds
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


def _limit_heap() -> None:
    """Let glibc reuse the memory of a page for the next one.

    By default it raises its thresholds with the sizes allocated, which fragments the heap: an
    export of 50,000 batches then needs 20 MB more at its peak (145 instead of 124).
    """
    with suppress(AttributeError, OSError):  # another C library, without mallopt
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in _ALLOCATION.items():
            mallopt(parameter, value)
