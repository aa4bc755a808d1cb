"""Ends a run that does not succeed: stopped, failed, or returned to the queue."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, InterfaceError, transaction

from exports.connectwise.http.errors import AuthenticationError
from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop
from exports.models import LeaseLostError, Run
from exports.models.codes import ErrorCode
from exports.models.runs import PARK_AFTER
from exports.pipeline.database_faults import fault_of, first_line, is_connection_lost, record
from exports.pipeline.lease import Lease, StopReason
from exports.storage import files
from exports.storage.folders import remove
from exports.storage.run_log import RunLog
from exports.storage.store import StorageError

logger = logging.getLogger(__name__)

UNEXPECTED = gettext_noop(
    "The export stopped by an error inside this program. Nothing was exported and no date moved; "
    "the log of the worker has the details for its maker."
)


def stop(run: Run, lease: Lease, log: RunLog) -> None:
    """Cancel or requeue the run; write nothing when another worker holds it."""
    reason = lease.stop_reason()
    if run.is_cancel_requested():
        reason = StopReason.CANCELLED  # takes precedence over a shutdown at the same moment
    if reason is StopReason.CANCELLED or not run.can_resume:
        _remove_part(run)
    with _ignore_lost_lease(run):
        if reason is StopReason.CANCELLED:
            log.warning(_("Cancelled. Nothing was exported and no date moved."))
            record(lambda: run.finish_cancelled(run.owner))
        elif reason is StopReason.SHUTDOWN:
            log.info(_("The worker shuts down; the run goes back to the queue."))
            run.requeue(run.owner)
        else:
            lost = _("%(run)s was lost: its worker could not renew its hold.")
            logger.warning(lost, {"run": run})


def fail(run: Run, log: RunLog, message: str, code: str) -> None:
    """Remove the part file and record the failure."""
    _remove_part(run)
    with _ignore_lost_lease(run):
        record(lambda: _record_failure(run, log, message, code))


@transaction.atomic
def _record_failure(run: Run, log: RunLog, message: str, code: str) -> None:
    run.fail(run.owner, message, code=code)
    if code == AuthenticationError.code:
        run.connection.mark_key_refused()
    log.error(message)


def fail_unexpectedly(run: Run, log: RunLog) -> None:
    """Fail the run for the exception being handled, which nothing else catches."""
    logger.exception(_("%(run)s failed unexpectedly."), {"run": run})
    fail(run, log, _(UNEXPECTED), ErrorCode.UNEXPECTED)


def meet_database_fault(run: Run, log: RunLog, error: DatabaseError | InterfaceError) -> None:
    """Requeue the run where that may help, to go on after its last page; else fail it.

    A lost connection is no fault of the run: one that must not be resumed begins anew.
    """
    fault, is_lost = fault_of(error), is_connection_lost(error)
    if fault is None:
        fail_unexpectedly(run, log)
        return
    logger.warning("%s: %s", run, error)
    if not fault.may_pass or run.stalled_count + 1 >= PARK_AFTER:
        fail(run, log, fault.message, fault.code)
    elif run.can_resume:
        goes_on = _("The database refused (%(reason)s): the run goes on after its last page.")
        _requeue_after_fault(run, log, goes_on % {"reason": first_line(error)})
    elif is_lost:
        _remove_part(run)
        begins = _("The connection to the database was lost (%(reason)s): the run begins anew.")
        _requeue_after_fault(run, log, begins % {"reason": first_line(error)})
    else:
        fail(run, log, fault.message, fault.code)


def _requeue_after_fault(run: Run, log: RunLog, message: str) -> None:
    with _ignore_lost_lease(run):
        # Alone: `run` would not go back with a transaction.
        record(lambda: run.requeue(run.owner, stalled_count=run.stalled_count + 1))
    record(lambda: log.warning(message))


def _remove_part(run: Run) -> None:
    # The folder itself may be broken; the failure must still be recorded.
    with suppress(OSError):
        remove(files.part_file(run))


def disk_message(error: OSError) -> str:
    """The error shown when the file could not be written."""
    reason = error.strerror or str(error)
    return _(
        "The file could not be written: %(reason)s. Nothing was exported and no date moved. "
        "Make room or permit writing in the data folder, then run the task again."
    ) % {"reason": reason}


def storage_message(error: StorageError) -> str:
    """The error shown when the place for run files refused the file or did not answer."""
    return _(
        "The file could not be stored. %(reason)s Nothing was exported and no date moved; run the "
        "task again when that is mended."
    ) % {"reason": error.strerror}


@contextmanager
def _ignore_lost_lease(run: Run) -> Iterator[None]:
    try:
        yield
    except LeaseLostError as error:
        logger.warning("%s", error)
