"""Tells when a success is missing: after a due time and its grace, or for hours (rule N2).

Every worker looks; the row decides who tells.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from exports.connectwise.language import gettext as _
from exports.connectwise.language import ngettext
from exports.housekeeping.isolation import isolated
from exports.models import DueTime, Run, Schedule, Task, WorkflowRun, record_event
from exports.models.codes import EventCode
from exports.number_formats import utc_text
from exports.schedules import cron

_IN_USE = Q(enabled=True, archived_at=None)


def watch(now: datetime) -> None:
    """Tell what is missing or back since the last look."""
    for pk in Schedule.objects.to_watch(now).values_list("pk", flat=True):
        with isolated(_("alarm of schedule %(schedule)s") % {"schedule": pk}):
            _watch_schedule(pk, now)
    for task in _watched_tasks():
        with isolated(_("alarm of task %(task)s") % {"task": task.pk}):
            _watch_task(task, now)


@transaction.atomic
def _watch_schedule(pk: int, now: datetime) -> None:
    # Locked, so that a tick that records a due time right now is seen, or sees the result.
    schedule = Schedule.objects.select_for_update(no_key=True).to_watch(now).filter(pk=pk).first()
    if schedule is None:
        return
    watched = schedule.watched_due_at or schedule.missed_due_at
    succeeded_at = (
        _successes(schedule)
        .filter(finished_at__gte=watched)
        .aggregate(last=Max("finished_at"))["last"]
    )
    if succeeded_at is not None:
        _watch_after(schedule, succeeded_at)
        record_event(EventCode.ON_TIME_AGAIN, schedule=schedule)
    elif schedule.alarm_at is not None and schedule.alarm_at <= now:
        _tell_missed(schedule)


def _watch_after(schedule: Schedule, succeeded_at: datetime) -> None:
    """Watch the first due time after the success, if one has come."""
    later = DueTime.objects.filter(schedule=schedule, due_at__gt=succeeded_at)
    following = later.order_by("due_at").values_list("due_at", flat=True).first()
    _save(
        schedule,
        watched_due_at=following,
        alarm_at=None if following is None else following + schedule.grace,
        missed_due_at=None,
    )


def _tell_missed(schedule: Schedule) -> None:
    due_at = schedule.watched_due_at
    missed = schedule.missed_due_at or due_at
    _save(schedule, watched_due_at=None, alarm_at=None, missed_due_at=missed)
    if due_at is not None:
        reason = ngettext(
            "It was due at %(due)s (%(zone)s), and %(count)s minute later there was no success.",
            "It was due at %(due)s (%(zone)s), and %(count)s minutes later there was no success.",
            schedule.grace_minutes,
        )
        due = cron.local_time(schedule.zone, due_at)
        params = {"due": due, "zone": schedule.zone, "count": schedule.grace_minutes}
        record_event(EventCode.MISSED, schedule=schedule, reason=reason % params)


def _successes(schedule: Schedule) -> "QuerySet[Any]":
    if schedule.workflow_id is not None:
        succeeded = WorkflowRun.Status.SUCCEEDED
        return WorkflowRun.objects.filter(workflow=schedule.workflow, status=succeeded)
    # As in the index `run_success_finished`.
    return Run.objects.succeeded().filter(task=schedule.task).exclude(trigger="reexport")


def _save(schedule: Schedule, **fields: Any) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(**fields)


def _watched_tasks() -> "QuerySet[Task]":
    is_success = Q(runs__status=Run.Status.SUCCEEDED) & ~Q(runs__trigger=Run.Trigger.REEXPORT)
    watched = Task.objects.filter(_IN_USE, success_within_hours__isnull=False)
    return watched.annotate(succeeded_at=Max("runs__finished_at", filter=is_success))


@transaction.atomic
def _watch_task(task: Any, now: datetime) -> None:
    since = task.succeeded_at or task.created_at
    is_overdue = now - since >= timedelta(hours=task.success_within_hours)
    if is_overdue == (task.overdue_since is not None):
        return
    rows = Task.objects.filter(pk=task.pk, overdue_since=task.overdue_since)
    if rows.update(overdue_since=since if is_overdue else None) != 1:
        return  # another worker was faster
    if not is_overdue:
        record_event(EventCode.SUCCESS_AGAIN, task=task)
        return
    if task.succeeded_at is None:
        message = _("It has never succeeded; it was made at %(since)s.")
    else:
        message = _("Its last success was at %(since)s.")
    record_event(EventCode.NO_SUCCESS, task=task, reason=message % {"since": utc_text(since)})
