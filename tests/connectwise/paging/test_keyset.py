"""The walk on plain lists: whatever the pages look like, every id once, in order (P1, P2, P4)."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.connectwise.paging.keyset import Ask, Record, Step, WalkError, walk

Pages = Callable[[int], Sequence[int]]


@dataclass
class Answer:
    ids: Sequence[int]

    @property
    def records(self) -> Sequence[Record]:
        return [{"id": number} for number in self.ids]


@dataclass
class Server:
    """Answers "above n" with the ids that `pages` makes of it; remembers what was asked."""

    pages: Pages
    asked: list[int] = field(default_factory=list)

    def ask(self, above: int) -> Callable[[], Answer]:
        self.asked.append(above)
        # Answered when asked, as a server does, and not when somebody waits for it.
        answer = Answer(list(self.pages(above)))
        return lambda: answer


def honest(ids: Iterable[int], page_size: int) -> Pages:
    known = sorted(set(ids))
    return lambda above: [number for number in known if number > above][:page_size]


def scripted(*pages: Sequence[int]) -> Server:
    """These pages one after the other, whatever is asked, then empty ones."""
    left = list(pages)
    return Server(lambda above: left.pop(0) if left else [])


def walked(ask: Ask, after: int = 0) -> list[int]:
    return [number for step in walk(ask, after=after) for number, _ in step.records]


def test_nothing_takes_one_question() -> None:
    server = Server(honest([], 10))

    assert list(walk(server.ask)) == []
    assert server.asked == [0]


@pytest.mark.rule("P1")
def test_each_request_asks_above_the_last_id() -> None:
    server = Server(honest([1, 3, 5, 8, 9], 2))

    assert list(walk(server.ask)) == [
        Step([(1, {"id": 1}), (3, {"id": 3})], 0, 3),
        Step([(5, {"id": 5}), (8, {"id": 8})], 0, 8),
        Step([(9, {"id": 9})], 0, 9),
    ]
    assert server.asked == [0, 3, 8, 9]


def test_a_walk_can_begin_above_an_id() -> None:
    server = Server(honest([1, 3, 5, 8, 9], 2))

    assert walked(server.ask, after=5) == [8, 9]
    assert server.asked == [5, 9]


@pytest.mark.rule("P2")
def test_neither_full_nor_short_page_ends_walk() -> None:
    assert walked(scripted([1, 2, 3], [4], [5, 6, 7], []).ask) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.rule("P5")
def test_next_page_is_requested_ahead() -> None:
    server = Server(honest([1, 2, 3], 1))
    steps = walk(server.ask)

    assert next(steps).last_id == 1
    assert server.asked == [0, 1]


@pytest.mark.rule("P1")
def test_repeats_are_counted_and_the_first_version_stays() -> None:
    first, second = {"id": 2, "version": 1}, {"id": 2, "version": 2}

    @dataclass
    class Given:
        records: Sequence[Record]

        @property
        def ids(self) -> Sequence[int]:
            return [int(record["id"]) for record in self.records]

    pages = [Given([{"id": 1}, first]), Given([second, {"id": 3}]), Given([])]

    def ask(above: int) -> Callable[[], Given]:
        answer = pages.pop(0)
        return lambda: answer

    assert list(walk(ask)) == [
        Step([(1, {"id": 1}), (2, first)], 0, 2),
        Step([(3, {"id": 3})], 1, 3),
    ]


def test_duplicate_row_in_a_page_is_skipped() -> None:
    assert list(walk(scripted([1, 2, 2, 3]).ask)) == [
        Step([(1, {"id": 1}), (2, {"id": 2}), (3, {"id": 3})], 1, 3)
    ]


@pytest.mark.parametrize("page", [[12, 11], [11, 13, 12], [14, 15, 11], [10, 12, 11]], ids=str)
@pytest.mark.rule("P1")
def test_ids_out_of_order_fail_the_walk(page: list[int]) -> None:
    server = scripted([8, 9, 10], page, [20])

    with pytest.raises(WalkError, match="although ordered by id"):
        walked(server.ask)


def test_one_answer_without_anything_new_is_forgiven() -> None:
    assert walked(scripted([1, 2], [1, 2], [3], [2, 3], [4], []).ask) == [1, 2, 3, 4]


@pytest.mark.rule("P4")
def test_two_answers_without_progress_fail_the_walk() -> None:
    server = Server(lambda above: [1, 2, 3])

    with pytest.raises(WalkError, match="already fetched instead of those above id 3"):
        walked(server.ask)
    assert server.asked == [0, 3, 3]


@given(
    ids=st.sets(st.integers(1, 10**12), max_size=60),
    clamps=st.lists(st.integers(1, 12), min_size=1),
    repeats=st.lists(st.integers(0, 5), min_size=1),
)
@pytest.mark.rule("P2")
def test_clamps_and_repeats_lose_nothing(
    ids: set[int], clamps: list[int], repeats: list[int]
) -> None:
    known = sorted(ids)
    page_number = 0
    repeated_count = 0

    def page(above: int) -> list[int]:
        nonlocal page_number, repeated_count
        new = [number for number in known if number > above][: clamps[page_number % len(clamps)]]
        size = repeats[page_number % len(repeats)]
        old = [number for number in known if number <= above][-size:] if size and new else []
        page_number += 1
        repeated_count += len(old)
        return old + new

    steps = list(walk(Server(page).ask))

    assert [number for step in steps for number, _ in step.records] == known
    assert sum(step.repeated_count for step in steps) == repeated_count
    assert [step.last_id for step in steps] == [step.records[-1][0] for step in steps]


@given(
    ids=st.sets(st.integers(1, 300), min_size=1),
    page_size=st.integers(1, 20),
    changes=st.lists(st.tuples(st.integers(1, 300), st.booleans()), max_size=40),
)
def test_rows_that_stay_are_fetched_once(
    ids: set[int], page_size: int, changes: list[tuple[int, bool]]
) -> None:
    present, stayed, ever = set(ids), set(ids), set(ids)
    left = list(changes)

    def page(above: int) -> list[int]:
        for number, appears in left[:3]:
            if appears:
                present.add(number)
                ever.add(number)
            else:
                present.discard(number)
                stayed.discard(number)
        del left[:3]
        return sorted(number for number in present if number > above)[:page_size]

    fetched = walked(Server(page).ask)

    assert fetched == sorted(set(fetched))
    assert stayed <= set(fetched) <= ever


@given(pages=st.lists(st.lists(st.integers(1, 30), max_size=6), max_size=12))
def test_any_answers_give_ascending_ids_or_error(pages: list[list[int]]) -> None:
    fetched: list[int] = []
    with suppress(WalkError):
        for step in walk(scripted(*pages).ask):
            fetched += [number for number, _ in step.records]
            assert step.last_id == fetched[-1]

    assert fetched == sorted(set(fetched))
    assert set(fetched) <= {number for page in pages for number in page}
