"""What pages show of schedules: the list's lines, what is missed, the next days."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import islice, takewhile
from typing import Final

from django.db.models import F, OuterRef, QuerySet, Subquery

from exports.models import DueTime, Schedule, Task
from exports.schedules import cron
from exports.schedules.words import in_words

DAYS_AHEAD: Final = 7
MAX_SCHEDULES: Final = 200
# More on one day are told in words.
_MAX_TIMES: Final = 6


@dataclass(frozen=True)
class ScheduleLine:
    """A schedule with its words and its newest due time."""

    schedule: Schedule
    words: str
    last: DueTime | None


@dataclass(frozen=True)
class DayEntry:
    """What a schedule does on one day: its times; often ones are told in words instead."""

    schedule: Schedule
    times: list[datetime]
    often: str = ""


@dataclass(frozen=True)
class Day:
    day: date
    entries: list[DayEntry]


def words_of(schedule: Schedule) -> str:
    """Its cron text in words; the text itself when this version cannot read it."""
    try:
        return in_words(cron.parse(schedule.cron))
    except cron.CronError:
        return schedule.cron


def soonest_first() -> "QuerySet[Schedule]":
    kept = Schedule.objects.kept().select_related("task", "workflow")
    return kept.order_by(F("next_due_at").asc(nulls_last=True), "id")


def schedule_lines(schedules: Iterable[Schedule]) -> list[ScheduleLine]:
    """Two queries, however many; one when there is none."""
    found = list(schedules)
    if not found:
        return []
    newest = DueTime.objects.filter(schedule=OuterRef("pk")).newest_first().values("pk")[:1]
    ids = Schedule.objects.filter(pk__in=[one.pk for one in found]).values_list(Subquery(newest))
    rows = DueTime.objects.filter(pk__in=ids).select_related("run", "workflow_run")
    last = {row.schedule_id: row for row in rows}
    return [ScheduleLine(one, words_of(one), last.get(one.pk)) for one in found]


def missed_schedules() -> "QuerySet[Schedule]":
    """Those whose due time and grace passed without a success, which is still missing."""
    missed = Schedule.objects.kept().filter(missed_due_at__isnull=False)
    return missed.select_related("task", "workflow").order_by("missed_due_at", "id")


def overdue_tasks() -> "QuerySet[Task]":
    """Tasks without a success for as many hours as somebody wants to be told after."""
    overdue = Task.objects.filter(overdue_since__isnull=False, archived_at=None, enabled=True)
    return overdue.order_by("overdue_since", "name")


def days_ahead(now: datetime, zone: tzinfo) -> list[Day]:
    """Each of the next seven days by the reader's clock, with what is due then."""
    schedules = list(soonest_first().filter(next_due_at__isnull=False)[:MAX_SCHEDULES])
    today = now.astimezone(zone).date()
    return [
        _day(today + timedelta(days=number), schedules, now, zone) for number in range(DAYS_AHEAD)
    ]


def _day(day: date, schedules: Iterable[Schedule], now: datetime, zone: tzinfo) -> Day:
    start = datetime.combine(day, time.min, tzinfo=zone)
    end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
    entries = []
    for schedule in schedules:
        # A second earlier, as the start of the day belongs to it.
        times = _times(schedule, max(start - timedelta(seconds=1), now), end)
        if len(times) > _MAX_TIMES:
            entries.append(DayEntry(schedule, times[:1], often=words_of(schedule)))
        elif times:
            entries.append(DayEntry(schedule, times))
    return Day(day, sorted(entries, key=lambda entry: entry.times[0]))


def _times(schedule: Schedule, after: datetime, end: datetime) -> list[datetime]:
    """At most one more than are shown one by one."""
    if schedule.next_due_at is None or schedule.next_due_at >= end:
        return []
    try:
        zone = cron.zone_named(schedule.zone)
        times = cron.parse(schedule.cron).due_times(zone, after)
    except cron.CronError:
        return []
    return list(takewhile(lambda at: at < end, islice(times, _MAX_TIMES + 1)))
