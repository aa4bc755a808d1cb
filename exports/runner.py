"""execute(run): the one place where rows, network and file meet."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db import transaction
from django.db.models import F

from exports import files
from exports.connectwise import conditions
from exports.connectwise.addresses import AddressPolicy, SiteError, parse_site
from exports.connectwise.client import ConnectWiseClient, Limits, RetryPolicy, Wait
from exports.connectwise.errors import ConnectWiseError, StoppedError
from exports.connectwise.fetching import Fetching, MakeClient
from exports.connectwise.json_numbers import JSONShapeError
from exports.connectwise.walk import WalkError
from exports.connectwise.xml_check import CheckedFile, FileCheckError, check_file
from exports.connectwise.xml_writer import RecordError
from exports.lease import Lease, StopReason
from exports.manifest import manifest
from exports.models import Connection, LostRunError, Run, SecretUnreadableError
from exports.outcome import IncompleteError, count_again, judge, record_success
from exports.part_writing import PartWriter, Written
from exports.run_log import RunLog
from exports.survey import Survey, count_or_none, survey, survey_again

logger = logging.getLogger(__name__)

# How long a request may take, and when it is asked again (H1, H2). Data, which tests replace.
LIMITS = Limits()
RETRY = RetryPolicy()

# Everything that may go wrong on the way and has a sentence of its own for the user.
_EXPECTED = (
    ConnectWiseError,
    FileCheckError,
    IncompleteError,
    JSONShapeError,
    RecordError,
    SecretUnreadableError,
    SiteError,
    WalkError,
)
UNEXPECTED = (
    "The export stopped by an error inside this program. Nothing was exported and no date moved; "
    "the log of the worker has the details for its maker."
)


class ConnectionChangedError(Exception):
    """The connection is no longer the one the run was queued for (R2)."""


def execute(run: Run, lease: Lease) -> None:
    """Bring a claimed run to its end. Raises nothing but what the database raises at that end.

    Whatever happens, the part file is gone before the outcome is recorded, so that even a full
    disk can be reported (O3); only a run that goes back to the queue keeps it.
    """
    log = RunLog(run)
    log.info(f"Attempt {run.attempt} started.")
    try:
        _export(run, lease, log)
    except StoppedError:
        _stop(run, lease, log)
    except LostRunError as error:
        logger.warning("%s Another worker or the recovery decides on it.", error)
    except (*_EXPECTED, ConnectionChangedError) as error:
        _fail(run, log, str(error))
    except OSError as error:
        _fail(run, log, _disk_sentence(error))
    except Exception:
        logger.exception("%s failed unexpectedly.", run)
        _fail(run, log, UNEXPECTED)


def _export(run: Run, lease: Lease, log: RunLog) -> None:
    def checkpoint() -> None:
        if lease.should_stop():
            raise StoppedError(step="batches")

    client = _client_maker(run, lease)
    on_wait = _wait_teller(run, log)
    with (
        client(lambda: False, on_wait) as asking,
        Fetching(
            client, width=run.parallel_requests, on_tick=checkpoint, on_wait=on_wait
        ) as fetching,
    ):
        ground = _look_around(run, asking, log)
        writer = PartWriter(run, fetching, ground, log)
        written, proven, shown = _walk(run, asking, writer, ground, log)
    part = files.part_file(run)
    run.progress(run.owner, activity="Checking the file")
    checked = check_file(part, expected_count=written.written_count, checkpoint=checkpoint)
    checkpoint()
    # The fence before the name: a worker that lost the run does not publish.
    run.progress(run.owner, activity="Publishing the file")
    outcome = judge(run, ground, written, checked=checked, proven_count=proven, shown_count=shown)
    file_path = files.publish(part, run, manifest(run, outcome))
    record_success(run, outcome, file_path)
    _tell_success(run, written, checked, log)
    copy_for_pick_up(run, log)


def copy_for_pick_up(run: Run, log: RunLog) -> None:
    """Renew the file other programs pick up; a failure is retried by the recovery (O4)."""
    if not run.is_copy_pending:
        return
    owner = _other_owner(run)
    if owner is not None:
        log.warning(
            f"{run.file_name} in the export folder belongs to {owner}: it was not replaced. "
            "Give one of the two tasks another Output File."
        )
    else:
        try:
            target = files.copy_for_pick_up(run, lambda: not _has_newer_copy(run))
        except OSError as error:
            log.warning_once(
                f"{run.file_name} in the export folder was not replaced yet: {error.strerror}."
            )
            return
        if target is not None:
            log.info(f"{target.name} in the export folder now holds this run.")
    Run.objects.filter(pk=run.pk).update(is_copy_pending=False)


def _other_owner(run: Run) -> str | None:
    """The other task that this name belongs to; two templates may meet in one name.

    It is the task that put a file there first, as long as it is in use and keeps its Output File.
    """
    same = Run.objects.succeeded().filter(
        file_name__iexact=run.file_name,
        batch_count__gt=0,
        task__archived_at=None,
        output_file=F("task__output_file"),
    )
    first = same.exclude(trigger=Run.Trigger.AGAIN).order_by("id").first()
    return None if first is None or first.task_id == run.task_id else first.task_name


def _has_newer_copy(run: Run) -> bool:
    newer = Run.objects.succeeded().filter(task_id=run.task_id, pk__gt=run.pk)
    same = newer.filter(file_name=run.file_name, batch_count__gt=0)
    return same.exclude(trigger=Run.Trigger.AGAIN).exists()


def _client_maker(run: Run, lease: Lease) -> MakeClient:
    """Makes clients for what the run froze, with the private key as it is now (R2)."""
    connection = Connection.objects.get(pk=run.connection_id)
    frozen = (run.site, run.company, run.public_key)
    if (connection.site, connection.company, connection.public_key) != frozen:
        raise ConnectionChangedError(
            f"The connection {connection.name} was changed after this run was queued. "
            "Run the task again to use it as it is now."
        )
    site = parse_site(run.site, allow_http=settings.CWEXPORT_ALLOW_HTTP)
    credentials = connection.credentials()

    def make(is_over: Callable[[], bool], on_wait: Callable[[Wait], None]) -> ConnectWiseClient:
        return ConnectWiseClient(
            site,
            credentials,
            policy=AddressPolicy(tuple(settings.CWEXPORT_ALLOWED_NETWORKS)),
            stop=lambda: is_over() or lease.should_stop(),
            limits=LIMITS,
            retry=RETRY,
            ca_file=settings.CWEXPORT_CA_FILE or None,
            on_wait=on_wait,
        )

    return make


def _wait_teller(run: Run, log: RunLog) -> Callable[[Wait], None]:
    def on_wait(wait: Wait) -> None:
        log.warning(f"{wait.reason} Trying again in {wait.seconds:.0f} s.")
        run.progress(
            run.owner,
            retry_count=run.retry_count + 1,
            activity=f"Waiting {wait.seconds:.0f} s: {wait.reason}"[:300],
        )

    return on_wait


def _look_around(run: Run, client: ConnectWiseClient, log: RunLog) -> Survey:
    """What the walk stands on: asked for once, kept for every later attempt of the run."""
    earlier = survey_again(run)
    if earlier is not None:
        return earlier
    run.progress(run.owner, activity="Asking ConnectWise what there is")
    ground = survey(run, client, log)
    request = ground.filter(conditions.id_above(ground.after_id))
    log.info(f"Filter of the first page: {request}")
    if ground.reason:
        log.info(ground.reason)
    if ground.expected_count is not None:
        log.info(f"ConnectWise counts {ground.expected_count} matching batches.")
    run.progress(
        run.owner,
        request_sent=request,
        connectwise_started_at=ground.started_at,
        highest_id=ground.highest_id,
        api_version=ground.api_version,
        unfiltered_count=ground.unfiltered_count,
        expected_count=ground.expected_count,
        boundary_id=ground.after_id or None,
        window_reason=ground.reason[:300],
        activity="Fetching batches",
    )
    return ground


def _walk(
    run: Run, client: ConnectWiseClient, writer: PartWriter, ground: Survey, log: RunLog
) -> tuple[Written, int | None, int | None]:
    """Walk, and prove it by counting; once more when the proof fails (P3).

    Also returns how many batches ConnectWise shows in all, afterwards.
    """
    counted: int | None = None
    for is_last in (False, True):
        written = writer.write() if is_last else writer.resume()
        run.progress(run.owner, activity="Proving that nothing is missing")
        # In this order: if lists went empty under way they still are, or the proof comes out.
        is_told_apart = ground.unfiltered_count and ground.filter()
        shown = count_or_none(client, "", log) if is_told_apart else None
        counted = count_again(client, ground, written, log)
        is_proven = counted is None or counted <= written.fetched_count
        # If fewer came than were counted at the start, they have vanished, or they hide behind
        # what changed meanwhile, which no dated count knows: only a second walk can tell.
        if is_proven and (is_last or written.within_count >= (ground.expected_count or 0)):
            return written, counted, shown
        log.warning(
            f"ConnectWise counted {counted if not is_proven else ground.expected_count} matching "
            f"batches but gave {written.fetched_count}."
        )
    raise IncompleteError(counted or 0, written.fetched_count)


def _tell_success(run: Run, written: Written, checked: CheckedFile, log: RunLog) -> None:
    missing_count = _missing_count(run, checked)
    if missing_count:
        log.warning(f"{missing_count} of the batches are not in ConnectWise any more.")
    if written.replaced_count:
        log.warning(f"{written.replaced_count} texts had characters that XML cannot hold.")
    if written.repeated_count:
        log.info(f"{written.repeated_count} repeated batches were skipped.")
    if run.suspicion:
        log.warning(run.suspicion)
    log.info(f"{checked.batch_count} batches in {run.file_name}, SHA-256 {checked.sha256}.")


def _missing_count(run: Run, checked: CheckedFile) -> int:
    """How many of the batches to export again ConnectWise no longer has (R7)."""
    wanted = len(run.again_ids)
    if run.again_of is not None:
        wanted = run.again_of.batch_count or 0
    return max(0, wanted - checked.batch_count)


def _stop(run: Run, lease: Lease, log: RunLog) -> None:
    reason = lease.stop_reason()
    if run.is_cancel_requested():
        reason = StopReason.CANCELLED  # whatever else asks for an end in the same moment
    if reason is StopReason.CANCELLED or not run.can_resume:
        _remove_part(run)
    with _lost_is_no_news(run):
        if reason is StopReason.CANCELLED:
            log.warning("Cancelled. Nothing was exported and no date moved.")
            run.finish_cancelled(run.owner)
        elif reason is StopReason.SHUTDOWN:
            log.info("The worker shuts down; the run goes back to the queue.")
            run.give_back(run.owner)
        else:
            logger.warning("%s was lost: its worker could not renew its hold.", run)


def _fail(run: Run, log: RunLog, sentence: str) -> None:
    _remove_part(run)
    with _lost_is_no_news(run), transaction.atomic():
        run.fail(run.owner, sentence)
        log.error(sentence)


def _remove_part(run: Run) -> None:
    # The folder may be what is broken, and that has to be recorded all the same.
    with suppress(OSError):
        files.remove(files.part_file(run))


def _disk_sentence(error: OSError) -> str:
    reason = error.strerror or str(error)
    return (
        f"The file could not be written: {reason}. Nothing was exported and no date moved. "
        "Make room or permit writing in the data folder, then run the task again."
    )


@contextmanager
def _lost_is_no_news(run: Run) -> Iterator[None]:
    try:
        yield
    except LostRunError as error:
        logger.warning("%s", error)
