"""Paging over portions of known ids: every one that exists once, in order, in few requests."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.connectwise.paging.keyset import PagingError
from exports.connectwise.paging.portions import paginate_portions
from tests.connectwise.paging.futures import completed
from tests.connectwise.paging.test_keyset import Answer


@dataclass(frozen=True)
class Ids:
    ids: Sequence[int]

    @property
    def last_id(self) -> int:
        return max(self.ids)


@dataclass
class Server:
    """Has the records `existing`, and gives at most `page_size` of those asked for."""

    existing: set[int]
    page_size: int = 1_000
    asked: list[tuple[Sequence[int], int]] = field(default_factory=list)

    def request(self, portion: Ids, above: int) -> "Future[Answer]":
        self.asked.append((portion.ids, above))
        found = sorted(self.existing & set(portion.ids))
        return completed(Answer([one for one in found if one > above][: self.page_size]))


def shared_out(ids: Sequence[int], most: int) -> Iterator[Ids]:
    return iter([Ids(ids[at : at + most]) for at in range(0, len(ids), most)])


def fetched_ids(server: Server, portions: Iterator[Ids], *, at_once: int = 3) -> list[int]:
    pages = paginate_portions(server.request, portions, max_in_flight=lambda: at_once)
    return [number for new in pages for number, _record in new.records]


@given(
    st.sets(st.integers(1, 300), min_size=1).map(sorted),
    st.sets(st.integers(1, 300)),
    st.integers(1, 20),
    st.integers(1, 20),
    st.integers(1, 6),
)
def test_every_id_that_exists_comes_once(
    wanted: list[int], gone: set[int], most: int, page_size: int, at_once: int
) -> None:
    server = Server(set(wanted) - gone, page_size)

    found = fetched_ids(server, shared_out(wanted, most), at_once=at_once)
    assert found == [number for number in wanted if number not in gone]


def test_portion_whose_last_id_came_takes_one_request() -> None:
    server = Server(set(range(1, 31)))

    assert fetched_ids(server, shared_out(range(1, 31), 10)) == list(range(1, 31))
    assert [above for _ids, above in server.asked] == [0, 10, 20]


@pytest.mark.rule("P2")
def test_portion_without_its_last_id_asks_on() -> None:
    server = Server(set(range(1, 31)) - {10})

    assert len(fetched_ids(server, shared_out(range(1, 31), 10))) == 29
    assert (range(1, 11), 9) in server.asked


@pytest.mark.rule("P5")
def test_next_portions_are_requested_meanwhile() -> None:
    server = Server(set(range(1, 101)))
    pages = paginate_portions(
        server.request, shared_out(range(1, 101), 10), max_in_flight=lambda: 4
    )

    next(pages)
    assert len(server.asked) == 4


def test_ids_that_were_not_asked_for_are_refused() -> None:
    def ignores_ids(portion: Ids, above: int) -> "Future[Answer]":
        return completed(Answer(range(above + 1, above + 31)))

    pages = paginate_portions(
        ignores_ids, shared_out(range(10, 1_000, 10), 10), max_in_flight=lambda: 1
    )
    with pytest.raises(PagingError, match="although asked for batches up to 100"):
        list(pages)
