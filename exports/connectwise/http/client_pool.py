"""Several requests in flight: threads that each own a client, futures that wait for the answers.

The thread that waits does so in ticks, so that it can do its part (stop, write down a retry) while
ConnectWise takes its time.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from exports.connectwise.http.client import ConnectWiseClient
from exports.connectwise.http.retries import Wait

_TICK: Final = 0.1  # seconds
# Long enough for a request to be sent.
_HEAD_START: Final = 0.002  # seconds
_T = TypeVar("_T")

# Makes a client that obeys the given stop, announces its waits and sends within the semaphore.
MakeClient = Callable[
    [Callable[[], bool], Callable[[Wait], None], AbstractContextManager[object]],
    ConnectWiseClient,
]


class ClientPool:
    """Up to `max_in_flight` requests at once, each in a thread with a client of its own.

    `on_tick` is called while a thread waits for a result; what it raises ends the wait. `on_wait`
    is called there, too, for every retry that any of the clients is waiting for.
    """

    def __init__(
        self,
        make_client: MakeClient,
        *,
        max_in_flight: int,
        on_tick: Callable[[], None],
        on_wait: Callable[[Wait], None],
    ) -> None:
        self._make_client = make_client
        self._on_tick = on_tick
        self._on_wait = on_wait
        self._closed = threading.Event()
        self._waits: SimpleQueue[Wait] = SimpleQueue()
        self._semaphore = _Semaphore(max_in_flight)
        self._own = threading.local()
        self._clients: list[ConnectWiseClient] = []
        # With one more than may be in flight the next request goes out while a page is decoded.
        client_count = max_in_flight + 1 if max_in_flight > 1 else 1
        self._executor = ThreadPoolExecutor(client_count, "client", self._start_client)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End what is in flight; the threads are gone afterwards."""
        self._closed.set()
        self._semaphore.close()
        self._executor.shutdown(wait=True, cancel_futures=True)
        for client in self._clients:
            client.close()

    @property
    def max_in_flight(self) -> int:
        """How many requests may be in flight now: fewer after each 429, down to one."""
        return self._semaphore.limit

    @property
    def max_submitted(self) -> int:
        """How many to submit at a time: one more than may be in flight, which is not sent yet.

        It is ready for the client that is free next, which would otherwise wait until the page
        before is written.
        """
        return self.max_in_flight + 1

    def submit(self, query: Callable[[ConnectWiseClient], _T]) -> "Future[_T]":
        """Give the query to the next free client."""
        future = _Response[_T](self.check)
        self._executor.submit(lambda: future.run(lambda: query(self._own.client)))
        if self._semaphore.is_free:
            # Or it would wait for its turn behind the writing of the page before.
            time.sleep(_HEAD_START)
        return future

    def check(self) -> None:
        """Between two things that take their time: an end that was asked for is raised here."""
        self._on_tick()
        while True:
            try:
                pause = self._waits.get_nowait()
            except Empty:
                return
            if pause.is_throttled:
                self._semaphore.lower_to(max(1, self.max_in_flight // 2))
            self._on_wait(pause)

    def _start_client(self) -> None:
        client = self._make_client(self._closed.is_set, self._waits.put, self._semaphore)
        self._own.client = client
        self._clients.append(client)


class _Response(Future[_T], Generic[_T]):
    """A future whose `result` calls `check` while it waits."""

    def __init__(self, check: Callable[[], None]) -> None:
        super().__init__()
        self._check = check

    def run(self, query: Callable[[], _T]) -> None:
        try:
            self.set_result(query())
        except BaseException as error:
            self.set_exception(error)

    def result(self, timeout: float | None = None) -> _T:
        """`timeout` is not used: every request has a deadline of its own."""
        while True:
            is_done = self.done()
            # Also for a page that is there already: a cancel or a retry must not be overlooked.
            self._check()
            if is_done:
                return super().result()
            wait([self], timeout=_TICK)


class _Semaphore:
    """As `threading.Semaphore`, but its limit can be lowered while it is held."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held_count = 0
        self._is_closed = False
        self._changed = threading.Condition()

    @property
    def is_free(self) -> bool:
        return self._held_count < self.limit

    def __enter__(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.is_free or self._is_closed)
            self._held_count += 1

    def __exit__(self, *_error: object) -> None:
        with self._changed:
            self._held_count -= 1
            self._changed.notify()

    def lower_to(self, limit: int) -> None:
        self.limit = limit

    def close(self) -> None:
        """Nobody has to wait any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
