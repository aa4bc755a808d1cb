"""Cron text: five fields, checked, and its due times in a time zone (rules S1, S6, S8).

`cronsim` finds the wall-clock times that match; turning them into moments is done here, as a time
of day may be missing or come twice when clocks change.
"""

import calendar
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from exports.connectwise.filter.literals import shown
from exports.connectwise.language import Message, gettext_noop
from exports.connectwise.language import gettext as _

MAX_CHARACTERS: Final = 100
# The first weekday of the month, as Quartz and others write it; `cronsim` does not know it.
FIRST_WEEKDAY: Final = "1W"
_FIELDS: Final = {
    "minute": gettext_noop("The minute %(part)s is not one: write 0 to 59, * or */5."),
    "hour": gettext_noop("The hour %(part)s is not one: write 0 to 23, * or 8-17."),
    "day-of-month": gettext_noop(
        "The day of the month %(part)s is not one: write 1 to 31, * or L for the last day."
    ),
    "month": gettext_noop("The month %(part)s is not one: write 1 to 12, JAN to DEC or *."),
    "day-of-week": gettext_noop(
        "The day of the week %(part)s is not one: write MON-FRI, 0 to 7 (0 and 7 are Sunday), "
        "MON#1 for the first Monday of the month, 5L for its last Friday, or *."
    ),
}
_SHORTCUTS: Final = {
    "@YEARLY": "0 0 1 1 *",
    "@ANNUALLY": "0 0 1 1 *",
    "@MONTHLY": "0 0 1 * *",
    "@WEEKLY": "0 0 * * SUN",
    "@DAILY": "0 0 * * *",
    "@MIDNIGHT": "0 0 * * *",
    "@HOURLY": "0 * * * *",
}
_ALL_HOURS: Final = set(range(24))


