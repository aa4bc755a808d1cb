"""Clears what dead workers left: files and staged ledger rows."""

import logging
from datetime import timedelta
from itertools import islice

from django.db.models import Exists, OuterRef

from exports import clock
from exports.connectwise.language import gettext as _
from exports.housekeeping.isolation import isolated
from exports.models import LedgerEntry, Run
from exports.models.runs import RunQuerySet
from exports.storage import files
from exports.storage.run_log import RunLog

logger = logging.getLogger(__name__)

_PORTION = 500
_WITHOUT_FILE = (Run.Status.FAILED, Run.Status.CANCELLED)
_COLUMNS = ("status", "attempt", "part_name", "file_path")


def clear_run_folder() -> None:
    """Remove half-written files of dead workers; set aside whole files that no run owns."""
    found = files.found_files()
    # In portions, as a folder may hold a hundred thousand files.
    while some := list(islice(found, _PORTION)):
        # Read runs after the folder: a run ending in between is seen as active or with its file.
        runs = Run.objects.only(*_COLUMNS).in_bulk([file.run_id for file in some])
        for file in some:
            with isolated(file.name):
                _clear_file(file, runs.get(file.run_id))


def _clear_file(file: files.FoundFile, run: Run | None) -> None:
    if run is not None and run.is_active and _is_in_use(file, run):
        return
    stem, _dot, ending = f"runs/{file.name}".partition(".")
    if run is not None and run.file_path == f"{stem}.xml" and ending in ("xml", "json"):
        return
    if not file.is_whole:
        # A manifest is kept as long as its run file.
        if ending != "json" or not files.store().exists(f"{stem}.xml"):
            files.remove_found(file)
    # Housekeeping may have deleted it, and then its row, since the folder was read.
    elif files.store().exists(f"{stem}.xml"):
        target = files.set_aside(file)
        params = {"file": file.name, "target": target}
        logger.warning(_("%(file)s belongs to no run and was moved to %(target)s."), params)
        if run is not None:
            moved = _("A whole file without a success was moved to %(target)s.")
            RunLog(run).warning(moved % params)


def _is_in_use(file: files.FoundFile, run: Run) -> bool:
    """Whether the file is being written, or is the part file to resume from."""
    return file.attempt >= run.attempt or file.name == run.part_name


def delete_staged() -> None:
    """Delete the ledger rows that runs staged before they failed or were cancelled."""
    _delete_staged_by(Run.objects.filter(status__in=_WITHOUT_FILE))


def delete_lately_staged(*, among_last: int | None = None) -> None:
    """As `delete_staged`, of the runs of the last hour or, if given, so many of any age."""
    if among_last is None:
        an_hour_ago = clock.now() - timedelta(hours=1)
        lately = Run.objects.filter(status__in=_WITHOUT_FILE, finished_at__gt=an_hour_ago)
        _delete_staged_by(lately)
        return
    for status in _WITHOUT_FILE:
        _delete_staged_by(Run.objects.ended_last(status, among_last))


def _delete_staged_by(runs: RunQuerySet) -> None:
    # The database picks them: of ten thousand failures hardly one still has rows.
    staged = LedgerEntry.objects.filter(run_id=OuterRef("pk"))
    for run_id in runs.filter(Exists(staged)).values_list("pk", flat=True):
        while LedgerEntry.objects.delete_some_staged(run_id):
            pass
