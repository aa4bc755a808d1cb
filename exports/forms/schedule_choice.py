"""The simple choice of a schedule's form: how often, written as cron text and read back (S1)."""

import re
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# These divide an hour, so that the minutes between two times are always the same.
EVERY: Final = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
DAYS: Final = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
DAY_CHOICES: Final = tuple(zip(DAYS, (WEEKDAYS[day] for day in range(7)), strict=True))
_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3])[:.]([0-5][0-9])")


class Often(models.TextChoices):
    """The choices; all but the last need no cron text."""

    MINUTES = "minutes", gettext_lazy("Every so many minutes")
    HOURLY = "hourly", gettext_lazy("Every hour")
    DAILY = "daily", gettext_lazy("Every day")
    WEEKDAYS = "weekdays", gettext_lazy("Monday to Friday")
    WEEKLY = "weekly", gettext_lazy("Once a week")
    MONTH_END = "month_end", gettext_lazy("On the last day of the month")
    FIRST_WEEKDAY = "first_weekday", gettext_lazy("On the first weekday of the month")
    TEXT = "text", gettext_lazy("As cron text")


# The fields that each choice reads besides.
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    Often.MINUTES: ("every",),
    Often.HOURLY: ("minute",),
    Often.DAILY: ("time",),
    Often.WEEKDAYS: ("time",),
    Often.WEEKLY: ("weekday", "time"),
    Often.MONTH_END: ("time",),
    Often.FIRST_WEEKDAY: ("time",),
    Often.TEXT: ("cron",),
}
_DAYS_OF: Final = {
    Often.DAILY: "* * *",
    Often.WEEKDAYS: "* * MON-FRI",
    Often.MONTH_END: "L * *",
    Often.FIRST_WEEKDAY: "1W * *",
}


def cron_text(often: str, typed: Mapping[str, str]) -> str:
    """The cron text of a choice. Raises ValidationError by field."""
    if often == Often.TEXT:
        return " ".join(typed["cron"].split())
    if often == Often.MINUTES:
        every = _every(typed["every"])
        return "* * * * *" if every == "1" else f"*/{every} * * * *"
    if often == Often.HOURLY:
        return f"{_minute(typed['minute'])} * * * *"
    days = _DAYS_OF[Often(often)] if often != Often.WEEKLY else f"* * {_weekday(typed['weekday'])}"
    return f"{_time(typed['time'])} {days}"


def choice_of(text: str) -> dict[str, str]:
    """The choice that writes this text, as form data; `text` for what none of them writes."""
    text = " ".join(text.upper().split())
    if step := re.fullmatch(r"\*(?:/([0-9]+))? \* \* \* \*", text):
        every = step[1] or "1"
        if int(every) in EVERY:
            return {"often": Often.MINUTES, "every": every}
    if hourly := re.fullmatch(r"([0-9]+) \* \* \* \*", text):
        return {"often": Often.HOURLY, "minute": hourly[1]}
    if timed := re.fullmatch(r"([0-9]+) ([0-9]+) (\S+ \* \S+)", text):
        time, days = f"{int(timed[2]):02}:{int(timed[1]):02}", timed[3].replace("1-5", "MON-FRI")
        for often, written in _DAYS_OF.items():
            if days == written:
                return {"often": often, "time": time}
        if days[:4] == "* * " and days[4:] in DAYS:
            return {"often": Often.WEEKLY, "time": time, "weekday": days[4:]}
    return {"often": Often.TEXT, "cron": text}


def _every(typed: str) -> str:
    if not typed.isdecimal() or int(typed) not in EVERY:
        numbers = ", ".join(map(str, EVERY))
        message = _(
            "Write how many minutes: one of %(numbers)s, which divide an hour. Once a minute is "
            "the most."
        )
        raise ValidationError({"every": message % {"numbers": numbers}})
    return str(int(typed))


def _minute(typed: str) -> int:
    if not typed.isascii() or not typed.isdigit() or int(typed) > 59:
        raise ValidationError({"minute": _("Write the minute of the hour, 0 to 59.")})
    return int(typed)


def _time(typed: str) -> str:
    clock = _CLOCK.fullmatch(typed)
    if clock is None:
        message = _("Write the time of day from 00:00 to 23:59, e.g. 06:30.")
        raise ValidationError({"time": message})
    return f"{int(clock[2])} {int(clock[1])}"


def _weekday(typed: str) -> str:
    if typed not in DAYS:
        raise ValidationError({"weekday": _("Choose a day of the week.")})
    return typed


def typed_parts(often: str, value: Any) -> dict[str, str]:
    """The text of the fields that a choice reads; `value` looks one up."""
    return {name: str(value(name) or "").strip() for name in PARTS.get(often, ())}
