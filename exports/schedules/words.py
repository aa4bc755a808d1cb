"""Cron text in words, in the language of the installation (rule S1)."""

import re
from typing import Final

from cronsim import CronSim
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from exports.schedules.cron import FIRST_WEEKDAY, Cron, simulation

_MAX_TIMES: Final = 6
_WORK_DAYS: Final = {1, 2, 3, 4, 5}
_ORDINALS: Final = {
    1: gettext_noop("the first %(day)s of the month"),
    2: gettext_noop("the second %(day)s of the month"),
    3: gettext_noop("the third %(day)s of the month"),
    4: gettext_noop("the fourth %(day)s of the month"),
    5: gettext_noop("the fifth %(day)s of the month"),
    CronSim.LAST: gettext_noop("the last %(day)s of the month"),
}


def in_words(cron: Cron) -> str:
    """`Monday to Friday at 06:30`."""
    sim = simulation(cron)
    days, months = _days(cron, sim), _months(sim)
    is_daily = not days and not months
    if months and not days:
        days = _("every day")
    parts = [days, months, _times(cron, sim, is_daily=is_daily)]
    text = " ".join(part for part in parts if part)
    return text[:1].upper() + text[1:]


def _times(cron: Cron, sim: CronSim, *, is_daily: bool) -> str:
    minutes, hours = sorted(sim.minutes), sorted(sim.hours)
    if len(minutes) * len(hours) <= _MAX_TIMES:
        clock = [f"{hour:02}:{minute:02}" for hour in hours for minute in minutes]
        message = _("every day at %(times)s") if is_daily else _("at %(times)s")
        return message % {"times": _list(clock)}
    often = _often(cron.fields[0], minutes)
    if cron.is_hourly:
        return often
    message = _("%(often)s in the hours %(hours)s")
    return message % {"often": often, "hours": _ranges(hours)}


def _often(field: str, minutes: list[int]) -> str:
    step = re.fullmatch(r"\*/(\d+)", field)
    if len(minutes) == 60 or (step and 60 % int(step[1]) == 0):
        every = 60 // len(minutes)
        return ngettext("every minute", "every %(count)s minutes", every) % {"count": every}
    if len(minutes) == 1:
        return _("every hour at minute %(minute)s") % {"minute": minutes[0]}
    return _("every hour at the minutes %(minutes)s") % {"minutes": _ranges(minutes)}


def _days(cron: Cron, sim: CronSim) -> str:
    """The days, or "" for all of them."""
    of_month, of_week = cron.fields[2], cron.fields[4]
    month_days = "" if of_month in ("*", "*/1") else _month_days(of_month, sim)
    week_days = "" if of_week in ("*", "*/1") else _week_days(sim)
    if not month_days or not week_days:
        return month_days or week_days
    if sim.day_and:
        message = _("%(days)s, only if it is %(weekdays)s,")
        return message % {"days": month_days, "weekdays": week_days}
    return _("%(days)s or %(weekdays)s") % {"days": month_days, "weekdays": week_days}


def _month_days(field: str, sim: CronSim) -> str:
    if field == FIRST_WEEKDAY:
        return _("on the first weekday of the month")
    numbers = sorted(day for day in sim.days if day > 0)
    found = []
    if numbers:
        message = ngettext(
            "on day %(days)s of the month", "on days %(days)s of the month", len(numbers)
        )
        found.append(message % {"days": _ranges(numbers)})
    if CronSim.LAST in sim.days:
        found.append(_("on the last day of the month"))
    if CronSim.LAST_WEEKDAY in sim.days:
        found.append(_("on the last weekday of the month"))
    return _list(found)


def _week_days(sim: CronSim) -> str:
    plain = sorted({day % 7 or 7 for day in sim.weekdays if isinstance(day, int)})
    found = []
    if set(plain) == _WORK_DAYS:
        found.append(_("Monday to Friday"))
    elif len(plain) == 7:
        return ""
    elif len(plain) > 2 and plain[-1] - plain[0] == len(plain) - 1:
        params = {"first": _weekday(plain[0]), "last": _weekday(plain[-1])}
        found.append(_("%(first)s to %(last)s") % params)
    elif plain:
        names = [_weekday(day) for day in plain]
        found.append(_("on %(weekdays)s") % {"weekdays": _list(names)})
    nth = sorted(day for day in sim.weekdays if isinstance(day, tuple))
    for day, number in nth:
        found.append(_("on %(which)s") % {"which": _(_ORDINALS[number]) % {"day": _weekday(day)}})
    return _list(found)


def _months(sim: CronSim) -> str:
    if len(sim.months) == 12:
        return ""
    return _("in %(months)s") % {"months": _list([str(MONTHS[one]) for one in sorted(sim.months)])}


def _weekday(day: int) -> str:
    """The name of a day of cron: 0 and 7 are Sunday."""
    return str(WEEKDAYS[(day - 1) % 7])


def _ranges(numbers: list[int]) -> str:
    """`8–17, 20`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    texts = []
    for part in parts:
        texts += [f"{part[0]}–{part[-1]}"] if len(part) > 2 else [str(one) for one in part]
    return ", ".join(texts)


def _list(items: list[str]) -> str:
    return get_text_list(items, _("and"))
