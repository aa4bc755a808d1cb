"""How values are shown, the same on every page. Formatting only, no queries.

Tags:    {% icon "passed" %}  {% run_status run %}  {% due_state due_time %}
         {% workflow_run_status workflow_run %}  {% step_state step %}
         {% outcome step.outcome %}  {% worst_outcome connection.shown_test_steps %}
         {% product_version %}
Filters: {{ moment|relative }}  {{ moment|exact }}  {{ moment|utc }}
         {{ delta|duration }}  {{ size|byte_size }}
         {{ number|grouped }}  {{ number|plain }}  {{ run.export|mode }}
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from exports import clock, number_formats, product
from exports.models import Task
from exports.number_formats import utc_text

if TYPE_CHECKING:
    from exports.models import DueTime, Run, StepRun, WorkflowRun
    from exports.models.messages import Message

register = template.Library()

NOTHING = "–"

# On a grid of 16 × 16, in the colour of the text beside them.
_SHAPES = {
    "brand": "M2 3h9M2 6.5h12M2 10h6M11.5 9v5M9 11.5l2.5 2.5 2.5-2.5",
    "check": "M3 8.5l3.2 3.2L13 5",
    "cross": "M4 4l8 8M12 4l-8 8",
    "warning": "M8 2.2L14.6 13.6H1.4zM8 6.5v3.2M8 11.7v.1",
    "info": "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 7.3v3.9M8 4.9v.1",
    "clock": "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 4.5V8l2.4 1.6",
    "running": "M13.5 8A5.5 5.5 0 1 1 8 2.5M8 0.6L10.2 2.5 8 4.5",
    "stop": "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM3.7 3.7l8.6 8.6",
    "dash": "M4 8h8",
    "menu": "M4 6.5l4 4 4-4",
}
_ICONS = {
    "brand": "brand",
    "passed": "check",
    "succeeded": "check",
    "success": "check",
    "failed": "cross",
    "error": "cross",
    "warning": "warning",
    "suspicious": "warning",
    "info": "info",
    "debug": "info",
    "queued": "clock",
    "running": "running",
    "cancelled": "stop",
    "skipped": "dash",
    "not_started": "dash",
    "menu": "menu",
    "waiting": "clock",
}
_OUTCOMES = {
    "passed": gettext_lazy("Passed"),
    "warning": gettext_lazy("Warning"),
    "failed": gettext_lazy("Failed"),
    "skipped": gettext_lazy("Skipped"),
    "running": gettext_lazy("Testing"),
    "waiting": gettext_lazy("Waiting"),
}

_DUE_STATES = {
    "fired": "succeeded",
    "skipped": "skipped",
    "missed": "warning",
    "refused": "failed",
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """A small drawing, hidden from screen readers since a word always stands beside it."""
    shape = _SHAPES[_ICONS.get(name, "info")]
    return format_html(
        '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="{}"/></svg>', shape
    )


@register.simple_tag
def run_status(run: "Run") -> SafeString:
    """Icon, word and colour of a run's status; a suspicious success says so."""
    if run.is_suspicious:
        words = _("%(status)s, suspicious") % {"status": run.get_status_display()}
        return _badge("suspicious", words)
    return _badge(run.status, run.get_status_display())


@register.simple_tag
def workflow_run_status(workflow_run: "WorkflowRun") -> SafeString:
    return _badge(workflow_run.status, workflow_run.get_status_display())


@register.simple_tag
def step_state(step: "StepRun") -> SafeString:
    """The state of a step; while its task runs, or after a suspicious success, that of the run."""
    shows_run = step.run is not None and (step.run.is_active or step.run.is_suspicious)
    if step.run is not None and shows_run:
        return run_status(step.run)
    return _badge(step.state, step.get_state_display())


@register.simple_tag
def message_state(message: "Message") -> SafeString:
    """Icon, word and colour of the state of a message to a channel."""
    kinds = {"waiting": "queued", "sending": "running", "sent": "passed"}
    return _badge(kinds.get(message.state, "failed"), message.get_state_display())


@register.simple_tag
def due_state(due_time: "DueTime") -> SafeString:
    """Icon, word and colour of what became of a due time."""
    return _badge(_DUE_STATES[due_time.state], due_time.get_state_display())


@register.simple_tag
def outcome(name: str) -> SafeString:
    """The outcome of a test step: passed, warning, failed, skipped, running or waiting."""
    return _badge(name, str(_OUTCOMES.get(name, name)))


