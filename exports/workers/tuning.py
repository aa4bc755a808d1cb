"""Settings of the whole process, for one that exports; each with what it is worth."""

import ctypes
import gc
import sys
from contextlib import suppress
from typing import Final

# With Python's own 5 ms a request would wait that long behind the writing of the page before.
_SWITCH_INTERVAL: Final = 0.0005  # seconds
# Parameters of mallopt(3): the body of a page comes from the heap and that of a huge answer does
# not, the free end of the heap is kept for the next page, and all threads share one heap.
_ALLOCATION: Final = {
    -3: 1 << 20,  # M_MMAP_THRESHOLD, bytes
    -1: 4 << 20,  # M_TRIM_THRESHOLD, bytes
    -8: 1,  # M_ARENA_MAX
}


def tune_process() -> None:
    """To be called once, when the process has imported what it needs."""
    sys.setswitchinterval(_SWITCH_INTERVAL)
    _limit_heap()
    # Collections leave out what is there by now: looking through all of the program takes 30 ms
    # each time, while nothing is requested.
    gc.collect()
    gc.freeze()


def _limit_heap() -> None:
    """Let glibc reuse the memory of a page for the next one, however many there are.

    Left alone it raises its thresholds with the sizes it meets, and fragments the heap; if it gave
    all memory back at once, getting it anew would cost 2 ms a page.
    """
    with suppress(AttributeError, OSError):  # another C library, without mallopt
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in _ALLOCATION.items():
            mallopt(parameter, value)
