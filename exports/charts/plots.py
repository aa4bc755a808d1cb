"""Charts of runs as SVG, drawn on the server: plain data in, markup out. No queries.

The canvas has 320 × 140 units and scales with its column; colours are classes in charts.css. Each
outcome has a shape as well as a colour: a bar for an export, a triangle above a suspicious one, a
cross for a failure, an empty square for a cancelled run.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from django.utils.formats import date_format
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from lxml import etree

from exports.charts import drawing, scales
from exports.charts.drawing import GROUND, HEIGHT, LEFT, TOP, WIDTH, Element

# The order in which outcomes are stacked, from the bottom, and listed.
OUTCOMES = {
    "succeeded": gettext_lazy("Succeeded"),
    "suspicious": gettext_lazy("Succeeded, suspicious"),
    "failed": gettext_lazy("Failed"),
    "cancelled": gettext_lazy("Cancelled"),
    "running": gettext_lazy("Running"),
    "queued": gettext_lazy("Queued"),
}
_SPARK_STEP, _SPARK_HEIGHT, SPARK_BARS = 7, 28, 20
_SPARK_BASELINE = _SPARK_HEIGHT - 2
# Stands in for a title until there is one.
_TITLE = "–title–"
# A bar this wide is 24 pixels on a small phone: wide enough for a finger, so it may be a link.
_TARGET = 26
_SWATCH_HEIGHTS = {"succeeded": 10, "suspicious": 3}
# The width of a day's name under a chart.
_LABEL = 36


@dataclass(frozen=True)
class RunPoint:
    """One run. `outcome` is one of OUTCOMES; times are in the zone they are shown in."""

    number: int
    outcome: str
    batch_count: int | None = None
    seconds: float | None = None
    started_at: datetime | None = None
    url: str = ""


@dataclass(frozen=True)
class Day:
    """How many runs of each outcome started that day."""

    day: date
    counts: Counter[str]


def spark(points: Sequence[RunPoint]) -> SafeString:
    """The newest 20 runs, oldest first, as a row of small bars; heights are batches."""
    points = points[-SPARK_BARS:]
    width = SPARK_BARS * _SPARK_STEP
    svg = etree.Element(
        "svg", viewBox=f"0 0 {width} {_SPARK_HEIGHT}", attrib={"class": "spark", "role": "img"}
    )
    svg.set("aria-label", summary(points))
    highest = max((point.batch_count or 0 for point in points), default=0) or 1
    ground = f"M0 {_SPARK_BASELINE + 1}H{width}"
    etree.SubElement(svg, "path", d=ground, attrib={"class": "chart-ground"})
    # The newest run stands at the right edge, however few there are.
    begins = SPARK_BARS - len(points)
    bars = []
    for place, (point, title) in enumerate(zip(points, titles(points), strict=True), begins):
        height = (_SPARK_BASELINE - 8) * (point.batch_count or 0) / highest
        before, after = _spark_bar(point.outcome, place, round(height, 1))
        bars += [before, escape(title), after]
    return SafeString(drawing.markup(svg).replace("</svg>", "".join([*bars, "</svg>"])))


@lru_cache(maxsize=4096)
def _spark_bar(outcome: str, place: int, height: float) -> tuple[str, str]:
    """The markup before and after a bar's title: a page has hundreds of bars, few of them differ.

    Drawn one by one, they would take longer than the rest of Home.
    """
    parent = etree.Element("g")
    x = place * _SPARK_STEP + 1
    drawing.draw_run(parent, outcome, x, _SPARK_STEP - 2, _SPARK_BASELINE, height, _TITLE)
    before, _title, after = drawing.markup(parent[0]).partition(_TITLE)
    return before, after


def batches_by_run(points: Sequence[RunPoint]) -> SafeString:
    """One bar a run, oldest first: the batches it exported."""
    label = _("Batches of the last runs, oldest first. %(summary)s") % {"summary": summary(points)}
    highest = max((point.batch_count or 0 for point in points), default=0)
    return _by_run(points, label, scales.count_scale(highest), lambda point: point.batch_count or 0)


def seconds_by_run(points: Sequence[RunPoint]) -> SafeString:
    """One bar a run, oldest first: how long it took."""
    longest = max((point.seconds or 0 for point in points), default=0)
    scale = scales.time_scale(longest)
    label = _("Duration of the last runs, oldest first; the longest took %(longest)s.") % {
        "longest": scales.time_text(longest)
    }
    return _by_run(points, label, scale, lambda point: point.seconds or 0)


def titles(points: Sequence[RunPoint]) -> list[str]:
    """The tooltip of each bar: `Run 42 · 2026-11-24 03:44 · Succeeded · Batches: 284`."""
    # Translated once: looking a word up costs more than drawing a bar.
    words = {name: str(word) for name, word in OUTCOMES.items()}
    plain = _("Run %(run)s · %(when)s · %(outcome)s")
    counted = _("Run %(run)s · %(when)s · %(outcome)s · Batches: %(count)s")
    return [
        (plain if point.batch_count is None else counted)
        % {
            "run": point.number,
            "when": f"{point.started_at:%Y-%m-%d %H:%M}" if point.started_at else "–",
            "outcome": words[point.outcome],
            "count": point.batch_count,
        }
        for point in points
    ]


def outcomes_by_day(days: Sequence[Day]) -> SafeString:
    """One column a day, oldest first: its runs, stacked by outcome."""
    highest = max((sum(day.counts.values()) for day in days), default=0)
    scale = scales.count_scale(highest)
    svg = drawing.empty_chart(_("Runs of each day by outcome, oldest first."), scale)
    drawing.define_patterns(svg)
    step = _step(days)
    for place, day in enumerate(days):
        column = etree.SubElement(svg, "g")
        etree.SubElement(column, "title").text = day_label(day)
        stands_on = float(GROUND)
        for outcome in OUTCOMES:
            height = (GROUND - TOP) * day.counts[outcome] / scale.top
            if height:
                stands_on -= height
                x = LEFT + place * step + step * 0.1
                drawing.draw_bar(column, f"stack-{outcome}", x, stands_on, step * 0.8, height)
    _ends(svg, [day.day for day in days], LEFT + step * len(days))
    return drawing.markup(svg)


def swatch(outcome: str) -> SafeString:
    """The shape of an outcome, for a legend."""
    svg = etree.Element("svg", viewBox="0 0 10 12", attrib={"class": "swatch"})
    svg.set("aria-hidden", "true")
    drawing.draw_run(svg, outcome, 1, 8, 11, _SWATCH_HEIGHTS.get(outcome, 0), "")
    return drawing.markup(svg)


def summary(points: Sequence[RunPoint]) -> str:
    """`20 runs: 17 Succeeded, 3 Failed.`: the chart in words, for screen readers."""
    counts = Counter(point.outcome for point in points)
    run_count = ngettext("%(count)s run", "%(count)s runs", len(points)) % {"count": len(points)}
    return _("%(runs)s: %(outcomes)s.") % {"runs": run_count, "outcomes": _outcomes(counts)}


def day_label(day: Day) -> str:
    return _("%(day)s: %(outcomes)s.") % {
        "day": date_format(day.day, "j M Y"),
        "outcomes": _outcomes(day.counts),
    }


def _outcomes(counts: Counter[str]) -> str:
    found = [f"{counts[name]} {word}" for name, word in OUTCOMES.items() if counts[name]]
    return ", ".join(found) or _("none")


def _by_run(
    points: Sequence[RunPoint],
    label: str,
    scale: scales.Scale,
    amount: Callable[[RunPoint], float],
) -> SafeString:
    svg = drawing.empty_chart(label, scale)
    step = _step(points)
    is_linked = step >= _TARGET and all(point.url for point in points)
    if is_linked:
        svg.set("role", "group")
    for place, (point, title) in enumerate(zip(points, titles(points), strict=True)):
        height = (GROUND - TOP) * amount(point) / scale.top
        parent = svg
        if is_linked:
            parent = etree.SubElement(svg, "a", href=point.url)
            parent.set("aria-label", title)
        x = LEFT + place * step + step * 0.1
        drawing.draw_run(parent, point.outcome, x, step * 0.8, GROUND, height, title)
    days = [point.started_at.date() for point in points if point.started_at]
    _ends(svg, days, LEFT + step * len(points))
    return drawing.markup(svg)


def _step(columns: Sequence[object]) -> float:
    # Few stand as close as ten would, so that two do not become two walls.
    return (WIDTH - LEFT) / max(len(columns), 10)


def _ends(svg: Element, days: Sequence[date], right: float) -> None:
    """The first and the last day, under the columns, which end at `right`."""
    if days:
        drawing.write_text(svg, date_format(days[0], "j M"), LEFT, HEIGHT - 6, "start")
    if len(days) > 1 and days[0] != days[-1] and right > LEFT + 2 * _LABEL:
        drawing.write_text(svg, date_format(days[-1], "j M"), right, HEIGHT - 6, "end")