@register.simple_tag
def badge(kind: str, word: str) -> SafeString:
    """Icon and colour of `kind` beside the word."""
    return _badge(kind, word)


@register.simple_tag
def worst_outcome(steps: list[dict[str, str]]) -> SafeString:
    """One badge for a whole test: failed before warning before passed."""
    outcomes = {step["outcome"] for step in steps}
    return outcome(next((name for name in ("failed", "warning") if name in outcomes), "passed"))


@register.simple_tag
def product_version() -> str:
    return product.product_version()


@register.simple_tag
def csrf_cookie_name() -> str:
    """For the script that reads it; each installation has a name of its own."""
    return settings.CSRF_COOKIE_NAME


@register.filter
def relative(moment: datetime | None) -> str:
    """`3 minutes ago`, the exact time and its zone on hover."""
    if moment is None:
        return NOTHING
    return _time(moment, _distance(clock.now() - moment), exact_text(moment))


@register.filter
def exact(moment: datetime | None) -> str:
    """`2026-03-01 14:05:09 CET`: the installation's zone, named; UTC on hover."""
    if moment is None:
        return NOTHING
    return _time(moment, exact_text(moment), utc_text(moment))


@register.filter
def utc(moment: datetime | None) -> str:
    """`2026-03-01 13:05:09 UTC`: dates as ConnectWise and the forms have them; local on hover."""
    if moment is None:
        return NOTHING
    return _time(moment, utc_words(moment), exact_text(moment))


def utc_words(moment: datetime) -> str:
    """`utc` as plain text, for sentences."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def exact_text(moment: datetime) -> str:
    """`exact` as plain text, for sentences."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}"


@register.filter
def duration(delta: timedelta | None) -> str:
    """`0.4 s`, `12 s`, `3 min 5 s`, `2 h 7 min`."""
    if delta is None:
        return NOTHING
    seconds = max(delta.total_seconds(), 0.0)
    if seconds < 9.95:
        return f"{number_formats.decimal(f'{seconds:.1f}')} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@register.filter
def byte_size(size: int | None) -> str:
    """`512 B`, `12.4 kB`, `3.1 MB`: units of a thousand, as file managers show them."""
    if size is None:
        return NOTHING
    if size < 1000:
        return f"{size} B"
    amount = float(size)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{number_formats.decimal(f'{amount:.1f}')} {unit}"
    return f"{number_formats.decimal(f'{amount / 1000:.1f}')} TB"


@register.filter
def grouped(number: int | None) -> str:
    """`12,345`."""
    return NOTHING if number is None else number_formats.grouped(number)


@register.filter
def plain(number: Any) -> str:
    """A number that is a name, such as a run's or a batch's id; never grouped."""
    return NOTHING if number is None else str(number)


@register.filter
def mode(export: str) -> str:
    """The label of an export mode: `Modified`, `New` or `All`."""
    return str(Task.Export(export).label)


def _badge(kind: str, word: str) -> SafeString:
    return format_html('<span class="status status-{}">{}{}</span>', kind, icon(kind), word)


def _time(moment: datetime, text: str, hover: str) -> SafeString:
    machine = utc_text(moment)
    return format_html('<time datetime="{}" title="{}">{}</time>', machine, hover, text)


def _distance(elapsed: timedelta) -> str:
    seconds = abs(elapsed.total_seconds())
    if seconds < 45:
        return _("just now") if elapsed >= timedelta(0) else _("in a moment")
    size, words = next((size, words) for limit, size, words in _UNITS if seconds < limit)
    count = max(round(seconds / size), 1)
    text = words(count) % {"count": count}
    sentence = _("%(time)s ago") if elapsed >= timedelta(0) else _("in %(time)s")
    return sentence % {"time": text}


_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
# Limit in seconds, unit in seconds, words. Each limit lies half a unit below the next unit, so that
# nothing is "60 minutes ago".
_UNITS: tuple[tuple[float, int, Callable[[int], str]], ...] = (
    (59.5 * _MINUTE, _MINUTE, lambda n: ngettext("%(count)s minute", "%(count)s minutes", n)),
    (23.5 * _HOUR, _HOUR, lambda n: ngettext("%(count)s hour", "%(count)s hours", n)),
    (45 * _DAY, _DAY, lambda n: ngettext("%(count)s day", "%(count)s days", n)),
    (540 * _DAY, 30 * _DAY, lambda n: ngettext("%(count)s month", "%(count)s months", n)),
    (float("inf"), 365 * _DAY, lambda n: ngettext("%(count)s year", "%(count)s years", n)),
)
