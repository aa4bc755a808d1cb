"""The result of the last stepwise test of a row, as its page shows it."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from exports.connectwise.http.remote_text import clean_text

# Longer than any sentence of ours; sentences quote the other side, so they need a limit.
_STEP_LENGTH = 1500
_MEMBERS = ("name", "outcome", "sentence", "code")


class TestedModel(models.Model):
    """A row that talks to another side: a connection, a destination, a channel."""

    last_tested_at = models.DateTimeField(null=True, editable=False)
    # A list of {"name", "outcome": passed|warning|failed, "sentence", "code"}.
    last_test_steps = models.JSONField(default=list, editable=False)

    class Meta:
        abstract = True

    @property
    def shown_test_steps(self) -> list[dict[str, str]]:
        """The last test's steps, cleaned, as an earlier version may have stored another form."""
        stored = self.last_test_steps if isinstance(self.last_test_steps, list) else []
        return cleaned_steps(step for step in stored if isinstance(step, dict))


def worst_of(steps: Iterable[dict[str, Any]]) -> str:
    """The outcome of a whole test: failed, warning or passed."""
    outcomes = {step.get("outcome") for step in steps}
    return next((one for one in ("failed", "warning") if one in outcomes), "passed")


def cleaned_steps(steps: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    return [
        {name: clean_text(str(step.get(name, "")), _STEP_LENGTH) for name in _MEMBERS}
        for step in steps
    ]
