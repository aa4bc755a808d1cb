"""What the tests of the preview share: they request it like its page, with a run's retries."""

import pytest

from exports.connectwise.filter.conditions import Condition
from exports.connectwise.http.client import Limits, RetryPolicy
from exports.live_checks import preview
from exports.live_checks.preview import Preview
from exports.models import Task
from exports.pipeline import runner

INVOICES = Condition("exportInvoicesFlag", "Equal", "True", "Or")
THE_SAMPLE = Condition("id", "Equal", "284")


@pytest.fixture
def same_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Preview and run try as often, so that their sentences can be compared."""
    for module in (preview, runner):
        monkeypatch.setattr(module, "RETRY", RetryPolicy(tries=2, scale=0.001))


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """For answers that never come, for preview and run alike."""
    for module in (preview, runner):
        monkeypatch.setattr(module, "LIMITS", Limits(connect=1, read=1, total=1))


def preview_of(task: Task) -> Preview:
    saved = Task.objects.get(pk=task.pk)
    return preview.preview(saved, saved.saved_conditions())
