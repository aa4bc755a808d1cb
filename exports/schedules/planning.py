"""Plans a schedule anew after a person saved it (rule S5), or after a clock was set back (S7)."""

from datetime import datetime
from itertools import chain, islice, takewhile

from django.db import transaction

from exports import clock
from exports.connectwise.language import gettext_noop
from exports.models import AuditAction, DueTime, Schedule, record_action, recording_changes
from exports.models.audited import changes_between
from exports.models.codes import DueTimeCode
from exports.schedules import cron
from exports.schedules.recording import record_missed

_CHANGED = gettext_noop("The schedule was changed before a worker looked at this time.")


def plan(schedule: Schedule, now: datetime) -> None:
    """Set the next due time of a schedule that is about to be saved: never one that has passed.

    Call it in the transaction that saves, with an existing row locked. Raises CronError.
    """
    stored = Schedule.objects.filter(pk=schedule.pk).first()
    if stored is not None:
        _close_open_times(stored, now)
    schedule.next_due_at = first_open_time(schedule, now) if schedule.is_active else None
    schedule.planned_at = None if schedule.next_due_at is None else now
    if not schedule.is_active:
        schedule.watched_due_at = schedule.alarm_at = schedule.missed_due_at = None
    elif schedule.watched_due_at is not None:
        schedule.alarm_at = schedule.watched_due_at + schedule.grace


def first_open_time(schedule: Schedule, now: datetime) -> datetime | None:
    """The first due time after `now` without a row. Raises CronError."""
    zone = cron.zone_named(schedule.zone)
    recorded = set[datetime]()
    if schedule.pk is not None:
        later = DueTime.objects.filter(schedule=schedule, due_at__gt=now)
        recorded = set(later.values_list("due_at", flat=True))
    times = cron.parse(schedule.cron).due_times(zone, now)
    return next((at for at in islice(times, len(recorded) + 1) if at not in recorded), None)


def save_planned(schedule: Schedule, now: datetime) -> None:
    """Plan and save, in one transaction. Raises CronError."""
    with transaction.atomic():
        plan(schedule, now)
        schedule.save()


def change_pause(schedule: Schedule, *, is_paused: bool, editor: str) -> Schedule:
    """Pause or resume it; one that is so already stays as it is.

    Raises CronError, and Schedule.DoesNotExist for one deleted meanwhile.
    """
    action = AuditAction.SCHEDULE_PAUSED if is_paused else AuditAction.SCHEDULE_RESUMED
    with transaction.atomic():
        locked = Schedule.objects.kept().select_for_update(no_key=True).get(pk=schedule.pk)
        if locked.is_paused != is_paused:
            with recording_changes(locked, action=action):
                locked.is_paused = is_paused
                locked.sign(editor)
                save_planned(locked, clock.now())
    return locked


def remove(schedule: Schedule, editor: str) -> None:
    """Delete it; its row stays for the history of its due times."""
    with transaction.atomic():
        schedule.deleted_at = clock.now()
        schedule.sign(editor)
        save_planned(schedule, clock.now())
        values = changes_between(schedule.audited_values(), {})
        record_action(AuditAction.SCHEDULE_DELETED, schedule, values)


def replan_after_step_back(schedule: Schedule, now: datetime) -> None:
    """Plan a schedule anew whose next time was computed by a clock that has been set back (S7).

    Times recorded as missed that are still to come are withdrawn: they had not come. One that
    fired stays, and does not fire again.
    """
    with transaction.atomic():
        ahead = DueTime.objects.filter(schedule=schedule, due_at__gt=now)
        ahead.filter(state=DueTime.State.MISSED).delete()
        schedule.advance(now, first_open_time(schedule, now), alarm_at=None, watched_due_at=None)


def _close_open_times(stored: Schedule, now: datetime) -> None:
    """Record what the schedule, as it was, still had to deal with."""
    if stored.next_due_at is None or stored.next_due_at > now:
        return
    try:
        zone = cron.zone_named(stored.zone)
        later = cron.parse(stored.cron).due_times(zone, stored.next_due_at)
    except cron.CronError:
        later = iter(())
    times = chain([stored.next_due_at], takewhile(lambda at: at <= now, later))
    record_missed(stored, now, DueTimeCode.CHANGED, _CHANGED, times)
