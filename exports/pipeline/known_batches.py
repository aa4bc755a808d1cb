"""Decides which batches of a page go into the file and which are skipped, also in a preview."""

from collections.abc import Sequence

from exports.connectwise.paging.keyset import Record
from exports.models import LedgerEntry, Run
from exports.models.ledger import Version
from exports.models.sync_window import overlap
from exports.number_formats import utc_text
from exports.pipeline.batch_versions import extra_hash_of, version_of

Pair = tuple[Record, Version]


def skip_known(run: Run, records: Sequence[tuple[int, Record]]) -> list[Pair]:
    """The records to export, each with its version, without the skipped ones (W4, W5, R7)."""
    version = _version_with_extra if run.include_extra_fields else version_of
    pairs = [(record, version(number, record)) for number, record in records]
    ids = [number for number, _record in records]
    if not pairs or not (run.skips_known or run.reexport_of_id):
        return pairs
    if run.reexport_of_id is not None:
        wanted = LedgerEntry.objects.exported_by(run.reexport_of_id, ids)
        return [pair for pair in pairs if pair[1].batch_id in wanted]
    if run.export == "new":
        known_ids = LedgerEntry.objects.known_batches(run, ids)
        return [pair for pair in pairs if pair[1].batch_id not in known_ids]
    known = LedgerEntry.objects.known_versions(run, ids)
    recent_from = utc_text(run.date_modified_before - overlap())
    return [pair for pair in pairs if not _is_known(pair[1], known, recent_from)]


def _version_with_extra(batch_id: int, record: Record) -> Version:
    return version_of(batch_id, record)._replace(extra_hash=extra_hash_of(record))


def _is_known(
    version: Version, known: dict[tuple[int, str], set[str | None]], recent_from: str
) -> bool:
    """Whether exactly this version was exported before.

    Extra fields are not in the content hash; only a later last update shows that they changed. A
    batch read in the second of its change may change again within that second, so the extra hash is
    compared for recent updates only. Older batches ignore it: a field that ConnectWise adds later
    makes no new versions.
    """
    extra_hashes = known.get((version.batch_id, version.content_hash))
    if extra_hashes is None:
        return False
    has_extra_hashes = version.extra_hash is not None and None not in extra_hashes
    is_recent = version.last_updated > recent_from
    return not (has_extra_hashes and is_recent) or version.extra_hash in extra_hashes
