"""Requests in flight: threads that each own a client, promises that wait for their pages.

The thread that walks waits in ticks, so that it can look around while ConnectWise takes its time.
"""

import ctypes
import gc
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Self, TypeVar

from exports.connectwise.http.client import ConnectWiseClient, Slot
from exports.connectwise.http.retries import Wait

_TICK: Final = 0.1  # seconds
# With Python's own 5 ms a question would wait that long behind the writing of the page before.
_SWITCH_INTERVAL: Final = 0.0005  # seconds
# Long enough for a question to be sent.
_HEAD_START: Final = 0.002  # seconds
# Parameters of mallopt(3): the body of a page comes from the heap and that of a huge answer does
# not, the free end of the heap is kept for the next page, and all threads share one heap.
_ALLOCATION: Final = {
    -3: 1 << 20,  # M_MMAP_THRESHOLD, bytes
    -1: 4 << 20,  # M_TRIM_THRESHOLD, bytes
    -8: 1,  # M_ARENA_MAX
}
_T = TypeVar("_T")

# Makes a client that obeys the given stop, announces its waits and asks while it has the slot.
MakeClient = Callable[[Callable[[], bool], Callable[[Wait], None], Slot], ConnectWiseClient]


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
        # With one more than may be in flight the next request goes out while a page is decoded.
        client_count = width + 1 if width > 1 else 1
        self._pool = ThreadPoolExecutor(client_count, "fetching", self._equip)

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
        if self._in_flight_count < self._width:
            # Or it would wait for its turn behind the writing of the page before.
            time.sleep(_HEAD_START)
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
        self._own.slot.take()
        try:
            return question(self._own.client)
        finally:
            self._own.slot.give()

    def _enter(self) -> None:
        with self._room:
            self._room.wait_for(self._has_room)
            self._in_flight_count += 1

    def _enter_again(self) -> None:
        """After throttling fewer may be out than have been: those that wait come one by one."""
        with self._room:
            if self._in_flight_count > self._width:
                self._in_flight_count -= 1
                self._room.wait_for(self._has_room)
                self._in_flight_count += 1

    def _leave(self) -> None:
        with self._room:
            self._in_flight_count -= 1
            self._room.notify()

    def _has_room(self) -> bool:
        return self._in_flight_count < self._width or self._closed.is_set()

    def _result(self, future: "Future[_T]") -> _T:
        while True:
            is_done = future.done()
            # Also for a page that is there already: a cancel or a retry must not be overlooked.
            self.look_around()
            if is_done:
                return future.result()
            wait([future], timeout=_TICK)

    def look_around(self) -> None:
        """Between two things that take their time: an end that was asked for is raised here."""
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
        self._own.slot = _Slot(self._enter, self._enter_again, self._leave)
        self._own.client = self._make_client(self._closed.is_set, self._waits.put, self._own.slot)
        self._clients.append(self._own.client)


class _Slot:
    """What one client has of the room for requests in flight: nothing, or one place."""

    def __init__(
        self,
        enter: Callable[[], None],
        enter_again: Callable[[], None],
        leave: Callable[[], None],
    ) -> None:
        self._enter = enter
        self._enter_again = enter_again
        self._leave = leave
        self._is_taken = False

    def take(self) -> None:
        if self._is_taken:
            self._enter_again()
        else:
            self._enter()
            self._is_taken = True

    def give(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self._leave()


def _keep_the_heap_small() -> None:
    """Let glibc reuse the memory of a page for the next one, however many there are (P5).

    Left alone it raises its thresholds with the sizes it meets, and fragments the heap; if it gave
    all memory back at once, getting it anew would cost 2 ms a page.
    """
    with suppress(AttributeError, OSError):  # another C library, without mallopt
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in _ALLOCATION.items():
            mallopt(parameter, value)
