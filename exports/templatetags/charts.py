"""What templates need besides whole charts: small bars, marks and words.

{% run_bars points %}  {% outcome_mark "failed" %}  {{ "failed"|outcome_word }}
{{ seconds|rounded_time }}
"""

from collections.abc import Sequence
from datetime import timedelta

from django import template
from django.utils.safestring import SafeString

from exports.charts import plots
from exports.templatetags.formatting import duration

register = template.Library()


@register.simple_tag
def run_bars(points: Sequence[plots.RunPoint]) -> SafeString:
    """The last runs of a task as a row of small bars."""
    return plots.spark(points)


@register.simple_tag
def outcome_mark(outcome: str) -> SafeString:
    """The shape that charts draw for an outcome."""
    return plots.swatch(outcome)


@register.filter
def outcome_word(outcome: str) -> str:
    return str(plots.OUTCOMES[outcome])


@register.filter
def rounded_time(seconds: float | None) -> str:
    return duration(None if seconds is None else timedelta(seconds=seconds))
