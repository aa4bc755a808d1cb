"""Several requests in flight: the same records as one by one, with few extra requests."""

import random
from bisect import bisect_right, insort
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.connectwise.paging.keyset import PagingError
from exports.connectwise.paging.parallel import Extent, paginate_in_parallel
from tests.connectwise.paging.futures import completed


@dataclass
class Answer:
    ids: list[int]

    @property
    def records(self) -> list[dict[str, int]]:
        return [{"id": number} for number in self.ids]


@dataclass
class Server:
    """Answers as ConnectWise would, from a list of ids that may change meanwhile."""

    ids: list[int]
    page_size: int
    clamp: int = 1000
    asked: list[int] = field(default_factory=list)
    open_count: int = 0
    most_open_count: int = 0
    before: Callable[["Server"], None] = lambda server: None

    def request(self, above: int) -> "Future[Answer]":
        self.asked.append(above)
        self.open_count += 1
        self.most_open_count = max(self.most_open_count, self.open_count)
        self.before(self)
        start = bisect_right(self.ids, above)
        answer = Answer(self.ids[start : start + min(self.page_size, self.clamp)])

        return _Answered(self, answer)


class _Answered(Future[Answer]):
    """Open until its result is taken."""

    def __init__(self, server: Server, answer: Answer) -> None:
        super().__init__()
        self.set_result(answer)
        self._server = server

    def result(self, timeout: float | None = None) -> Answer:
        self._server.open_count -= 1
        return super().result(timeout)


def fetched_ids(server: Server, *, width: int = 4, highest: int | None = None) -> list[int]:
    extent = Extent(len(server.ids), highest or server.ids[-1], server.page_size)
    found = paginate_in_parallel(server.request, extent, max_in_flight=lambda: width)
    return [number for new in found for number, _ in new.records]


def sparse_ids(count: int, seed: int, longest_gap: int) -> list[int]:
    chance = random.Random(seed)
    number, ids = 0, []
    for _ in range(count):
        number += chance.randint(1, longest_gap)
        ids.append(number)
    return ids


@pytest.mark.parametrize("width", [2, 4, 8])
@pytest.mark.parametrize("longest_gap", [1, 3, 1000])
@pytest.mark.parametrize("page_size", [50, 100, 1000])
def test_everything_comes_once_in_order_within_the_budget(
    width: int, longest_gap: int, page_size: int
) -> None:
    server = Server(sparse_ids(40 * page_size, 7, longest_gap), page_size)

    assert fetched_ids(server, width=width) == server.ids
    serial = ceil(len(server.ids) / page_size) + 1
    assert len(server.asked) <= 1.25 * serial
    assert 1 < server.most_open_count <= width


@pytest.mark.parametrize("seed", range(8))
def test_clustered_ids_stay_within_the_budget(seed: int) -> None:
    chance = random.Random(seed)
    ids: set[int] = set()
    for _ in range(12):
        start = chance.randint(1, 10_000_000)
        ids.update(range(start, start + chance.choice([50, 2_000, 9_000]), chance.choice([1, 3])))
    server = Server(sorted(ids), 100)

    assert fetched_ids(server) == server.ids
    assert len(server.asked) <= 1.25 * (ceil(len(ids) / 100) + 1)


def test_vanishing_rows_cost_no_others() -> None:
    server = Server(sparse_ids(4000, 3, 5), 100)
    before, chance = set(server.ids), random.Random(5)

    def change(server: Server) -> None:
        server.ids.pop(chance.randrange(len(server.ids)))
        server.ids.append(server.ids[-1] + 1)

    server.before = change
    came = fetched_ids(server)

    assert came == sorted(set(came))
    assert before & set(server.ids) <= set(came)


def test_clamped_first_page_is_fetched_serially() -> None:
    server = Server(sparse_ids(3000, 1, 2), 1000, clamp=25)

    assert fetched_ids(server) == server.ids
    assert server.most_open_count == 1


def test_one_request_at_a_time_after_being_throttled() -> None:
    server = Server(sparse_ids(4000, 2, 3), 100)
    width = [4]

    def throttle(server: Server) -> None:
        if len(server.asked) == 10:
            width[0], server.most_open_count = 1, 0

    server.before = throttle
    extent = Extent(len(server.ids), server.ids[-1], 100)
    found = paginate_in_parallel(server.request, extent, max_in_flight=lambda: width[0])

    assert [number for new in found for number, _ in new.records] == server.ids
    # Requests already in flight are not cancelled; no more are sent.
    assert server.most_open_count <= 4
    assert server.open_count == 0