class CronError(ValueError):
    """Cron text or a zone that cannot be used; `message` says what a right one looks like."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Cron:
    """Checked cron text; `parse` makes it."""

    text: str
    # A time that comes twice when clocks are set back counts both times.
    repeats: bool
    # All hours: a time that is missing when clocks are set forward is left out.
    is_hourly: bool

    @property
    def fields(self) -> list[str]:
        return self.text.split()

    def due_times(self, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
        """Every due time later than `after`, in UTC, rising; ends with the calendar."""
        last, twice = after, list[datetime]()
        for wall in self._wall_times(_first_wall_time(zone, after)):
            moments = _moments(wall, zone)
            first = moments[0] if moments else _end_of_gap(wall, zone)
            while twice and twice[0] < first:
                later = heapq.heappop(twice)
                if later > last:
                    yield (last := later)
            if self.repeats and len(moments) > 1:
                heapq.heappush(twice, moments[1])
            if (moments or not self.is_hourly) and first > last:
                yield (last := first)

    def next_after(self, zone: ZoneInfo, after: datetime) -> datetime | None:
        return next(self.due_times(zone, after), None)

    def _wall_times(self, start: datetime) -> Iterator[datetime]:
        fields = self.fields
        is_first_weekday = fields[2] == FIRST_WEEKDAY
        if is_first_weekday:
            fields[2] = "1-3"
        try:
            for wall in CronSim(" ".join(fields), start):
                if not is_first_weekday or wall.day == _first_weekday(wall):
                    yield wall
        except (OverflowError, ValueError, RuntimeError):
            return  # the end of the calendar


@lru_cache(maxsize=4096)
def parse(text: str) -> Cron:
    """The cron text in one spelling. Raises CronError."""
    fields = text.upper().split()
    _check_form(text, fields)
    sim = _simulated(fields)
    is_hourly = set(sim.hours) == _ALL_HOURS
    cron = Cron(" ".join(fields), is_hourly or fields[0].startswith("*"), is_hourly)
    if next(cron._wall_times(datetime(2024, 1, 1)), None) is None:  # noqa: DTZ001
        raise CronError(_never(text))
    return cron


def simulation(cron: Cron) -> CronSim:
    """The text as `cronsim` reads it: the sets of minutes, hours, days, months, weekdays."""
    return _simulated(cron.fields)


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """The IANA zone of this name. Raises CronError."""
    try:
        if name and name == name.strip() and len(name) < 64:
            return ZoneInfo(name)
    # ValueError for a path outside the zone database, OSError for one of its folders.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    message = _("There is no time zone %(zone)s: write an IANA name such as Europe/Berlin.")
    raise CronError(message % {"zone": shown(name)})


def local_time(zone: str, moment: datetime) -> str:
    """`2026-03-01 06:30` by the clocks there; in UTC where the zone is unknown by now."""
    try:
        there: tzinfo = zone_named(zone)
    except CronError:
        there = UTC
    return f"{moment.astimezone(there):%Y-%m-%d %H:%M}"


def _check_form(text: str, fields: list[str]) -> None:
    if len(text) > MAX_CHARACTERS:
        message = _("Cron text has %(most)s characters at most; this has %(count)s.")
        raise CronError(message % {"most": MAX_CHARACTERS, "count": len(text)})
    if len(fields) == 1 and fields[0] in _SHORTCUTS:
        message = _("Write %(shortcut)s in five fields: %(text)s.")
        params = {"shortcut": shown(text.strip()), "text": _SHORTCUTS[fields[0]]}
        raise CronError(message % params)
    if len(fields) in (6, 7):
        message = _(
            "This has %(count)s fields. A schedule fires once a minute at most: leave out the "
            "seconds and write five fields: minute, hour, day of the month, month, day of the "
            "week, e.g. 30 6 * * MON-FRI."
        )
        raise CronError(message % {"count": len(fields)})
    if len(fields) != 5:
        message = _(
            "This has %(count)s of five fields: minute, hour, day of the month, month, day of "
            "the week, e.g. 30 6 * * MON-FRI."
        )
        raise CronError(message % {"count": len(fields)})


def _simulated(fields: list[str]) -> CronSim:
    """The parsed fields. Raises CronError that names the wrong one."""
    fields = list(fields)
    if fields[2] == FIRST_WEEKDAY:
        if fields[4] != "*":
            message = _(
                "1W is the first weekday of the month: write * for the day of the week with it."
            )
            raise CronError(message)
        fields[2] = "1-3"
    for place, (name, sentence) in enumerate(_FIELDS.items()):
        alone = ["*"] * 5
        alone[place] = fields[place]
        try:
            CronSim(" ".join(alone), datetime(2024, 1, 1))  # noqa: DTZ001
        except (CronSimError, ValueError, AssertionError):
            raise CronError(_(sentence) % {"part": shown(fields[place])}) from None
        _check_part(name, fields[place])
    try:
        return CronSim(" ".join(fields), datetime(2024, 1, 1))  # noqa: DTZ001
    except CronSimError:
        # Each field is right by itself: the days do not exist in these months.
        raise CronError(_never(" ".join(fields))) from None


def _check_part(name: str, part: str) -> None:
    """Refuse a step that `cronsim` takes, but that means something else than it says."""
    last = {"minute": 59, "hour": 23, "day-of-month": 31, "month": 12, "day-of-week": 7}[name]
    for term in part.split(","):
        step = term.partition("/")[2]
        if step and int(step) > last:
            message = _("The step in %(part)s is too large: write %(last)s at most.")
            raise CronError(message % {"part": shown(term), "last": last})


def _never(text: str) -> Message:
    message = _(
        "%(text)s never comes: no such day exists in those months. For the last day of each "
        "month write L as the day, e.g. 0 18 L * *."
    )
    return message % {"text": shown(text)}


def _first_weekday(day: date) -> int:
    """The day of its month's first Monday to Friday."""
    return {calendar.SATURDAY: 3, calendar.SUNDAY: 2}.get(day.replace(day=1).weekday(), 1)


def _first_wall_time(zone: ZoneInfo, after: datetime) -> datetime:
    """Where the walk begins: earlier by what the clock is set back around `after`."""
    local = after.astimezone(zone)
    before, later = (
        (after + timedelta(days=days)).astimezone(zone).utcoffset() for days in (-1, 1)
    )
    set_back = max((before or timedelta()) - (later or timedelta()), timedelta())
    return local.replace(tzinfo=None) - set_back


def _moments(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """The moments, in UTC, at which clocks show this time: none, one or two."""
    both = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return sorted({at for at in both if at.astimezone(zone).replace(tzinfo=None) == wall})


def _end_of_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first moment after the gap in which the time of day would lie."""
    # By the offset after the change the time lies before it, by the one before it after.
    low, high = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
    old = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
