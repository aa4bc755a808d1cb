"""Every run in this folder meets faults, so all waits are short."""

import pytest

from tests.pipeline.conftest import quick_retries, short_limits

__all__ = ["quick_retries", "short_limits"]


@pytest.fixture(autouse=True)
def no_long_waits(quick_retries: None) -> None:
    """As many retries as usual, without their waits."""
