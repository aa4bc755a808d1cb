"""The scales of charts: round numbers and round times, few of them."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from exports.number_formats import decimal

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
# Steps that people count time in, in seconds.
_TIME_STEPS = (
    *(0.5, 1, 2, 5, 10, 15, 30),
    *(_MINUTE * count for count in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * count for count in (1, 2, 6, 12)),
)


@dataclass(frozen=True)
class Scale:
    """From 0 to `top`, with (value, text) at each tick, from the ground up."""

    top: float
    ticks: tuple[tuple[float, str], ...]


def count_scale(highest: int) -> Scale:
    """Two or three ticks of 1, 2 or 5 times a power of ten, up to `highest` or a bit above."""
    step = 1
    while step * 2 < highest:
        step = _next_round(step)
    return _scale(highest, step, count_text)


def time_scale(longest: float) -> Scale:
    """As `count_scale`, for seconds."""
    fitting = (step for step in _TIME_STEPS if step * 2 >= longest)
    step = next(fitting, None)
    if step is None:
        step = _DAY
        while step * 2 < longest:
            step *= 2
    return _scale(longest, step, time_text)


def count_text(number: float) -> str:
    """`950`, `2,000`, `15k`, `3M`: short enough for the margin of a chart."""
    for size, unit, letter in ((1_000_000, 1_000_000, "M"), (10_000, 1_000, "k")):
        if number >= size:
            return decimal(f"{number / unit:g}") + letter
    return decimal(f"{number:g}")


def time_text(seconds: float) -> str:
    """`0.5 s`, `45 s`, `10 min`, `2 h`, `3 d`."""
    if seconds < _MINUTE:
        return _("%(count)s s") % {"count": decimal(f"{seconds:.3g}")}
    if seconds < _HOUR:
        return _("%(count)s min") % {"count": decimal(f"{seconds / _MINUTE:.3g}")}
    if seconds < _DAY:
        return _("%(count)s h") % {"count": decimal(f"{seconds / _HOUR:.3g}")}
    return _("%(count)s d") % {"count": decimal(f"{seconds / _DAY:.3g}")}


def _scale(highest: float, step: float, text: Callable[[float], str]) -> Scale:
    count = 2 if highest > step else 1
    ticks = tuple((step * number, text(step * number)) for number in range(count + 1))
    return Scale(step * count, ticks)


def _next_round(step: int) -> int:
    """1, 2, 5, 10, 20, 50, …"""
    return step * 5 // 2 if str(step)[0] == "2" else step * 2
