"""The charts: shapes, ticks and texts, without a database."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest
from django.utils import translation
from lxml import etree

from exports.charts import plots, scales
from exports.charts.plots import Day, RunPoint

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
ONE_OF_EACH = [
    RunPoint(1, "succeeded", 100, 60.0, NOON),
    RunPoint(2, "suspicious", 0, 1.0, NOON),
    RunPoint(3, "failed", None, 30.0, NOON),
    RunPoint(4, "cancelled", None, None, NOON),
    RunPoint(5, "running", None, None, NOON),
    RunPoint(6, "queued", None, None, None),
]


def drawn(markup: str) -> etree._Element:
    return etree.fromstring(markup)


def shapes(run: etree._Element) -> list[str]:
    """The shapes of a run, without its title and the area for the pointer."""
    return [
        f"{shape.tag} {shape.get('class')}"
        for shape in run
        if shape.tag != "title" and shape.get("class") != "chart-hit"
    ]


@pytest.mark.parametrize("draw", [plots.spark, plots.batches_by_run])
def test_each_outcome_has_a_shape_of_its_own(draw: object) -> None:
    assert callable(draw)
    marks = drawn(draw(ONE_OF_EACH)).findall(".//g")
    assert [mark.get("class") for mark in marks] == [
        "mark-succeeded",
        "mark-suspicious",
        "mark-failed",
        "mark-cancelled",
        "mark-running",
        "mark-queued",
    ]
    assert [shapes(mark) for mark in marks] == [
        ["rect chart-bar"],
        ["rect chart-bar", "path chart-bar"],
        ["path chart-cross"],
        ["rect chart-hollow"],
        ["circle chart-hollow"],
        ["circle chart-hollow"],
    ]


def test_every_bar_says_what_it_stands_for() -> None:
    titles = drawn(plots.batches_by_run(ONE_OF_EACH)).findall(".//title")
    assert [title.text for title in titles] == [
        "Run 1 · 2026-03-10 12:00 · Succeeded · Batches: 100",
        "Run 2 · 2026-03-10 12:00 · Succeeded, suspicious · Batches: 0",
        "Run 3 · 2026-03-10 12:00 · Failed",
        "Run 4 · 2026-03-10 12:00 · Cancelled",
        "Run 5 · 2026-03-10 12:00 · Running",
        "Run 6 · – · Queued",
    ]


def test_a_chart_says_in_words_what_it_shows() -> None:
    runs = [RunPoint(1, "succeeded", 3), RunPoint(2, "succeeded", 3), RunPoint(3, "failed")]
    params = "3 runs: 2 Succeeded, 1 Failed."
    assert drawn(plots.spark(runs)).get("aria-label") == params
    label = drawn(plots.batches_by_run(runs)).get("aria-label")
    assert label == f"Batches of the last runs, oldest first. {params}"


def test_bars_are_as_high_as_their_batches() -> None:
    runs = [RunPoint(number, "succeeded", count) for number, count in enumerate((0, 50, 100))]
    bars = drawn(plots.batches_by_run(runs)).findall(".//rect[@class='chart-bar']")
    assert [bar.get("height") for bar in bars] == ["1.5", "53.0", "106.0"]
    assert {float(bar.get("y")) + float(bar.get("height")) for bar in bars} == {118.0}


def test_newest_run_is_right_and_twenty_are_shown() -> None:
    runs = [RunPoint(number, "succeeded", 1) for number in range(30)]
    few = drawn(plots.spark(runs[:2])).findall(".//rect[@class='chart-bar']")
    assert [bar.get("x") for bar in few] == ["127.0", "134.0"]
    many = drawn(plots.spark(runs))
    assert len(many.findall(".//g")) == 20
    assert many.findtext(".//g[20]/title") == "Run 29 · – · Succeeded · Batches: 1"


def test_bars_that_can_be_hit_are_links() -> None:
    runs = [RunPoint(number, "succeeded", 1, url=f"/runs/{number}/") for number in range(11)]
    wide, narrow = drawn(plots.batches_by_run(runs[:10])), drawn(plots.batches_by_run(runs))
    assert [link.get("href") for link in wide.findall(".//a")] == [
        f"/runs/{number}/" for number in range(10)
    ]
    assert wide.get("role") == "group"
    assert narrow.findall(".//a") == []
    assert narrow.get("role") == "img"


def test_outcomes_of_a_day_are_stacked() -> None:
    days = [
        Day(date(2026, 3, 9), Counter()),
        Day(date(2026, 3, 10), Counter(succeeded=6, failed=3, suspicious=1)),
    ]
    chart = drawn(plots.outcomes_by_day(days))
    empty, full = (column for column in chart.findall("g"))
    assert [shape.tag for shape in empty] == ["title"]
    assert full.findtext("title") == "10 Mar 2026: 6 Succeeded, 1 Succeeded, suspicious, 3 Failed."
    bars = [(b.get("class"), b.get("y"), b.get("height")) for b in full.findall("rect")]
    assert bars == [
        ("stack-succeeded", "54.4", "63.6"),
        ("stack-suspicious", "43.8", "10.6"),
        ("stack-failed", "12.0", "31.8"),
    ]
    assert {p.get("id") for p in chart.iter("pattern")} == {"pattern-suspicious", "pattern-failed"}


@pytest.mark.parametrize("chart", [plots.spark, plots.batches_by_run, plots.seconds_by_run])
def test_no_run_at_all_is_an_empty_chart(chart: object) -> None:
    assert callable(chart)
    assert drawn(chart([])).findall(".//g") == []


def test_text_of_a_page_cannot_leave_its_attribute() -> None:
    runs = [RunPoint(1, "succeeded", 1, url='/runs/1/"><script>')]
    markup = plots.batches_by_run(runs)
    assert "<script" not in markup
    assert drawn(markup).find(".//a").get("href") == '/runs/1/"><script>'


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0, ["0", "1"]),
        (1, ["0", "1"]),
        (2, ["0", "1", "2"]),
        (7, ["0", "5", "10"]),
        (100, ["0", "50", "100"]),
        (1_001, ["0", "1,000", "2,000"]),
        (15_000, ["0", "10k", "20k"]),
        (1_900_000, ["0", "1M", "2M"]),
    ],
)
def test_counts_have_few_round_ticks(highest: int, ticks: list[str]) -> None:
    scale = scales.count_scale(highest)
    assert [text for _, text in scale.ticks] == ticks
    assert scale.top >= highest


@pytest.mark.parametrize(
    ("longest", "ticks"),
    [
        (0.0, ["0 s", "0.5 s"]),
        (9.0, ["0 s", "5 s", "10 s"]),
        (61.0, ["0 s", "1 min", "2 min"]),
        (5_000.0, ["0 s", "1 h", "2 h"]),
        (200_000.0, ["0 s", "2 d", "4 d"]),
    ],
)
def test_times_have_few_round_ticks(longest: float, ticks: list[str]) -> None:
    scale = scales.time_scale(longest)
    assert [text for _, text in scale.ticks] == ticks
    assert scale.top >= longest


def test_axis_figures_follow_the_language() -> None:
    with translation.override("de"):
        counts = [scales.count_text(number) for number in (950, 4_000, 12_500, 2_500_000)]
        assert counts == ["950", "4.000", "12,5k", "2,5M"]
        assert scales.time_text(0.5).startswith("0,5")
