"""Sends requests in parallel: several threads with a client each, and a future per request.

The waiting thread wakes up every tick, so that it can stop the run or record a retry meanwhile.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from contextvars import copy_context
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from exports.connectwise.http.client import ConnectWiseClient
from exports.connectwise.http.retries import Wait

_TICK: Final = 0.1  # seconds
# Enough time to send a request.
_HEAD_START: Final = 0.002  # seconds
_T = TypeVar("_T")

# Makes a client from a stop function, a callback for waits and a semaphore for sending.
MakeClient = Callable[
    [Callable[[], bool], Callable[[Wait], None], AbstractContextManager[object]],
    ConnectWiseClient,
]


class ClientPool:
    """Up to `max_in_flight` requests at once, each in a thread with a client of its own.

    `on_tick` is called repeatedly while waiting for a result and may raise to end the wait.
    `on_wait` is called in the same thread for every retry of any client.
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
        # One client more than requests allowed, so that one can send while another decodes.
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
        """Stop the requests in flight and end the threads."""
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
        """How many requests to submit at a time: one more than may be in flight.

        The extra one lets a client that becomes free send at once, instead of after the page before
        is written.
        """
        return self.max_in_flight + 1

    def submit(self, query: Callable[[ConnectWiseClient], _T]) -> "Future[_T]":
        """Run the query with the next free client."""
        future = _Response[_T](self.check)
        # With the caller's context, by which log lines say what they are about.
        run = copy_context().run
        self._executor.submit(run, lambda: future.run(lambda: query(self._own.client)))
        if self._semaphore.is_free:
            # Give the client's thread time to send before this one goes on to write a page.
            time.sleep(_HEAD_START)
        return future

    def check(self) -> None:
        """Call `on_tick`, which may raise, and report new retries; call this between long steps."""
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
        """`timeout` is ignored: every request has its own deadline."""
        while True:
            is_done = self.done()
            # Also when the result is ready, so that a cancel or a retry is not missed.
            self._check()
            if is_done:
                return super().result()
            wait([self], timeout=_TICK)


class _Semaphore:
    """Like `threading.Semaphore`, but its limit can be lowered while it is held."""

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
        """Let all waiting threads pass."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
