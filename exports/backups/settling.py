"""What a restored database must not do: whatever was open in it may be over long since (rule B3).

Runs, workflow runs, deliveries and messages that were open end as failed and say why; nothing is
sent or started by itself. Leases, sessions and workers of that time are gone; what the queue held
names runs that have ended.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext

from exports import clock
from exports.backups.unknown_files import highest_number_on_disk
from exports.connectwise.language import gettext as _
from exports.housekeeping.leftovers import delete_staged
from exports.models import (
    Delivery,
    DeliveryAttempt,
    HousekeepingRound,
    Installation,
    LoginSession,
    Message,
    OneTimeLink,
    Run,
    RunSummary,
    StepRun,
    Worker,
    WorkflowRun,
)
from exports.models.codes import (
    ChannelErrorCode,
    DeliveryErrorCode,
    ErrorCode,
    StepCode,
    WorkflowErrorCode,
)
from exports.models.runs.numbers import reserve_numbers
from exports.storage.belonging import adopt_folder

# Written in the transaction that fills the database, and gone once it is settled. Not a model: the
# database may be of an earlier version that lacks whatever we would add.
MARK: Final = "cwexport_restored"
# How many numbers are left out at least, for runs that nobody here knows.
_LEAST_GAP: Final = 1_000


def mark_statement(made_at: datetime) -> str:
    """SQL that marks a database as restored and not settled; for both databases."""
    # An ISO time of our own making, so there is nothing to quote.
    return f"CREATE TABLE {MARK} AS SELECT '{made_at.isoformat()}' AS made_at"


def is_unsettled() -> bool:
    return MARK in connection.introspection.table_names()


def unfinished_sentence() -> str:
    return gettext(
        "A restore into this database was interrupted. `manage.py restore --finish` finishes it."
    )


def settle() -> None:
    """Once after a restore, on a migrated database; killed in between, do it again."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT made_at FROM {MARK}")  # noqa: S608 - our own name
            made_at = datetime.fromisoformat(cursor.fetchone()[0])
        now = clock.now()
        Installation.objects.mark_restored(made_at, now)
        _leave_numbers_out(made_at, now)
        _end_runs(now)
        _end_workflow_runs(now)
        _end_deliveries(now)
        _end_messages(now)
        _forget_processes(now)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {MARK}")
    delete_staged()
    adopt_folder()


def _leave_numbers_out(made_at: datetime, now: datetime) -> None:
    """Twice as many as there may have been runs since: no file's name is used a second time."""
    day = timedelta(days=1)
    known = Run.objects.aggregate(highest=Max("pk"))["highest"] or 0
    pruned = RunSummary.objects.aggregate(highest=Max("pk"))["highest"] or 0
    lately = Run.objects.filter(queued_at__gte=made_at - 7 * day).count() / 7
    gap = max(_LEAST_GAP, int(2 * lately * ((now - made_at) / day + 1)))
    reserve_numbers(Run.objects, max(known, pruned, highest_number_on_disk()) + gap)


def _end_runs(now: datetime) -> None:
    """No event and no On Failure Task: nothing failed that anybody has to be told of now."""
    Run.objects.active().update(
        status=Run.Status.FAILED,
        finished_at=now,
        activity="",
        retry_at=None,
        is_failure_open=False,
        error_code=ErrorCode.RESTORED,
        error=_(
            "This run was active when the restored backup was made. What became of it then is not "
            "in this database."
        ),
    )
    Run.objects.filter(is_failure_open=True).update(is_failure_open=False)


def _end_workflow_runs(now: datetime) -> None:
    reason = _("It was active when the restored backup was made.")
    active = WorkflowRun.objects.active()
    steps = StepRun.objects.filter(workflow_run__in=active.values("pk"))
    ended = {"finished_at": now, "reason": reason, "reason_code": StepCode.RESTORED}
    steps.filter(state=StepRun.State.WAITING).update(state=StepRun.State.NOT_STARTED, **ended)
    steps.filter(state=StepRun.State.RUNNING).update(state=StepRun.State.FAILED, **ended)
    active.update(
        status=WorkflowRun.Status.FAILED,
        finished_at=now,
        error=reason,
        error_code=WorkflowErrorCode.RESTORED,
    )


def _end_deliveries(now: datetime) -> None:
    DeliveryAttempt.objects.filter(delivery__in=Delivery.objects.open(), ended_at=None).update(
        outcome=DeliveryAttempt.Outcome.STOPPED, ended_at=now
    )
    Delivery.objects.open().update(
        state=Delivery.State.FAILED,
        owner="",
        temp_name="",
        finished_at=now,
        error_code=DeliveryErrorCode.RESTORED,
        error=_(
            "It was open when the restored backup was made and may have been delivered since. Look "
            "there; if the file is missing, press Deliver again."
        ),
    )


def _end_messages(now: datetime) -> None:
    Message.objects.open().update(
        state=Message.State.FAILED,
        owner="",
        finished_at=now,
        error_code=ChannelErrorCode.RESTORED,
        error=_(
            "It was open when the restored backup was made and may have been sent since. Send it "
            "again if somebody still has to know."
        ),
    )


def _forget_processes(now: datetime) -> None:
    """Workers and everybody's sessions are those of another time."""
    Worker.objects.all().delete()
    LoginSession.objects.all().end()
    # Invitations and other links of that time may have been used or revoked since.
    OneTimeLink.objects.all().revoke()
    HousekeepingRound.objects.active().update(
        status=HousekeepingRound.Status.FAILED,
        finished_at=now,
        error=_("It was interrupted; the next one goes on."),
    )
