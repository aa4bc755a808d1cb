"""Paging by id on plain lists: whatever the pages look like, every id once, in order."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.connectwise.paging.keyset import NewRecords, PagingError, Record, RequestPage, paginate
from tests.connectwise.paging.futures import completed

Pages = Callable[[int], Sequence[int]]


@dataclass
class Answer:
    ids: Sequence[int]

    @property
    def records(self) -> Sequence[Record]:
        return [{"id": number} for number in self.ids]


@dataclass
class Server:
    """Answers "above n" with the ids that `pages` returns for it; records the requests."""

    pages: Pages
    asked: list[int] = field(default_factory=list)

    def request(self, above: int) -> "Future[Answer]":
        self.asked.append(above)
        # Answered when requested, as a server does, not when the result is awaited.
        answer = Answer(list(self.pages(above)))
        return completed(answer)


def honest(ids: Iterable[int], page_size: int) -> Pages:
    known = sorted(set(ids))
    return lambda above: [number for number in known if number > above][:page_size]


def scripted(*pages: Sequence[int]) -> Server:
    """These pages one after the other, whatever is requested, then empty ones."""
    left = list(pages)
    return Server(lambda above: left.pop(0) if left else [])


def fetched_ids(request: RequestPage[Answer], after: int = 0) -> list[int]:
    return [number for new in paginate(request, after=after) for number, _ in new.records]


def test_nothing_takes_one_question() -> None:
    server = Server(honest([], 10))

    assert list(paginate(server.request)) == []
    assert server.asked == [0]


@pytest.mark.rule("P1")
def test_each_request_asks_above_the_last_id() -> None:
    server = Server(honest([1, 3, 5, 8, 9], 2))

    assert list(paginate(server.request)) == [
        NewRecords([(1, {"id": 1}), (3, {"id": 3})], 0, 3),
        NewRecords([(5, {"id": 5}), (8, {"id": 8})], 0, 8),
        NewRecords([(9, {"id": 9})], 0, 9),
    ]
    assert server.asked == [0, 3, 8, 9]


def test_paging_can_begin_above_an_id() -> None:
    server = Server(honest([1, 3, 5, 8, 9], 2))

    assert fetched_ids(server.request, after=5) == [8, 9]
    assert server.asked == [5, 9]


@pytest.mark.rule("P2")
def test_neither_full_nor_short_page_is_the_end() -> None:
    assert fetched_ids(scripted([1, 2, 3], [4], [5, 6, 7], []).request) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.rule("P5")
def test_next_page_is_requested_ahead() -> None:
    server = Server(honest([1, 2, 3], 1))
    found = paginate(server.request)

    assert next(found).last_id == 1
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

    def request(above: int) -> "Future[Given]":
        answer = pages.pop(0)
        return completed(answer)

    assert list(paginate(request)) == [
        NewRecords([(1, {"id": 1}), (2, first)], 0, 2),
        NewRecords([(3, {"id": 3})], 1, 3),
    ]


def test_duplicate_row_in_a_page_is_skipped() -> None:
    assert list(paginate(scripted([1, 2, 2, 3]).request)) == [
        NewRecords([(1, {"id": 1}), (2, {"id": 2}), (3, {"id": 3})], 1, 3)
    ]


@pytest.mark.parametrize("page", [[12, 11], [11, 13, 12], [14, 15, 11], [10, 12, 11]], ids=str)
@pytest.mark.rule("P1")
def test_ids_out_of_order_fail(page: list[int]) -> None:
    server = scripted([8, 9, 10], page, [20])

    with pytest.raises(PagingError, match="although ordered by id"):
        fetched_ids(server.request)


def test_one_answer_without_anything_new_is_forgiven() -> None:
    assert fetched_ids(scripted([1, 2], [1, 2], [3], [2, 3], [4], []).request) == [1, 2, 3, 4]


@pytest.mark.rule("P4")
def test_two_answers_without_progress_fail() -> None:
    server = Server(lambda above: [1, 2, 3])

    with pytest.raises(PagingError, match="already fetched instead of those above id 3"):
        fetched_ids(server.request)
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

    found = list(paginate(Server(page).request))

    assert [number for new in found for number, _ in new.records] == known
    assert sum(new.repeated_count for new in found) == repeated_count
    assert [new.last_id for new in found] == [new.records[-1][0] for new in found]


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

    fetched = fetched_ids(Server(page).request)

    assert fetched == sorted(set(fetched))
    assert stayed <= set(fetched) <= ever


@given(pages=st.lists(st.lists(st.integers(1, 30), max_size=6), max_size=12))
def test_any_answers_give_ascending_ids_or_error(pages: list[list[int]]) -> None:
    fetched: list[int] = []
    with suppress(PagingError):
        for new in paginate(scripted(*pages).request):
            fetched += [number for number, _ in new.records]
            assert new.last_id == fetched[-1]

    assert fetched == sorted(set(fetched))
    assert set(fetched) <= {number for page in pages for number in page}
