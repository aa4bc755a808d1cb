"""Reads the identifiers that ledger rows of earlier versions lack from the files that are kept.

Rows without a kept file stay as they are; the search then says that their identifier is not known.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import BinaryIO, Final

from django.db.models import Exists, OuterRef
from lxml import etree

from exports.connectwise.language import gettext as _
from exports.housekeeping.pruning import Pace, PruningStoppedError
from exports.models import LedgerEntry, Run
from exports.storage import files

logger = logging.getLogger(__name__)

_ROWS_AT_ONCE: Final = 500
_EVERY: Final = timedelta(hours=24)


class IdentifierFill:
    """Looks for rows without an identifier at a worker's start and then once a day."""

    def __init__(self) -> None:
        self._next_at: datetime | None = None

    def tick(self, now: datetime, is_over: Callable[[], bool]) -> None:
        if self._next_at is not None and now < self._next_at:
            return
        if fill_identifiers(is_over):
            self._next_at = now + _EVERY


def fill_identifiers(is_over: Callable[[], bool] = lambda: False) -> bool:
    """Fill in all identifiers that kept files tell, newest run first; False when interrupted."""

    def checkpoint() -> None:
        if is_over():
            raise PruningStoppedError

    try:
        for run in _runs_with_unknown():
            _fill(run, Pace(checkpoint))
    except PruningStoppedError:
        return False
    return True


def _runs_with_unknown() -> list[Run]:
    unknown = LedgerEntry.objects.filter(run_id=OuterRef("pk"), batch_identifier=None)
    kept = Run.objects.succeeded().filter(Exists(unknown), pruned_at=None).exclude(file_path="")
    return list(kept.only("task_id", "file_path").order_by("-pk"))


def _fill(run: Run, pace: Pace) -> None:
    try:
        found = _identifiers_in(run)
        while portion := list(islice(found, _ROWS_AT_ONCE)):
            LedgerEntry.objects.identify(run, portion)
            pace.pause()
    except (OSError, etree.XMLSyntaxError) as error:
        # The file may have been deleted by hand; the next worker or day tries again.
        message = _("The identifiers of %(run)s cannot be read from its file: %(reason)s")
        logger.warning(message, {"run": run, "reason": error})


def _identifiers_in(run: Run) -> Iterator[tuple[int, str]]:
    """Id and identifier of each batch; one of them at a time is in memory."""
    with files.open_file(run) as stream:
        for batch in _batches_in(stream):
            number = batch.findtext("id") or ""
            if number.isascii() and number.isdigit():
                yield int(number), batch.findtext("batchIdentifier") or ""


def _batches_in(stream: BinaryIO) -> Iterator["etree._Element"]:
    parsed = etree.iterparse(
        stream,
        events=("end",),
        tag="Batch",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
    )
    for _event, batch in parsed:
        # A field of a batch may have the same name.
        parent = batch.getparent()
        if parent is None or parent.getparent() is not None:
            continue
        yield batch
        batch.clear()
        while batch.getprevious() is not None:
            del parent[0]
