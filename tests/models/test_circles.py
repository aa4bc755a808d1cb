"""The chain of On Failure Tasks, however long."""

import pytest

from exports.models.tasks import circle_from


@pytest.mark.rule("R6")
@pytest.mark.parametrize(
    ("following", "way"),
    [
        ({1: 2, 2: 3, 3: 1}, [1, 2, 3, 1]),
        ({1: 2, 2: 3, 3: 2}, []),  # a circle, but without 1
        ({1: 2, 2: None}, []),
        ({1: 1}, [1, 1]),
        ({number: number + 1 for number in range(1, 1_000_000)}, []),
    ],
)
def test_only_a_way_back_is_a_circle(following: dict[int, int | None], way: list[int]) -> None:
    assert circle_from(1, following) == way