@pytest.mark.rule("P2")
def test_end_is_proved_before_the_last_page() -> None:
    server = Server(sparse_ids(4000, 2, 3), 100)
    highest = server.ids[-1]
    extent = Extent(len(server.ids), highest, 100)
    asked_by_then = 0
    for new in paginate_in_parallel(server.request, extent, max_in_flight=lambda: 4):
        if new.last_id == highest:
            asked_by_then = len(server.asked)

    assert server.asked[-1] == highest
    assert asked_by_then == len(server.asked)


@pytest.mark.parametrize("width", [2, 5, 9])
@pytest.mark.parametrize("clamped", [{5}, {12, 13, 14}, set(range(20, 400)), set(range(3, 400, 2))])
def test_pages_that_are_clamped_under_way_lose_nothing(clamped: set[int], width: int) -> None:
    server = Server(sparse_ids(4000, 2, 3), 100)

    def clamp(server: Server) -> None:
        server.clamp = 30 if len(server.asked) in clamped else 1000

    server.before = clamp
    assert fetched_ids(server, width=width) == server.ids


@settings(max_examples=150)
@given(seed=st.integers(0, 10**6), width=st.integers(2, 9), share=st.floats(0, 1))
def test_clamped_page_loses_nothing_to_changes(seed: int, width: int, share: float) -> None:
    """Rows appear and vanish while pages may be clamped: all rows that stay are fetched."""
    chance = random.Random(seed)
    server = Server(sparse_ids(2500, seed, 4), 50)
    before, missing = set(server.ids), sorted(set(range(server.ids[-1])) - set(server.ids))

    def change(server: Server) -> None:
        server.clamp = chance.randint(1, 49) if chance.random() < share else 1000
        server.ids.pop(chance.randrange(len(server.ids)))
        insort(server.ids, missing.pop(chance.randrange(len(missing))))

    server.before = change
    came = fetched_ids(server, width=width)

    assert came == sorted(set(came))
    assert before & set(server.ids) <= set(came)


def test_mistakenly_empty_answer_is_asked_again() -> None:
    server = Server(sparse_ids(4000, 2, 3), 100)
    honest, answers = server.request, iter(range(1000))

    def request(above: int) -> "Future[Answer]":
        future = honest(above)
        return completed(Answer([])) if next(answers) == 10 else future

    extent = Extent(len(server.ids), server.ids[-1], 100)
    found = paginate_in_parallel(request, extent, max_in_flight=lambda: 4)
    assert [number for new in found for number, _ in new.records] == server.ids


def test_contradictory_empty_answers_fail() -> None:
    server = Server(sparse_ids(4000, 2, 3), 100)
    dark = server.ids[1000]
    honest = server.request

    def request(above: int) -> "Future[Answer]":
        future = honest(above)
        return completed(Answer([])) if dark - 150 < above < dark else future

    extent = Extent(len(server.ids), server.ids[-1], 100)
    with pytest.raises(PagingError, match="gave batches above it as well"):
        for _ in paginate_in_parallel(request, extent, max_in_flight=lambda: 4):
            pass


@pytest.mark.parametrize("width", [5, 9])
@pytest.mark.parametrize("page_size", [50, 100, 500])
@pytest.mark.parametrize(
    "ids",
    [
        [*range(1, 10_001), *range(10**7, 10**7 + 10_000)],
        [*range(1, 200), *range(10**15, 10**15 + 19_800)],
        [*range(1, 20_000), 2**63 - 1],
        [*range(1, 20_000 * 50, 50)],
        [number * number for number in range(1, 20_001)],
        [2**62 + number * 3 for number in range(20_000)],
    ],
    ids=["a gap", "far apart", "an outlier", "regular", "growing gaps", "huge"],
)
def test_any_ids_stay_within_the_request_budget(ids: list[int], page_size: int, width: int) -> None:
    server = Server(ids, page_size)

    assert fetched_ids(server, width=width) == ids
    assert len(server.asked) <= 1.25 * (ceil(len(ids) / page_size) + 1)


@settings(max_examples=150)
@given(
    ids=st.lists(st.integers(1, 5000), min_size=1, max_size=400, unique=True),
    page_size=st.integers(1, 80),
    width=st.integers(1, 8),
    expected=st.integers(0, 2000),
    highest=st.integers(1, 6000),
)
def test_wrong_expectations_cost_requests_but_no_record(
    ids: list[int], page_size: int, width: int, expected: int, highest: int
) -> None:
    server = Server(sorted(ids), page_size)
    extent = Extent(expected, highest, page_size)
    found = paginate_in_parallel(server.request, extent, max_in_flight=lambda: width)

    assert [number for new in found for number, _ in new.records] == sorted(ids)
