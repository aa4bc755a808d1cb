"""The condition that finds the batches of a run again, and little else."""

from urllib.parse import quote

import pytest

from exports.connectwise.filter.id_ranges import covering


def test_lone_ids_are_named_one_by_one() -> None:
    assert covering([3, 20_000]) == "(id = 3 or id = 20000)"


def test_no_ids_match_no_batch() -> None:
    assert covering([]) == "id <= 0"


def test_one_long_range_has_only_an_end() -> None:
    assert covering(range(5, 5_000)) == "id <= 4999"


def test_two_long_ranges_leave_the_gap_out() -> None:
    ids = [*range(1, 1_000), *range(500_000, 501_000)]

    assert covering(ids) == "((id >= 1 and id <= 999) or (id >= 500000 and id <= 500999))"


def test_lone_id_beside_a_range_is_named() -> None:
    assert covering([*range(1, 1_000), 7_000]) == "((id >= 1 and id <= 999) or id = 7000)"


@pytest.mark.parametrize("step", [2, 3, 17, 1_000])
def test_scattered_ids_stay_within_a_url(step: int) -> None:
    text = covering(range(10**12, 10**12 + 5_000 * step, step))

    assert len(quote(text, safe="")) <= 1_200


def test_widest_gaps_are_excluded_first() -> None:
    ids = [*range(1, 900, 2), *range(100_000, 100_900, 2), *range(900_000, 900_900, 2)]
    text = covering(ids)

    assert "id <= 899)" in text
    assert "(id >= 900000" in text or "id = 900000" in text
    assert len(quote(text, safe="")) <= 1_200
