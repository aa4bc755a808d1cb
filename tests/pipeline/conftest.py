"""Fixtures of the tests in which runs meet faults."""

import pytest

from exports.connectwise.http.client import Limits, RetryPolicy
from exports.pipeline import runner


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many tries as usual, but with waits a thousand times shorter."""
    monkeypatch.setattr(runner, "RETRY", RetryPolicy(scale=0.001))


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """For answers that never come: still long enough for all others on a busy machine."""
    monkeypatch.setattr(runner, "LIMITS", Limits(connect=3, read=3, total=3))
