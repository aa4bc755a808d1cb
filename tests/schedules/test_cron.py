"""Cron text is checked at the field, and gives the right moments when clocks change."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.schedules.cron import CronError, parse, zone_named

# With both changes in a year: by an hour, by half an hour, by two; and the same in the south.
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Antarctica/Troll",
    "Pacific/Auckland",
)


def upcoming(text: str, zone: str, after: str, count: int) -> list[str]:
    """The next due times by the clock on the wall, with its offset."""
    there = zone_named(zone)
    times = parse(text).due_times(there, datetime.fromisoformat(after).replace(tzinfo=UTC))
    return [f"{one.astimezone(there):%d %H:%M%z}" for one in islice(times, count)]


@pytest.mark.rule("S6")
@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        # Missing: at the first moment after the gap, once.
        ("30 2 * * *", "2026-03-28 12:00", ["29 03:00+0200", "30 02:30+0200"]),
        ("0,30 2 * * *", "2026-03-28 12:00", ["29 03:00+0200", "30 02:00+0200"]),
        ("30 */2 * * *", "2026-03-28 23:40", ["29 03:00+0200", "29 04:30+0200"]),
        ("*/20 2 * * *", "2026-03-28 12:00", ["29 03:00+0200", "30 02:00+0200"]),
        # Twice: once.
        ("30 2 * * *", "2026-10-24 12:00", ["25 02:30+0200", "26 02:30+0100"]),
        ("30 2 * * *", "2026-10-25 01:00", ["26 02:30+0100", "27 02:30+0100"]),
        # Every N minutes and hourly: by elapsed time.
        ("*/30 * * * *", "2026-03-29 00:15", ["29 01:30+0100", "29 03:00+0200"]),
        ("5 * * * *", "2026-03-29 00:00", ["29 01:05+0100", "29 03:05+0200"]),
        ("*/30 2 * * *", "2026-10-25 00:15", ["25 02:30+0200", "25 02:00+0100"]),
        ("5 0-23 * * *", "2026-10-25 00:00", ["25 02:05+0200", "25 02:05+0100"]),
    ],
)
def test_changed_clocks_lose_nothing(text: str, after: str, expected: list[str]) -> None:
    assert upcoming(text, "Europe/Berlin", after, 2) == expected


@pytest.mark.rule("S6")
def test_a_day_left_out_fires_after_it() -> None:
    # Samoa had no 30 December 2011.
    assert upcoming("0 12 30 12 *", "Pacific/Apia", "2011-12-01 00:00", 2) == [
        "31 00:00+1400",
        "30 12:00+1400",
    ]


@pytest.mark.rule("S6")
@pytest.mark.parametrize("zone", ZONES)
def test_every_day_of_a_year_fires_once(zone: str) -> None:
    there, start = zone_named(zone), datetime(2026, 1, 1, 12, tzinfo=UTC)
    for text in ("30 2 * * *", "10 2 * * *", "45 1 * * *", "0 0 * * *", "59 23 * * *"):
        times = list(islice(parse(text).due_times(there, start), 365))
        days = [one.astimezone(there).date() for one in times]
        assert all(after - before == timedelta(days=1) for before, after in pairwise(days)), text


@pytest.mark.rule("S6")
@pytest.mark.parametrize("zone", ZONES)
def test_minutes_go_by_elapsed_time(zone: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    times = list(islice(parse("*/30 * * * *").due_times(zone_named(zone), start), 366 * 48))

    assert {after - before for before, after in pairwise(times)} == {timedelta(minutes=30)}


@given(
    st.sampled_from(["30 2 * * *", "*/15 * * * *", "0 */2 * * *", "0 6 1W * *", "59 23 L * *"]),
    st.sampled_from(ZONES),
    st.integers(0, 366 * 24 * 60),
)
def test_the_next_time_depends_on_no_walk(text: str, zone: str, minute: int) -> None:
    there, cron = zone_named(zone), parse(text)
    after = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    walked = list(islice(cron.due_times(there, after), 5))

    assert walked == sorted(set(walked))
    assert walked[0] > after
    for one, following in pairwise(walked):
        assert cron.next_after(there, one) == following


def test_month_ends_and_first_weekdays() -> None:
    assert upcoming("0 18 L * *", "UTC", "2026-01-15 00:00", 3) == [
        "31 18:00+0000",
        "28 18:00+0000",
        "31 18:00+0000",
    ]
    # 1 February 2026 is a Sunday, 1 August a Saturday.
    assert upcoming("0 6 1W * *", "UTC", "2026-01-31 00:00", 1) == ["02 06:00+0000"]
    assert upcoming("0 6 1W * *", "UTC", "2026-07-31 00:00", 1) == ["03 06:00+0000"]
    assert upcoming("0 6 * * mon#1", "UTC", "2026-01-31 00:00", 1) == ["02 06:00+0000"]
    assert upcoming("0 6 * * 5L", "UTC", "2026-01-01 00:00", 1) == ["30 06:00+0000"]


@pytest.mark.rule("S8")
@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "0 of five fields"),
        ("30 6 * *", "4 of five fields"),
        ("0 30 6 * * *", "once a minute at most"),
        ("@daily", "0 0 * * *"),
        ("61 * * * *", "The minute 61"),
        ("* 24 * * *", "The hour 24"),
        ("* * 32 * *", "The day of the month 32"),
        ("* * * 13 *", "The month 13"),
        ("* * * * FRI-MON", "The day of the week FRI-MON"),
        ("*/0 * * * *", "The minute */0"),
        ("*/90 * * * *", "The step in */90"),
        ("0 0 31 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
        ("0 0 1W * MON", "1W"),
        ("² * * * *", "The minute ²"),
        ("1," * 60, "characters at most"),
    ],
)
def test_unusable_text_is_refused_in_words(text: str, part: str) -> None:
    with pytest.raises(CronError, match=re.escape(part)):
        parse(text)


@pytest.mark.rule("S8")
@pytest.mark.parametrize("name", ["", "Berlin", "Europe/Atlantis", "../etc", "Europe", " UTC"])
def test_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(CronError, match="Europe/Berlin"):
        zone_named(name)


@pytest.mark.rule("S8")
@given(st.lists(st.text("0123456789*/-,#LW ABMON@?", max_size=9), min_size=5, max_size=5))
def test_any_text_is_refused_or_comes(parts: list[str]) -> None:
    after, found = datetime(2026, 1, 1, tzinfo=UTC), None
    with suppress(CronError):
        found = parse(" ".join(parts)).next_after(zone_named("Europe/Berlin"), after)
        assert found is not None
    assert found is None or found > after
