"""The walk in several id ranges: the same records as the serial one, at little extra cost."""

import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.connectwise.walk import WalkError
from exports.connectwise.windows import Extent, walk_in_windows


@dataclass
class Answer:
    ids: list[int]

    @property
    def records(self) -> list[dict[str, int]]:
        return [{"id": number} for number in self.ids]


@dataclass
class Server:
    """Answers as ConnectWise would, from a list of ids that may change while it is asked."""

    ids: list[int]
    page_size: int
    clamp: int = 1000
    asked: list[tuple[int, int | None]] = field(default_factory=list)
    open_count: int = 0
    most_open_count: int = 0
    before: Callable[["Server"], None] = lambda server: None

    def ask(self, above: int, up_to: int | None) -> Callable[[], Answer]:
        self.asked.append((above, up_to))
        self.open_count += 1
        self.most_open_count = max(self.most_open_count, self.open_count)
        self.before(self)
        start = bisect_right(self.ids, above)
        end = len(self.ids) if up_to is None else bisect_right(self.ids, up_to)
        answer = Answer(self.ids[start:end][: min(self.page_size, self.clamp)])

        def promise() -> Answer:
            self.open_count -= 1
            return answer

        return promise


def walked(server: Server, *, width: int = 4, highest: int | None = None) -> list[int]:
    extent = Extent(len(server.ids), highest or server.ids[-1], server.page_size)
    steps = walk_in_windows(server.ask, extent, width_limit=lambda: width)
    return [number for step in steps for number, _ in step.records]


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

    assert walked(server, width=width) == server.ids
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

    assert walked(server) == server.ids
    assert len(server.asked) <= 1.25 * (ceil(len(ids) / 100) + 1)


def test_rows_that_vanish_and_appear_lose_none_of_the_others() -> None:
    server = Server(sparse_ids(4000, 3, 5), 100)
    before, chance = set(server.ids), random.Random(5)

    def change(server: Server) -> None:
        server.ids.pop(chance.randrange(len(server.ids)))
        server.ids.append(server.ids[-1] + 1)

    server.before = change
    came = walked(server)

    assert came == sorted(set(came))
    assert before & set(server.ids) <= set(came)


def test_a_clamped_first_page_is_walked_serially_to_the_end() -> None:
    server = Server(sparse_ids(3000, 1, 2), 1000, clamp=25)

    assert walked(server) == server.ids
    assert server.most_open_count == 1


def test_one_request_at_a_time_after_being_throttled() -> None:
    server = Server(sparse_ids(4000, 2, 3), 100)
    width = [4]

    def throttle(server: Server) -> None:
        if len(server.asked) == 10:
            width[0], server.most_open_count = 1, 0

    server.before = throttle
    extent = Extent(len(server.ids), server.ids[-1], 100)
    steps = walk_in_windows(server.ask, extent, width_limit=lambda: width[0])

    assert [number for step in steps for number, _ in step.records] == server.ids
    # What was in flight already is not taken back; nothing is added to it.
    assert server.most_open_count <= 4
    assert server.open_count == 0


def test_what_proves_the_end_is_asked_before_the_last_window_is_handed_out() -> None:
    server = Server(sparse_ids(4000, 2, 3), 100)
    highest = server.ids[-1]
    extent = Extent(len(server.ids), highest, 100)
    asked_by_then = 0
    for step in walk_in_windows(server.ask, extent, width_limit=lambda: 4):
        if step.last_id == highest:
            asked_by_then = len(server.asked)

    # The first page once more, last of all: clamping that began under way would show in it.
    assert server.asked[-1] == (0, None)
    assert (highest, None) in server.asked
    assert asked_by_then == len(server.asked)


def test_pages_that_are_clamped_from_the_middle_on_fail_the_walk() -> None:
    server = Server(sparse_ids(4000, 2, 3), 100)

    def clamp(server: Server) -> None:
        if len(server.asked) == 25:
            server.clamp = 50

    server.before = clamp
    with pytest.raises(WalkError, match="began to give shorter pages"):
        walked(server)


def test_a_batch_outside_its_range_fails_the_walk() -> None:
    server = Server(sparse_ids(4000, 2, 3), 100)
    honest = server.ask

    def ask(above: int, up_to: int | None) -> Callable[[], Answer]:
        return honest(above, None)

    extent = Extent(len(server.ids), server.ids[-1], 100)
    with pytest.raises(WalkError, match="although asked for ids up to"):
        for _ in walk_in_windows(ask, extent, width_limit=lambda: 4):
            pass


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
    steps = walk_in_windows(server.ask, extent, width_limit=lambda: width)

    assert [number for step in steps for number, _ in step.records] == sorted(ids)
