"""One look at what is due: every worker does it every few seconds (rules S2 to S4, S7).

The row decides: whoever moves a schedule's next due time on has its due times, and records in the
same transaction what becomes of them. So each is dealt with once, however many workers look.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce

from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop, message_of
from exports.housekeeping.isolation import isolated
from exports.models import DueTime, Run, Schedule, Task
from exports.models.codes import DueTimeCode
from exports.schedules import cron
from exports.schedules.firing import fire
from exports.schedules.planning import replan_after_step_back
from exports.schedules.recording import record, record_missed

Queue = Callable[[Task], Run]

# A due time older than this when a worker looks came while nobody was alive.
ON_TIME_WITHIN: Final = timedelta(minutes=1)
# Schedules that share a commit, as a disk takes longer for that than for all the rest.
TOGETHER: Final = 10
# In one go: a year of minutes must not hold the lock of SQLite for long.
MAX_AT_ONCE: Final = 1000

_NOBODY_ALIVE = gettext_noop("No worker was alive at this time, or none reached the database.")


def tick(now: datetime, queue: Queue) -> int:
    """Deal with every due time up to `now`; returns how many schedules had work.

    `queue` queues a task's run. When nothing is due this is one query.
    """
    found = list(Schedule.objects.with_work(now).select_related("task", "workflow"))
    # All hosts in one order, so that none holds what another waits for.
    found.sort(key=lambda schedule: schedule.pk)
    open_ones = found
    while open_ones:
        together, open_ones = open_ones[:TOGETHER], open_ones[TOGETHER:]
        with transaction.atomic():
            for schedule in together:
                with isolated(_("schedule %(schedule)s") % {"schedule": schedule.pk}):
                    if _has_more(schedule, now, queue):
                        open_ones.append(schedule)
    return len(found)


@dataclass(frozen=True)
class _Passed:
    """Due times that have passed, and the next one; it has passed too unless `is_all`."""

    times: list[datetime]
    next_due_at: datetime | None
    is_all: bool


@transaction.atomic
def _has_more(schedule: Schedule, now: datetime, queue: Queue) -> bool:
    """Deal with the due times of one schedule; whether some are left for another transaction."""
    if schedule.next_due_at is None or schedule.next_due_at > now:
        replan_after_step_back(schedule, now)
        return False
    try:
        zone = cron.zone_named(schedule.zone)
        later = cron.parse(schedule.cron).due_times(zone, schedule.next_due_at)
    except cron.CronError as error:
        _give_up(schedule, now, error)
        return False
    passed = _passed(schedule.next_due_at, later, now)
    # Unless another worker has them, or a person has just changed the schedule.
    return _take(schedule, now, passed, queue) and not passed.is_all


def _passed(first: datetime, later: Iterable[datetime], now: datetime) -> _Passed:
    times = [first]
    for at in later:
        if at > now:
            return _Passed(times, at, is_all=True)
        if len(times) == MAX_AT_ONCE:
            return _Passed(times, at, is_all=False)
        times.append(at)
    return _Passed(times, None, is_all=True)


def _take(schedule: Schedule, now: datetime, passed: _Passed, queue: Queue) -> bool:
    """Move the schedule on and record what becomes of these times; False when it was taken."""
    first, newest = passed.times[0], passed.times[-1]
    if not _advance(schedule, now, passed.next_due_at, first):
        return False
    is_on_time = now - newest <= ON_TIME_WITHIN
    if passed.is_all and (is_on_time or schedule.catch_up == Schedule.CatchUp.ONE):
        passed.times.pop()
        # It may have fired before a clock was set back (S7).
        if not DueTime.objects.filter(schedule=schedule, due_at=newest).exists():
            fire(schedule, newest, now, queue)
    record_missed(schedule, now, DueTimeCode.NOBODY_ALIVE, _NOBODY_ALIVE, passed.times)
    return True


def _advance(
    schedule: Schedule, now: datetime, next_due_at: datetime | None, first: datetime
) -> bool:
    """Move on, and watch for a success since `first` unless an earlier time is watched."""
    return schedule.advance(
        now,
        next_due_at,
        watched_due_at=Coalesce("watched_due_at", Value(first)),
        alarm_at=Coalesce("alarm_at", Value(first + schedule.grace)),
    )


def _give_up(schedule: Schedule, now: datetime, error: cron.CronError) -> None:
    """Refuse the due time of a schedule whose text or zone this version cannot read."""
    due_at = schedule.next_due_at
    if due_at is not None and _advance(schedule, now, None, due_at):
        reason = message_of(error)
        record(schedule, due_at, now, DueTime.State.REFUSED, DueTimeCode.UNREADABLE, reason)
