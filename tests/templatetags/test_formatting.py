"""How times, sizes and figures are shown."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import translation

from exports.templatetags.formatting import (
    byte_size,
    duration,
    exact,
    grouped,
    mode,
    outcome,
    plain,
    relative,
    worst_outcome,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("elapsed", "words"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=44), "just now"),
        (timedelta(seconds=45), "1 minute ago"),
        (timedelta(minutes=2, seconds=20), "2 minutes ago"),
        (timedelta(minutes=59, seconds=40), "1 hour ago"),
        (timedelta(hours=23, minutes=40), "1 day ago"),
        (timedelta(days=40), "40 days ago"),
        (timedelta(days=100), "3 months ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(seconds=-10), "in a moment"),
        (timedelta(minutes=-5), "in 5 minutes"),
    ],
)
def test_a_time_is_shown_as_a_distance(elapsed: timedelta, words: str) -> None:
    with time_machine.travel(NOW, tick=False):
        shown = relative(NOW - elapsed)

    assert re.sub("<[^>]+>", "", shown) == words


def test_time_carries_exact_form_and_zone() -> None:
    with time_machine.travel(NOW, tick=False):
        assert relative(NOW) == (
            '<time datetime="2026-03-01T12:00:00Z" title="2026-03-01 12:00:00 UTC">just now</time>'
        )
        assert exact(NOW) == (
            '<time datetime="2026-03-01T12:00:00Z" title="2026-03-01T12:00:00Z">'
            "2026-03-01 12:00:00 UTC</time>"
        )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0.0 s"),
        (0.44, "0.4 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (7620, "2 h 7 min"),
    ],
)
def test_duration_shows_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (12_400, "12.4 kB"),
        (999_960, "1.0 MB"),
        (3_100_000, "3.1 MB"),
        (2_500_000_000_000, "2.5 TB"),
    ],
)
def test_a_size_is_shown_in_a_fitting_unit(size: int, words: str) -> None:
    assert byte_size(size) == words


def test_durations_and_sizes_follow_the_language() -> None:
    with translation.override("de"):
        assert duration(timedelta(seconds=0.24)) == "0,2 s"
        assert (byte_size(1_100_000), byte_size(1_500_000_000_000_000)) == ("1,1 MB", "1.500,0 TB")


def test_export_mode_is_named_as_on_form() -> None:
    assert [mode(export) for export in ("all", "modified", "new")] == ["All", "Modified", "New"]
    with translation.override("de"):
        assert mode("modified") != "Modified"


def test_figures_are_grouped_and_names_are_not() -> None:
    assert (grouped(1_234_567), plain(1_234_567)) == ("1,234,567", "1234567")


def test_what_is_not_there_is_a_dash() -> None:
    shown = [relative(None), exact(None), duration(None), byte_size(None), grouped(None)]
    assert shown == ["–"] * 5


def test_outcome_is_icon_and_word() -> None:
    steps = [{"outcome": name} for name in ("passed", "warning", "skipped")]

    assert worst_outcome(steps) == outcome("warning")
    assert "<svg" in outcome("warning")
    assert outcome("warning").endswith("Warning</span>")
    assert worst_outcome([*steps, {"outcome": "failed"}]) == outcome("failed")
    assert worst_outcome([]) == outcome("passed")
