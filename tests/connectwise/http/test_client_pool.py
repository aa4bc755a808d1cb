"""Requests in flight: how many, in which thread, and what the waiting thread notices."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import cast

import pytest

from exports.connectwise.http.client import ConnectWiseClient, Wait
from exports.connectwise.http.client_pool import ClientPool


class Stopped(Exception):
    """Raised by a checkpoint."""


class Client:
    """In place of a client; the queries of these tests only use this of it."""

    def __init__(
        self,
        is_over: Callable[[], bool],
        on_wait: Callable[[Wait], None],
        semaphore: AbstractContextManager[object],
    ) -> None:
        self.is_over = is_over
        self.on_wait = on_wait
        self.semaphore = semaphore
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Bench:
    """A pool with its clients, ticks and announced waits."""

    def __init__(self, width: int) -> None:
        self.clients: list[Client] = []
        self.waits: list[Wait] = []
        self.stop = False
        self.pool = ClientPool(
            self._make, max_in_flight=width, on_tick=self._tick, on_wait=self.waits.append
        )

    def _make(
        self,
        is_over: Callable[[], bool],
        on_wait: Callable[[Wait], None],
        semaphore: AbstractContextManager[object],
    ) -> ConnectWiseClient:
        self.clients.append(Client(is_over, on_wait, semaphore))
        return cast(ConnectWiseClient, self.clients[-1])

    def _tick(self) -> None:
        if self.stop:
            raise Stopped


def announce(wait: Wait) -> Callable[[ConnectWiseClient], str]:
    def query(client: ConnectWiseClient) -> str:
        cast(Client, client).on_wait(wait)
        return "a page"

    return query


def counted() -> tuple[list[int], Callable[[ConnectWiseClient], None]]:
    """A query that takes a while, and how many were in flight at each call."""
    out: list[None] = []
    counts: list[int] = []

    def query(client: ConnectWiseClient) -> None:
        with cast(Client, client).semaphore:
            out.append(None)
            counts.append(len(out))
            threading.Event().wait(0.01)
            out.pop()

    return counts, query


def settled(future: "Future[object]", bench: Bench) -> "Future[object]":
    """Wait until everything submitted so far is done, without using the future."""
    done = threading.Event()
    bench.pool.submit(lambda client: done.set())
    assert done.wait(5)
    return future


def test_answers_and_errors_come_out_of_futures() -> None:
    def fail(client: ConnectWiseClient) -> None:
        raise ValueError("no page")

    with Bench(2).pool as pool:
        good, bad = pool.submit(lambda client: 7), pool.submit(fail)

        assert good.result() == 7
        with pytest.raises(ValueError, match="no page"):
            bad.result()


def test_stop_is_noticed_with_page_ready() -> None:
    bench = Bench(1)
    with bench.pool as pool:
        future = settled(pool.submit(lambda client: "a page"), bench)
        bench.stop = True

        with pytest.raises(Stopped):
            future.result()


def test_stop_is_noticed_while_waiting_for_page() -> None:
    bench = Bench(1)
    over = threading.Event()
    with bench.pool as pool:
        future = pool.submit(lambda client: over.wait(10))
        bench.stop = True
        with pytest.raises(Stopped):
            future.result()
        over.set()


def test_retry_is_reported_with_page_ready() -> None:
    bench = Bench(1)
    pause = Wait(1.0, 1, "ConnectWise answered 503")
    with bench.pool as pool:
        future = settled(pool.submit(announce(pause)), bench)

        assert future.result() == "a page"
    assert bench.waits == [pause]


def test_leaving_ends_requests_and_closes_clients() -> None:
    bench = Bench(3)
    begun = threading.Barrier(4)

    def endless(client: ConnectWiseClient) -> None:
        begun.wait(5)
        while not cast(Client, client).is_over():
            threading.Event().wait(0.01)

    with bench.pool as pool:
        for _ in range(3):
            pool.submit(endless)
        begun.wait(5)

    assert [client_.closed for client_ in bench.clients] == [True] * 3
    assert not [t for t in threading.enumerate() if t.name.startswith("client")]


def test_each_throttling_halves_requests_in_flight() -> None:
    bench = Bench(8)
    throttled = Wait(1.0, 1, "ConnectWise answered 429", is_throttled=True)
    widths = []
    with bench.pool as pool:
        for _ in range(4):
            widths.append(pool.max_in_flight)
            pool.submit(announce(throttled)).result()

        assert [*widths, pool.max_in_flight] == [8, 4, 2, 1, 1]


def test_throttling_lowers_later_requests_in_flight() -> None:
    bench = Bench(4)
    throttled = Wait(1.0, 1, "ConnectWise answered 429", is_throttled=True)
    most, query = counted()

    with bench.pool as pool:
        pool.submit(announce(throttled)).result()
        for future in [pool.submit(query) for _ in range(12)]:
            future.result()

    assert pool.max_in_flight == 2
    assert max(most) == 2


@pytest.mark.rule("P5")
def test_decoding_overlaps_the_next_request() -> None:
    bench = Bench(2)
    decoding = threading.Event()
    most, query = counted()

    def decode(client: ConnectWiseClient) -> None:
        decoding.wait(5)

    with bench.pool as pool:
        decoded = pool.submit(decode)
        for future in [pool.submit(query) for _ in range(6)]:
            future.result()
        decoding.set()
        decoded.result()

    assert max(most) == 2
    assert len(bench.clients) == 3


def test_throttled_requests_return_one_by_one() -> None:
    bench = Bench(4)
    together = threading.Barrier(4)
    most, query = counted()

    def throttled(client: ConnectWiseClient) -> None:
        client_ = cast(Client, client)
        client_.on_wait(Wait(1.0, 1, "ConnectWise answered 429", is_throttled=True))
        together.wait(5)
        while bench.pool.max_in_flight > 1:
            threading.Event().wait(0.01)
        query(client)

    with bench.pool as pool:
        for future in [pool.submit(throttled) for _ in range(4)]:
            future.result()

    assert max(most) == 1
    assert len(most) == 4
