"""The ledger: which batch was exported, in which version, in which run (rule W7)."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db import connections, models
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from exports.models.runs import Run
    from exports.models.tasks import Task

_INSERT: Final = (
    "INSERT INTO exports_ledgerentry "
    "(task_id, run_id, batch_id, last_updated, content_hash, extra_hash) "
    "SELECT {task_id:d}, {run_id:d}, added.* FROM (VALUES {rows}) AS added"
)
# With 4 parameters per row below the 999 that every SQLite takes.
_ROWS_AT_ONCE: Final = 249
_IDS_AT_ONCE: Final = 900
_PORTION: Final = 2_000


class Version(NamedTuple):
    """One version of a batch: its id, last update as sent, and a hash over its elements.

    `extra_hash` covers all fields ConnectWise returned; None when extra fields are not exported.
    """

    batch_id: int
    last_updated: str
    content_hash: str
    extra_hash: str | None = None


class LedgerQuerySet(models.QuerySet["LedgerEntry"]):
    def counted_for(self, run: "Run") -> "LedgerQuerySet":
        """The rows that make the run skip a batch: of its task's earlier successes.

        Rows of other runs are only staged; ids of another company are other batches. A re-export
        does not count: its file does not reach the export folder (R7), so its batches must still
        come in a run of the task itself.
        """
        counted = self.filter(
            task_id=run.task_id,
            run__status="succeeded",
            run__site=run.site,
            run__company=run.company,
        ).exclude(run__trigger="reexport")
        return counted.filter(run_id__gte=run.known_from_run) if run.known_from_run else counted

    def sent_by(self, task: "Task") -> "LedgerQuerySet":
        """The rows of all the task's successes, of any company.

        Filters by the run's task because the index is by run; none is by task and run.
        """
        return self.filter(run__task_id=task.pk, run__status="succeeded")

    def batch_count_of(self, task: "Task") -> int:
        """How many batches the task has exported from its connection's current company."""
        connection = task.connection
        ours = self.sent_by(task).filter(run__site=connection.site, run__company=connection.company)
        ours = ours.exclude(run__trigger="reexport")
        count: int = ours.aggregate(count=models.Count("batch_id", distinct=True))["count"]
        return count

    def exported_by(self, run_id: int, ids: Sequence[int]) -> set[int]:
        """The ids among `ids` that this run put into its file."""
        # Uses the index by task and batch, as a run may have very many rows.
        task_ids = self.filter(run_id=run_id).values("task_id")[:1]
        rows = self.filter(task_id=models.Subquery(task_ids), run_id=run_id)
        return {row[0] for row in rows._among(ids, "batch_id")}

    def ids_of(self, run_id: int) -> Iterator[int]:
        """The ids that this run put into its file, ascending, read in portions."""
        rows = self.filter(run_id=run_id).order_by("batch_id")
        return rows.values_list("batch_id", flat=True).iterator(chunk_size=_PORTION)

    def delete_some_staged(self, run_id: int) -> bool:
        """Delete a portion of a run's staged rows, so that others can write in between.

        False when none are left.
        """
        staged = self.filter(run_id=run_id).order_by("pk")
        some = list(staged.values_list("pk", flat=True)[:_PORTION])
        self.filter(pk__in=some).delete()
        return len(some) == _PORTION

    def range_of(self, run_id: int) -> tuple[int, int]:
        """Lowest and highest id that this run put into its file; (1, 0) when it is empty."""
        found = self.filter(run_id=run_id).aggregate(
            lowest=models.Min("batch_id"), highest=models.Max("batch_id")
        )
        if found["lowest"] is None:
            return 1, 0
        return found["lowest"], found["highest"]

    def known_versions(
        self, run: "Run", ids: Sequence[int]
    ) -> dict[tuple[int, str], set[str | None]]:
        """The exported versions of `ids`: (batch id, content hash) → their extra hashes."""
        known: dict[tuple[int, str], set[str | None]] = {}
        rows = self.counted_for(run)._among(ids, "batch_id", "content_hash", "extra_hash")
        for batch_id, content_hash, extra_hash in rows:
            known.setdefault((batch_id, content_hash), set()).add(extra_hash)
        return known

    def known_batches(self, run: "Run", ids: Sequence[int]) -> set[int]:
        """The ids among `ids` that were exported before, in any version."""
        return {row[0] for row in self.counted_for(run)._among(ids, "batch_id")}

    def _among(self, ids: Sequence[int], *names: str) -> Iterator[tuple[Any, ...]]:
        """Rows of exactly these batches; a range of ids could hold millions of others."""
        for start in range(0, len(ids), _IDS_AT_ONCE):
            some = self.filter(batch_id__in=ids[start : start + _IDS_AT_ONCE])
            yield from some.values_list(*names).distinct().iterator()

    def stage(self, run: "Run", versions: Iterable[Version]) -> None:
        """Add rows for the batches that a running run writes from one page."""
        rows = [
            (batch_id, _storable(last_updated), content_hash, extra_hash)
            for batch_id, last_updated, content_hash, extra_hash in versions
        ]
        # Not bulk_create: creating an object per row takes as long as the rest of a page. Not
        # executemany: it releases the interpreter lock for every row and takes twice as long.
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[start : start + _ROWS_AT_ONCE]
            self._insert(run, len(some), list(chain.from_iterable(some)))

    def _insert(self, run: "Run", row_count: int, values: list[int | str | None]) -> None:
        connection = connections[self.db]
        is_sqlite = connection.vendor == "sqlite"
        row = "(?, ?, ?, ?)" if is_sqlite else "(%s, %s, %s, %s)"
        statement = _INSERT.format(
            task_id=run.task_id, run_id=run.pk, rows=", ".join([row] * row_count)
        )
        with connection.cursor() as cursor:
            if is_sqlite:
                # Bypasses Django, whose conversion of %s to ? takes as long as the insert.
                with connection.wrap_database_errors:
                    connection.connection.execute(statement, values)
            else:
                cursor.execute(statement, values)


class LedgerEntry(models.Model):
    """A batch, in one version, in one run's file. Rows are only added, never changed."""

    task = models.ForeignKey("exports.Task", models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey("exports.Run", models.PROTECT, related_name="ledger_entries")
    batch_id = models.BigIntegerField()
    last_updated = models.CharField(max_length=64, blank=True)
    content_hash = models.CharField(max_length=32)
    # Null when extra fields were not exported, and in rows of earlier versions.
    extra_hash = models.CharField(max_length=32, null=True)

    objects = LedgerQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["task", "batch_id"], name="ledger_task_batch")]

    def __str__(self) -> str:
        params = {"batch": self.batch_id, "run": self.run_id}
        return _("batch %(batch)s in run %(run)s") % params


def _storable(text: str) -> str:
    """Text that every database accepts: no lone surrogate, no NUL, at most 64 characters."""
    if text.isascii() and text.isprintable() and len(text) <= 64:
        return text
    return text[:64].encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
