"""Conditions that together match many ids, and no others."""

from hypothesis import given
from hypothesis import strategies as st

from exports.connectwise.filter.conditions import encoded_length
from exports.connectwise.filter.id_portions import portions_of
from exports.demo.conditions import parse_conditions
from exports.demo.rows import Row

IDS = st.sets(
    st.integers(1, 60) | st.integers(10**6, 10**6 + 500) | st.integers(1, 2**63 - 1), min_size=1
).map(sorted)


@given(IDS, st.integers(1, 30))
def test_portions_share_out_all_ids(ids: list[int], most: int) -> None:
    around = {number + step for number in ids for step in (-1, 0, 1)}
    below = 0
    matched: list[int] = []
    for portion in portions_of(ids, most):
        condition = parse_conditions(portion.condition)
        found = sorted(number for number in around if condition.matches(Row.of({"id": number})))
        assert encoded_length(portion.condition) <= 1_200
        assert (len(found), found[-1]) == (portion.id_count, portion.last_id)
        assert len(found) <= most
        assert found[0] > below
        below = portion.last_id
        matched += found

    assert matched == ids


def test_neighbours_become_a_range() -> None:
    [portion] = portions_of([3, 10, 11, 12, 13, 14, 15, 20_000], 100)

    assert portion.condition == "(id in (3,20000) or (id >= 10 and id <= 15))"


def test_url_is_used_to_the_full() -> None:
    lengths = [
        encoded_length(portion.condition)
        for portion in portions_of(range(10**6, 2 * 10**6, 500), 1_000)
    ]

    assert min(lengths[:-1]) > 1_150
    assert len(lengths) == 18


def test_no_ids_need_no_portion() -> None:
    assert list(portions_of([], 100)) == []
