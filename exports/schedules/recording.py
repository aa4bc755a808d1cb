"""Writes the rows of due times, in the transaction that moves their schedule on (rules S2, S3)."""

from collections.abc import Iterable
from datetime import datetime

from exports.connectwise.language import gettext as _
from exports.models import DueTime, Run, Schedule, WorkflowRun
from exports.models.codes import DueTimeCode


def record(
    schedule: Schedule,
    due_at: datetime,
    now: datetime,
    state: DueTime.State,
    code: DueTimeCode | None = None,
    reason: str = "",
    run: Run | WorkflowRun | None = None,
) -> None:
    DueTime.objects.create(
        schedule=schedule,
        due_at=due_at,
        state=state,
        settled_at=now,
        run=run if isinstance(run, Run) else None,
        workflow_run=run if isinstance(run, WorkflowRun) else None,
        reason_code=code or "",
        reason=reason,
    )


def record_missed(
    schedule: Schedule, now: datetime, code: DueTimeCode, reason: str, times: Iterable[datetime]
) -> None:
    """Record these times as missed, except those that have a row (S7)."""
    state = DueTime.State.MISSED
    shared = {"state": state, "settled_at": now, "reason_code": code, "reason": _(reason)}
    rows = [DueTime(schedule=schedule, due_at=at, **shared) for at in times]
    if rows:
        DueTime.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
