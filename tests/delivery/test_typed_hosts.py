"""Ports of destinations as people and files give them."""

from typing import Any

import pytest

from exports.delivery.hosts import read_port
from exports.delivery.kind import FieldError


@pytest.mark.parametrize("typed", ["22", 22, " 22 ", "65535"])
def test_port_is_read_from_digits(typed: Any) -> None:
    assert read_port("port", typed) == int(typed)


@pytest.mark.parametrize("typed", ["", "0", "65536", "-1", "+22", "2_2", "٢٢", "1e3", "9" * 5_000])
def test_what_is_no_port_is_refused(typed: str) -> None:
    with pytest.raises(FieldError, match="A port is a whole number from 1 to 65535"):
        read_port("port", typed)
