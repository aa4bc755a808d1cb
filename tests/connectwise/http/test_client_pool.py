"""Requests in flight: how many, in whose thread, and what the walking thread notices meanwhile."""

import gc
import threading
from collections.abc import Callable
from typing import cast

import pytest

from exports.connectwise.http.client import ConnectWiseClient, Slot, Wait
from exports.connectwise.http.client_pool import Fetching


class Stopped(Exception):
    """What a checkpoint raises."""


class Asker:
    """Stands where a client stands; questions of these tests use nothing of it but this."""

    def __init__(
        self, is_over: Callable[[], bool], on_wait: Callable[[Wait], None], slot: Slot
    ) -> None:
        self.is_over = is_over
        self.on_wait = on_wait
        self.slot = slot
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Bench:
    """A Fetching of `width` whose clients, ticks and announced waits are at hand."""

    def __init__(self, width: int) -> None:
        self.askers: list[Asker] = []
        self.params: list[Wait] = []
        self.stop = False
        self.fetching = Fetching(
            self._make, width=width, on_tick=self._tick, on_wait=self.params.append
        )

    def _make(
        self, is_over: Callable[[], bool], on_wait: Callable[[Wait], None], slot: Slot
    ) -> ConnectWiseClient:
        self.askers.append(Asker(is_over, on_wait, slot))
        return cast(ConnectWiseClient, self.askers[-1])

    def _tick(self) -> None:
        if self.stop:
            raise Stopped


def announce(wait: Wait) -> Callable[[ConnectWiseClient], str]:
    def question(client: ConnectWiseClient) -> str:
        cast(Asker, client).on_wait(wait)
        return "a page"

    return question


def counted() -> tuple[list[int], Callable[[ConnectWiseClient], None]]:
    """A question that takes a while, and how many of it were out each time it was asked."""
    out: list[None] = []
    counts: list[int] = []

    def question(client: ConnectWiseClient) -> None:
        out.append(None)
        counts.append(len(out))
        threading.Event().wait(0.01)
        out.pop()

    return counts, question


def settled(promise: Callable[[], object], bench: Bench) -> Callable[[], object]:
    """Wait until everything asked so far has been answered, without asking the promise."""
    done = threading.Event()
    bench.fetching.ask(lambda client: done.set())
    assert done.wait(5)
    return promise


def test_answers_and_errors_come_out_of_their_promises() -> None:
    def fail(client: ConnectWiseClient) -> None:
        raise ValueError("no page")

    with Bench(2).fetching as fetching:
        good, bad = fetching.ask(lambda client: 7), fetching.ask(fail)

        assert good() == 7
        with pytest.raises(ValueError, match="no page"):
            bad()


def test_stop_is_noticed_with_page_ready() -> None:
    bench = Bench(1)
    with bench.fetching as fetching:
        promise = settled(fetching.ask(lambda client: "a page"), bench)
        bench.stop = True

        with pytest.raises(Stopped):
            promise()


def test_stop_is_noticed_while_waiting_for_page() -> None:
    bench = Bench(1)
    over = threading.Event()
    with bench.fetching as fetching:
        promise = fetching.ask(lambda client: over.wait(10))
        bench.stop = True
        with pytest.raises(Stopped):
            promise()
        over.set()


def test_retry_is_reported_with_page_ready() -> None:
    bench = Bench(1)
    pause = Wait(1.0, 1, "ConnectWise answered 503")
    with bench.fetching as fetching:
        promise = settled(fetching.ask(announce(pause)), bench)

        assert promise() == "a page"
    assert bench.params == [pause]


def test_leaving_ends_requests_and_closes_clients() -> None:
    bench = Bench(3)
    begun = threading.Barrier(4)

    def endless(client: ConnectWiseClient) -> None:
        begun.wait(5)
        while not cast(Asker, client).is_over():
            threading.Event().wait(0.01)

    with bench.fetching as fetching:
        for _ in range(3):
            fetching.ask(endless)
        begun.wait(5)

    assert [asker.closed for asker in bench.askers] == [True] * 3
    assert not [t for t in threading.enumerate() if t.name.startswith("fetching")]


def test_each_throttling_halves_requests_in_flight() -> None:
    bench = Bench(8)
    throttled = Wait(1.0, 1, "ConnectWise answered 429", is_throttled=True)
    widths = []
    with bench.fetching as fetching:
        for _ in range(4):
            widths.append(fetching.width())
            fetching.ask(announce(throttled))()

        assert [*widths, fetching.width()] == [8, 4, 2, 1, 1]


def test_throttling_lowers_later_requests_in_flight() -> None:
    bench = Bench(4)
    throttled = Wait(1.0, 1, "ConnectWise answered 429", is_throttled=True)
    most, question = counted()

    with bench.fetching as fetching:
        fetching.ask(announce(throttled))()
        for promise in [fetching.ask(question) for _ in range(12)]:
            promise()

    assert fetching.width() == 2
    assert max(most) == 2


@pytest.mark.rule("P5")
def test_decoding_overlaps_the_next_request() -> None:
    bench = Bench(2)
    decoding = threading.Event()
    most, question = counted()

    def decode(client: ConnectWiseClient) -> None:
        cast(Asker, client).slot.give()
        decoding.wait(5)

    with bench.fetching as fetching:
        decoded = fetching.ask(decode)
        for promise in [fetching.ask(question) for _ in range(6)]:
            promise()
        decoding.set()
        decoded()

    assert max(most) == 2
    assert len(bench.askers) == 3


def test_older_objects_leave_garbage_collection() -> None:
    with Bench(1).fetching:
        assert gc.get_freeze_count() > 0

    assert gc.get_freeze_count() == 0


def test_throttled_requests_return_one_by_one() -> None:
    bench = Bench(4)
    together = threading.Barrier(4)
    most, question = counted()

    def throttled(client: ConnectWiseClient) -> None:
        asker = cast(Asker, client)
        asker.on_wait(Wait(1.0, 1, "ConnectWise answered 429", is_throttled=True))
        together.wait(5)
        while bench.fetching.width() > 1:
            threading.Event().wait(0.01)
        asker.slot.take()
        question(client)

    with bench.fetching as fetching:
        for promise in [fetching.ask(throttled) for _ in range(4)]:
            promise()

    assert max(most) == 1
    assert len(most) == 4
