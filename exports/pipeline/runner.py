"""`execute` runs one claimed run from preflight to published file."""

import hashlib
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction

from exports import clock
from exports.connectwise.http.client import ConnectWiseClient, Limits, RetryPolicy, Wait
from exports.connectwise.http.client_pool import ClientPool, MakeClient
from exports.connectwise.http.errors import ConnectWiseError, StoppedError
from exports.connectwise.http.sites import SiteError
from exports.connectwise.http.tls import read_authorities
from exports.connectwise.json_numbers import JSONShapeError
from exports.connectwise.language import gettext as _
from exports.connectwise.language import message_of
from exports.connectwise.paging.keyset import PagingError
from exports.connectwise.xml.background_validation import BackgroundValidation
from exports.connectwise.xml.validation import FileCheckError
from exports.connectwise.xml.writer import RecordError
from exports.models import Connection, LeaseLostError, Run, SecretUnreadableError
from exports.models.addresses import read_site
from exports.models.codes import Activity, ErrorCode
from exports.models.runs.progress import Waiting
from exports.models.sync_window import passes_over_late_matches
from exports.pipeline.clients import make_client
from exports.pipeline.completeness import CompletenessCheck, Counts, IncompleteError
from exports.pipeline.database_faults import record
from exports.pipeline.ending import (
    disk_message,
    fail,
    fail_unexpectedly,
    meet_database_fault,
    stop,
    storage_message,
)
from exports.pipeline.lease import Lease
from exports.pipeline.log_messages import log_count, log_portions, log_success
from exports.pipeline.manifest import manifest
from exports.pipeline.outcome import RunResult, evaluate, record_success
from exports.pipeline.part_writer import PartWriter, Written
from exports.pipeline.preflight import (
    Preflight,
    run_preflight_with_first_page,
    stored_preflight,
)
from exports.pipeline.publishing import publish
from exports.storage import files
from exports.storage.run_log import RunLog
from exports.storage.store import StorageError

logger = logging.getLogger(__name__)

# How long a request may take, and when it is retried (H1, H2). Constants, which tests replace.
LIMITS = Limits()
RETRY = RetryPolicy()

# Expected errors: each carries its own message for the user.
_EXPECTED = (
    ConnectWiseError,
    FileCheckError,
    IncompleteError,
    JSONShapeError,
    RecordError,
    SecretUnreadableError,
    SiteError,
    PagingError,
)


def prepare() -> None:
    """Load what runs need, once per process, so that the first run is not slow."""
    read_authorities(settings.CWEXPORT_CA_FILE or None)


class ConnectionChangedError(Exception):
    """The connection is no longer the one the run was queued for (R2)."""

    code = ErrorCode.CONNECTION_CHANGED


def execute(run: Run, lease: Lease) -> None:
    """Bring a claimed run to its end. Raises only database errors from recording that end.

    The part file is removed before the outcome is recorded, so that even a full disk can be
    reported (O3). Only a run that returns to the queue keeps it.
    """
    log = RunLog(run)
    try:
        log.info(_("Attempt %(attempt)s started.") % {"attempt": run.attempt})
        _export(run, lease, log)
    except StoppedError:
        stop(run, lease, log)
    except LeaseLostError as error:
        decides = _("%(reason)s Another worker or the recovery decides on it.")
        logger.warning(decides, {"reason": error})
    except (*_EXPECTED, ConnectionChangedError) as error:
        fail(run, log, message_of(error), error.code)
    except StorageError as error:
        fail(run, log, storage_message(error), error.code)
    except OSError as error:
        fail(run, log, disk_message(error), ErrorCode.FILE_NOT_WRITTEN)
    except (DatabaseError, InterfaceError) as error:
        meet_database_fault(run, log, error)
    except Exception:
        fail_unexpectedly(run, log)


def _export(run: Run, lease: Lease, log: RunLog) -> None:
    with BackgroundValidation() as validation:
        with ClientPool(
            _client_maker(run, lease),
            max_in_flight=run.parallel_requests,
            on_tick=lease.check,
            on_wait=_wait_logger(run, log),
        ) as pool:
            preflight, writer = _begin(run, pool, validation, log)
            completeness = CompletenessCheck(run, pool, preflight, log)
            written, counts = _fetch(run, writer, completeness)
        part = files.part_file(run)
        run.answered(run.owner, activity=Activity.VALIDATING)
        checked = validation.finish(
            part, expected_count=written.written_count, checkpoint=lease.check
        )
    lease.check()
    # Fails when the lease is lost, before the file gets its final name.
    run.answered(run.owner, activity=Activity.PUBLISHING)
    outcome = evaluate(run, preflight, written, counts, checked=checked)
    proof = manifest(run, outcome)
    file_path = publish(run, lease, proof, checked, log)
    record(lambda: _record_end(run, outcome, file_path, proof, written, log))


