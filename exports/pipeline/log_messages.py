"""Log lines about a run's batches: how many were expected, written, repeated or missing."""

from exports.connectwise.language import gettext as _
from exports.connectwise.language import grouped, ngettext
from exports.connectwise.xml.validation import CheckedFile
from exports.models import Run
from exports.pipeline.part_writer import Written
from exports.pipeline.wanted_ids import WantedIds
from exports.storage.run_log import RunLog


def log_count(expected_count: int, log: RunLog) -> None:
    """Log how many batches ConnectWise counted."""
    counts = ngettext(
        "ConnectWise counts %(count)s matching batch.",
        "ConnectWise counts %(count)s matching batches.",
        expected_count,
    )
    log.info(counts % {"count": grouped(expected_count)})


def log_portions(wanted: WantedIds, log: RunLog) -> None:
    """Log that a re-export asks by ids, and in how many requests."""
    asked = _(
        "The %(count)s batches are asked for by their ids, in %(portions)s portions: fewer "
        "requests than reading all batches that lie between them."
    )
    portion_count = sum(1 for _portion in wanted.portions())
    log.info(asked % {"count": grouped(len(wanted.ids)), "portions": grouped(portion_count)})


def log_success(run: Run, written: Written, checked: CheckedFile, log: RunLog) -> None:
    """Log the result of a run that succeeded, with warnings about anything unusual."""
    if missing_count := _missing_count(run, checked):
        log.warning(_missing(missing_count))
    if written.replaced_count:
        log.warning(_replaced(written.replaced_count))
    if written.repeated_count:
        log.info(_repeated(written.repeated_count))
    if run.suspicion:
        log.warning(run.suspicion)
    exported = ngettext(
        "%(count)s batch in %(file)s, SHA-256 %(sha256)s.",
        "%(count)s batches in %(file)s, SHA-256 %(sha256)s.",
        checked.batch_count,
    )
    params = {
        "count": grouped(checked.batch_count),
        "file": run.file_name,
        "sha256": checked.sha256,
    }
    log.info(exported % params)


def _missing(count: int) -> str:
    return ngettext(
        "%(count)s of the batches is not in ConnectWise any more.",
        "%(count)s of the batches are not in ConnectWise any more.",
        count,
    ) % {"count": grouped(count)}


def _replaced(count: int) -> str:
    return ngettext(
        "%(count)s text had characters that XML cannot hold.",
        "%(count)s texts had characters that XML cannot hold.",
        count,
    ) % {"count": grouped(count)}


def _repeated(count: int) -> str:
    return ngettext(
        "%(count)s repeated batch was skipped.",
        "%(count)s repeated batches were skipped.",
        count,
    ) % {"count": grouped(count)}


def _missing_count(run: Run, checked: CheckedFile) -> int:
    """How many batches of a re-export ConnectWise no longer has (R7)."""
    wanted = len(run.reexport_ids)
    if run.reexport_of is not None:
        wanted = run.reexport_of.batch_count or 0
    return max(0, wanted - checked.batch_count)
