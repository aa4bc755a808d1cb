"""Numbers in addresses and forms: none of any size or script causes an error or costs time."""

import pytest
from django.test import Client

from exports.outside_numbers import LARGEST_ID, read_id, read_number

STRANGE = ["", "-1", "+1", " 1", "1_0", "1.0", "²", "٣", "x", "9" * 19, "9" * 20, "9" * 100_000]


@pytest.mark.parametrize("text", STRANGE)
def test_strange_numbers_are_none(text: str) -> None:
    assert read_number(text) is None


def test_ids_begin_at_one() -> None:
    assert (read_id("0"), read_id("1"), read_id(str(LARGEST_ID))) == (None, 1, LARGEST_ID)
    assert (read_number("0"), read_number("11", most=10)) == (0, None)


@pytest.mark.parametrize("text", ["0", *STRANGE[1:-1], "9" * 500])
@pytest.mark.parametrize("address", ["/tasks/%s/", "/runs/%s/", "/connections/%s/"])
def test_strange_ids_are_no_pages(signed_in: Client, address: str, text: str) -> None:
    assert signed_in.get(address % text).status_code == 404


@pytest.mark.parametrize("text", STRANGE[:-1])
def test_strange_numbers_cost_nothing(signed_in: Client, text: str) -> None:
    for address in ("/runs/", "/", "/tasks/preview/"):
        asked = {"page": text, "watched": text, "task": text, "who": text, "copy_of": text}
        assert signed_in.get(address, asked).status_code in (200, 302)
