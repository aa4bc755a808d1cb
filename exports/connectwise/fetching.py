"""Requests in flight: threads that each own a client, promises that wait for their pages.

The thread that walks waits in ticks, so that it can look around while ConnectWise takes its time.
"""

import ctypes
import gc
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Self, TypeVar

from .client import ConnectWiseClient
from .retries import Wait

_TICK: Final = 0.1  # seconds
# With Python's own 5 ms a question would wait that long behind the writing of the page before.
_SWITCH_INTERVAL: Final = 0.0005  # seconds
_LARGE_BLOCK: Final = 128 * 1024  # bytes; the body of a page is larger
_M_MMAP_THRESHOLD: Final = -3  # of mallopt(3)
_T = TypeVar("_T")

# Makes a client that obeys the given stop and announces its waits.
MakeClient = Callable[[Callable[[], bool], Callable[[Wait], None]], ConnectWiseClient]


class Fetching:
    """Up to `width` requests at once, each in a thread with a client of its own.

    `on_tick` is called while the walking thread waits; what it raises ends the wait. `on_wait` is
    called there, too, for every retry that any of the clients is waiting for.
    """

    def __init__(
        self,
        make_client: MakeClient,
        *,
        width: int,
        on_tick: Callable[[], None],
        on_wait: Callable[[Wait], None],
    ) -> None:
        self._make_client = make_client
        self._on_tick = on_tick
        self._on_wait = on_wait
        self._width = width
        self._closed = threading.Event()
        self._waits: SimpleQueue[Wait] = SimpleQueue()
        self._own = threading.local()
        self._clients: list[ConnectWiseClient] = []
        self._in_flight_count = 0
        self._room = threading.Condition()
        self._pool = ThreadPoolExecutor(width, "fetching", self._equip)

    def __enter__(self) -> Self:
        self._usual_switch_interval = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_INTERVAL)
        _keep_the_heap_small()
        # What is there by now is left out of the collections until the end: looking through all of
        # the program takes 30 ms each time, while nothing is asked for.
        gc.freeze()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End what is in flight; the threads are gone afterwards."""
        self._closed.set()
        with self._room:
            self._room.notify_all()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for client in self._clients:
            client.close()
        gc.unfreeze()
        sys.setswitchinterval(self._usual_switch_interval)

    def ask(self, question: Callable[[ConnectWiseClient], _T]) -> Callable[[], _T]:
        """Put a question to the next free client; the promise returns or raises what it did."""
        future = self._pool.submit(self._put, question)
        return lambda: self._result(future)

    def width(self) -> int:
        """How many requests may be in flight now: fewer after each 429, down to one."""
        return self._width

    def depth(self) -> int:
        """How many to ask for at a time: one more than `width`, as that one is not sent yet.

        It lies ready for the client that is free next, which would otherwise have to wait until
        the walking thread is through with the page before.
        """
        return self._width + 1

    def _put(self, question: Callable[[ConnectWiseClient], _T]) -> _T:
        with self._room:
            self._room.wait_for(self._has_room)
            self._in_flight_count += 1
        try:
            return question(self._own.client)
        finally:
            with self._room:
                self._in_flight_count -= 1
                self._room.notify()

    def _has_room(self) -> bool:
        return self._in_flight_count < self._width or self._closed.is_set()

    def _result(self, future: "Future[_T]") -> _T:
        while True:
            is_done = future.done()
            # Also for a page that is there already: a cancel or a retry must not be overlooked.
            self._look_around()
            if is_done:
                return future.result()
            wait([future], timeout=_TICK)

    def _look_around(self) -> None:
        self._on_tick()
        while True:
            try:
                pause = self._waits.get_nowait()
            except Empty:
                return
            if pause.is_throttled:
                self._width = max(1, self._width // 2)
            self._on_wait(pause)

    def _equip(self) -> None:
        self._own.client = self._make_client(self._closed.is_set, self._waits.put)
        self._clients.append(self._own.client)


def _keep_the_heap_small() -> None:
    """Let glibc give the memory of every page back at once, however many pages there are (P5).

    Left alone it raises its threshold for that with the sizes it meets, and fragments the heap.
    """
    with suppress(AttributeError, OSError):  # another C library, without mallopt
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
