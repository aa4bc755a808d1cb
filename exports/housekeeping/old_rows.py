"""Rows of the history besides runs that are too old: due times, workflow runs, events (rule G1)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from exports.models import (
    Acknowledgement,
    DueTime,
    Event,
    HousekeepingRound,
    IdempotencyKey,
    Message,
    OneTimeLink,
    WorkflowRun,
)


def old_rows(cutoff: datetime) -> Iterator[tuple[str, models.QuerySet[Any]]]:
    """The rows of each table that ended before `cutoff` and that nothing needs any more."""
    yield _("due times"), _old_due_times(cutoff)
    yield _("workflow runs"), _old_workflow_runs(cutoff)
    # Their messages go with them. The state that the next event is compared with is another row.
    unsent = Message.objects.open().filter(event=OuterRef("pk"))
    yield _("events"), Event.objects.filter(created_at__lt=cutoff).exclude(Exists(unsent))
    yield _("acknowledgements"), _old_acknowledgements(cutoff)
    yield _("idempotency keys"), IdempotencyKey.objects.expired().order_by()
    links = OneTimeLink.objects.ended().filter(expires_at__lt=cutoff).order_by()
    yield _("one-time links"), links
    rounds = HousekeepingRound.objects.ended().filter(queued_at__lt=cutoff).order_by()
    yield _("rounds of housekeeping"), rounds


def _old_acknowledgements(cutoff: datetime) -> models.QuerySet[Any]:
    """Not the newest of a thing, which may hold as long as the thing does not change."""
    same = Acknowledgement.objects.filter(kind=OuterRef("kind"), number=OuterRef("number"))
    newer = same.filter(pk__gt=OuterRef("pk"))
    return Acknowledgement.objects.filter(Exists(newer), acknowledged_at__lt=cutoff).order_by()


def _old_workflow_runs(cutoff: datetime) -> models.QuerySet[Any]:
    newer = WorkflowRun.objects.filter(workflow=OuterRef("workflow"), pk__gt=OuterRef("pk"))
    over = WorkflowRun.objects.exclude(status__in=WorkflowRun.ACTIVE)
    # The last one stays: it is the last result, and may be resumed.
    return over.filter(Exists(newer), finished_at__lt=cutoff)


def _old_due_times(cutoff: datetime) -> models.QuerySet[Any]:
    """Not a schedule's newest one: it is the last thing the schedule did."""
    newer = DueTime.objects.filter(schedule=OuterRef("schedule"), due_at__gt=OuterRef("due_at"))
    return DueTime.objects.filter(Exists(newer), settled_at__lt=cutoff, due_at__lt=cutoff)
