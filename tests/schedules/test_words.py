"""Cron text in words."""

import pytest

from exports.schedules.cron import parse
from exports.schedules.words import in_words


@pytest.mark.rule("S1")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("30 6 * * *", "Every day at 06:30"),
        ("0 6,18 * * *", "Every day at 06:00 and 18:00"),
        ("* * * * *", "Every minute"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("5 * * * *", "Every hour at minute 5"),
        ("7,9,40-50 * * * *", "Every hour at the minutes 7, 9, 40–50"),
        ("30 6 * * MON-FRI", "Monday to Friday at 06:30"),
        ("*/15 8-17 * * 1-5", "Monday to Friday every 15 minutes in the hours 8–17"),
        ("0 6 * * SUN,3", "On Wednesday and Sunday at 06:00"),
        ("0 6 * * 5-7", "Friday to Sunday at 06:00"),
        ("0 22 * * 0-6", "Every day at 22:00"),
        ("0 6 * * MON#1", "On the first Monday of the month at 06:00"),
        ("0 6 * * 5L", "On the last Friday of the month at 06:00"),
        ("0 18 L * *", "On the last day of the month at 18:00"),
        ("0 18 LW * *", "On the last weekday of the month at 18:00"),
        ("0 6 1W * *", "On the first weekday of the month at 06:00"),
        ("0 6 1,15 * *", "On days 1, 15 of the month at 06:00"),
        ("0 6 13 * FRI", "On day 13 of the month or on Friday at 06:00"),
        ("0 0 29 2 *", "On day 29 of the month in February at 00:00"),
        ("0 6 * 1,7 *", "Every day in January and July at 06:00"),
    ],
)
def test_text_reads_as_words(text: str, words: str) -> None:
    assert in_words(parse(text)) == words
