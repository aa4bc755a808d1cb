"""The input of a date in UTC: text, with its zone beside it, a picker and common dates.

The picker and the buttons need utc-dates.js and are hidden without it; the text alone is sent.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from exports import clock
from exports.connectwise.filter.literals import datetime_literal

EXAMPLE = "2020-01-01T00:00:00Z"
LastClose = tuple[int, datetime]


def canonical(moment: datetime) -> str:
    """`2020-01-01T00:00:00Z`, as the specification writes dates."""
    return datetime_literal(moment)[1:-1]


class UtcInput(forms.TextInput):
    """`last_close` is the run whose start is offered, as (its number, the moment)."""

    last_close: LastClose | None = None

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"placeholder": EXAMPLE, **(attrs or {})})

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        text = super().render(name, value, attrs, renderer)
        buttons = format_html_join(
            " ",
            '<button class="btn btn-help" type="button" data-utc-value="{}">{}</button>',
            ((canonical(moment), label) for label, moment in self._presets()),
        )
        return format_html(
            '<div class="utc-input" data-utc><div class="utc-text">{}<span class="utc-zone">UTC'
            '</span></div><div class="utc-offers" hidden><input class="form-control" step="1" '
            'type="datetime-local" aria-label="{}">{}</div></div>',
            text,
            _("Pick the date and time, in UTC"),
            buttons,
        )

    def _presets(self) -> Iterator[tuple[str, datetime]]:
        today = clock.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        month = today.replace(day=1)
        yield _("Start of this month"), month
        yield _("Start of last month"), (month - timedelta(days=1)).replace(day=1)
        yield _("Today"), today
        if self.last_close:
            run_id, moment = self.last_close
            yield _("Last close (run %(run)s)") % {"run": run_id}, moment
