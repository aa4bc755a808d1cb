"""Fixtures of the tests that let runs meet faults."""

import pytest

from exports.connectwise.http.client import Limits, RetryPolicy
from exports.pipeline import runner


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many tries as ever, but waits a thousand times shorter and limits of a second or two."""
    monkeypatch.setattr(runner, "RETRY", RetryPolicy(scale=0.001))
    monkeypatch.setattr(runner, "LIMITS", Limits(connect=2, read=0.5, total=1.5))
