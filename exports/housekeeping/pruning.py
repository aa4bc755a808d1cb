"""Deletes runs with their files, logs and rows, in portions that block nobody (rule G1).

Of each portion first the rows are marked, then the files go, then the rows. A kill in between
leaves marked rows, with or without their file, which the next round deletes: a row that is not
marked always has its file, and a file always has its row.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import models, transaction

from exports.connectwise.language import gettext as _
from exports.housekeeping.retention import keep_reason_of, with_keep_reason
from exports.models import Delivery, LedgerEntry, Run, RunLogEntry, RunSummary
from exports.storage import files
from exports.storage.store import RUNS, StorageUnreachableError

RUNS_AT_ONCE: Final = 25
ROWS_AT_ONCE: Final = 1_000
# Between two portions others get the database: at least this long, and as long as it was held.
_PAUSE: Final = 0.02  # seconds


class PruningStoppedError(Exception):
    """This worker is shutting down; another one goes on."""


@dataclass
class Pruned:
    """What was deleted."""

    run_count: int = 0
    file_count: int = 0
    file_bytes: int = 0
    row_count: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        names = ("run_count", "file_count", "file_bytes", "row_count")
        return {name: getattr(self, name) for name in names}


@dataclass
class Pace:
    """Between two portions: pauses, and stops where the caller says so."""

    checkpoint: Callable[[], None] = lambda: None
    _begun: float = field(default_factory=time.monotonic)

    def pause(self) -> None:
        """Raises what the checkpoint raises."""
        self.checkpoint()
        time.sleep(max(_PAUSE, time.monotonic() - self._begun))
        self._begun = time.monotonic()


def marked_runs() -> list[int]:
    """Runs that an interrupted round has marked: their files may be gone already."""
    marked = Run.objects.exclude(pruned_at=None).order_by("id")
    return list(marked.values_list("pk", flat=True))


def mark(run_ids: Sequence[int], now: datetime) -> list[Run]:
    """Mark those that nothing needs, for good; from here on their files count as deleted.

    Looked at again in the transaction: a delivery may have been asked for meanwhile.
    """
    with transaction.atomic():
        locked = list(
            Run.objects.filter(pk__in=run_ids, pruned_at=None)
            .select_for_update()
            .values_list("pk", flat=True)
        )
        looked_at = with_keep_reason(Run.objects.filter(pk__in=locked)).order_by("id")
        runs = [run for run in looked_at if not keep_reason_of(run)]
        numbers = [run.pk for run in runs]
        Run.objects.filter(pk__in=numbers).update(pruned_at=now)
        RunSummary.objects.filter(pk__in=numbers).update(pruned_at=now)
        for number, places in _places_of(numbers).items():
            RunSummary.objects.filter(pk=number).update(delivered_to=places)
    return runs


def delete_marked(runs: Sequence[Run], pruned: Pruned, pace: Pace) -> Iterator[Run]:
    """Delete files and rows of marked runs; yields each run that is gone.

    One whose file cannot be deleted stays marked for the next round, and its error is noted.
    """
    gone = [run for run in runs if _delete_files(run, pruned)]
    if gone:
        files.store().flush(RUNS)
    numbers = [run.pk for run in gone]
    pruned.row_count += delete_in_portions(RunLogEntry.objects.filter(run__in=numbers), pace)
    for run in gone:
        if run.status != Run.Status.SUCCEEDED:
            # Only of a run without success: the ledger itself is never pruned.
            while LedgerEntry.objects.delete_some_staged(run.pk):
                pace.pause()
    with transaction.atomic():
        Run.objects.filter(pk__in=numbers).exclude(pruned_at=None).delete()
    pruned.run_count += len(gone)
    yield from gone


def delete_in_portions(rows: models.QuerySet[Any], pace: Pace) -> int:
    """Delete these rows, some at a time, so that others can write in between."""
    count = 0
    while some := list(rows.order_by("pk").values_list("pk", flat=True)[:ROWS_AT_ONCE]):
        rows.model._default_manager.filter(pk__in=some).delete()
        count += len(some)
        pace.pause()
    return count


def _places_of(run_ids: list[int]) -> dict[int, list[str]]:
    """Where each of them was delivered to, in words that need no other row."""
    places: dict[int, list[str]] = {}
    delivered = Delivery.objects.filter(run__in=run_ids, state=Delivery.State.DELIVERED)
    for row in delivered.order_by("id"):
        where = f"{row.destination_name} ({row.location})" if row.location else row.destination_name
        places.setdefault(row.run_id, []).append(where)
    return places


def _delete_files(run: Run, pruned: Pruned) -> bool:
    if not run.file_path:
        return True
    store = files.store()
    try:
        is_there = store.exists(run.file_path)
        # The manifest last: without its file it is removed as a leftover.
        store.remove(run.file_path)
        store.remove(files.manifest_name(run.file_path))
    except StorageUnreachableError:
        # The same would be said of every other file, each after a while.
        raise
    except OSError as error:
        message = _("%(file)s cannot be deleted: %(reason)s.")
        name = run.file_path.rpartition("/")[2]
        pruned.errors.append(message % {"file": name, "reason": error.strerror or error})
        return False
    pruned.file_count += is_there
    pruned.file_bytes += (run.file_size or 0) if is_there else 0
    return True