@transaction.atomic
def _record_end(
    run: Run, outcome: RunResult, file_path: str, proof: bytes, written: Written, log: RunLog
) -> None:
    """Success and log lines in one transaction: a page stops loading lines once a run has ended."""
    record_success(run, outcome, file_path, hashlib.sha256(proof).hexdigest())
    run.connection.mark_key_accepted()
    log_success(run, written, outcome.checked, log)


def _fetch(run: Run, writer: PartWriter, completeness: CompletenessCheck) -> tuple[Written, Counts]:
    """Fetch all pages, then count; fetch once more when the count shows missing batches."""
    for is_last in (False, True):
        for written in writer.write_again() if is_last else writer.resume():
            completeness.submit_ahead(written)
        run.answered(run.owner, activity=Activity.COUNTING)
        counts = completeness.count(written)
        if completeness.is_complete(written, counts, is_last=is_last):
            break
    return written, counts


def _client_maker(run: Run, lease: Lease) -> MakeClient:
    """Makes clients for the run's frozen site and company, with the current private key (R2)."""
    # Kept on the run: its results are recorded for the connection as it is now.
    run.connection = connection = Connection.objects.get(pk=run.connection_id)
    frozen = (run.site, run.company, run.public_key)
    if (connection.site, connection.company, connection.public_key) != frozen:
        raise ConnectionChangedError(
            _(
                "The connection %(connection)s was changed after this run was queued. Run the task "
                "again to use it as it is now."
            )
            % {"connection": connection.name}
        )
    site = read_site(run.site)
    credentials = connection.credentials()

    def make(
        is_over: Callable[[], bool],
        on_wait: Callable[[Wait], None],
        semaphore: AbstractContextManager[object],
    ) -> ConnectWiseClient:
        return make_client(
            site,
            credentials,
            stop=lambda: is_over() or lease.should_stop(),
            limits=LIMITS,
            retry=RETRY,
            on_wait=on_wait,
            semaphore=semaphore,
        )

    return make


def _wait_logger(run: Run, log: RunLog) -> Callable[[Wait], None]:
    def on_wait(wait: Wait) -> None:
        number = wait.attempt + 1
        params = {"number": number, "tries": RETRY.tries, "reason": wait.reason}
        message = _("%(reason)s. Trying again in %(seconds)s s: try %(number)s of %(tries)s.")
        log.warning(message % {**params, "seconds": f"{wait.seconds:.0f}"})
        until = clock.now() + timedelta(seconds=wait.seconds)
        reason = _("ConnectWise asked for it (429)") if wait.is_throttled else wait.reason
        run.record_wait(run.owner, Waiting(until, number, RETRY.tries, reason), wait.code)

    return on_wait


def _begin(
    run: Run, pool: ClientPool, validation: BackgroundValidation, log: RunLog
) -> tuple[Preflight, PartWriter]:
    """Run the preflight, or load the one stored by the run's first attempt."""
    preflight, first_page = stored_preflight(run), None
    if preflight is None:
        run.progress(run.owner, activity=Activity.PREFLIGHT)
        preflight, first_page = run_preflight_with_first_page(run, pool, log)
        _log_preflight(run, preflight, log)
    writer = PartWriter(run, pool, preflight, log, validation=validation, first_page=first_page)
    return preflight, writer


def _log_preflight(run: Run, preflight: Preflight, log: RunLog) -> None:
    request = preflight.first_filter
    log.info(_("Filter of the first page: %(filter)s") % {"filter": request})
    if preflight.reason:
        log.info(preflight.reason)
    if run.export == "new" and (late := passes_over_late_matches(run.task.saved_conditions())):
        log.info(late)
    if preflight.expected_count is not None:
        log_count(preflight.expected_count, log)
    if preflight.wanted:
        log_portions(preflight.wanted, log)
    run.answered(
        run.owner,
        request_sent=request,
        connectwise_started_at=preflight.started_at,
        highest_id=preflight.highest_id,
        api_version=preflight.api_version,
        unfiltered_count=preflight.unfiltered_count,
        expected_count=preflight.shown_count,
        asks_by_ids=preflight.wanted is not None,
        start_id=preflight.after_id or None,
        window_reason=preflight.reason,
        # The preflight may have widened these for batches that came back into sight (W11).
        modified_after=run.modified_after,
        created_after=run.created_after,
        skips_known=run.skips_known,
        known_from_run=run.known_from_run,
        baseline=preflight.baseline,
        baseline_count=preflight.baseline.seen_count if preflight.baseline else None,
        remaining_count=preflight.remaining_count,
        activity=Activity.FETCHING,
    )
