"""The ledger: which batch was exported, in which version, in which run (rule W7)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db import connections, models, transaction
from django.db.models.functions import Upper
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from exports.models.runs import Run
    from exports.models.tasks import Task

_COLUMNS: Final = "task_id, run_id, batch_id, last_updated, content_hash, batch_identifier"
_INSERT: Final = (
    "INSERT INTO exports_ledgerentry ({columns}) "
    "SELECT {task_id:d}, {run_id:d}, added.* FROM (VALUES {rows}) AS added"
)
_COPY: Final = "COPY exports_ledgerentry ({columns}) FROM STDIN"
# Every SQLite takes 999 parameters in a statement.
_PARAMETERS_AT_ONCE: Final = 999
_IDS_AT_ONCE: Final = 900
_PORTION: Final = 2_000
MAX_LAST_UPDATED: Final = 64
# Of a longer identifier its beginning is kept and searched for.
MAX_IDENTIFIER: Final = 100
# NUL and lone surrogates.
_find_unstorable: Final = re.compile("[\0\ud800-\udfff]").search


class Version(NamedTuple):
    """One version of a batch: its id, last update as sent, and a hash over its elements.

    `extra_hash` covers all fields ConnectWise returned; None when extra fields are not exported.
    `batch_identifier` is what people see in ConnectWise.
    """

    batch_id: int
    last_updated: str
    content_hash: str
    extra_hash: str | None = None
    batch_identifier: str = ""


class LedgerQuerySet(models.QuerySet["LedgerEntry"]):
    def counted_for(self, run: "Run") -> "LedgerQuerySet":
        """The rows that make the run skip a batch: of its task's earlier successes.

        Rows of other runs are only staged and have no summary; ids of another company are other
        batches. A re-export does not count: its file does not reach the export folder (R7), so its
        batches must still come in a run of the task itself.
        """
        counted = self.filter(
            task_id=run.task_id,
            run__site=run.site,
            run__company=run.company,
        ).exclude(run__trigger="reexport")
        return counted.filter(run_id__gte=run.known_from_run) if run.known_from_run else counted

    def sent_by(self, task: "Task") -> "LedgerQuerySet":
        """The rows of all the task's successes, of any company.

        Filters by the run's task because the index is by run; none is by task and run.
        """
        return self.filter(run__task_id=task.pk)

    def sent(self) -> "LedgerQuerySet":
        """The rows of all successes of all tasks; those of other runs have no summary."""
        return self.filter(run__task_id__gt=0)

    def identified_by(self, identifiers: Iterable[str]) -> "LedgerQuerySet":
        """The rows of batches with these identifiers, in upper or lower case."""
        keys = {form for text in identifiers for form in _forms(identifier_kept(text))}
        # Databases differ in which letters they know the upper case of; they see each form.
        wanted = [Upper(models.Value(key)) for key in sorted(keys - {""})]
        known = self.filter(batch_identifier__isnull=False).alias(key=Upper("batch_identifier"))
        return known.filter(key__in=wanted) if wanted else self.none()

    def batch_count_of(self, task: "Task") -> int:
        """How many batches the task has exported from its connection's current company."""
        connection = task.connection
        ours = self.sent_by(task).filter(run__site=connection.site, run__company=connection.company)
        ours = ours.exclude(run__trigger="reexport")
        count: int = ours.aggregate(count=models.Count("batch_id", distinct=True))["count"]
        return count

    def exported_by(self, run_id: int, ids: Sequence[int]) -> set[int]:
        """The ids among `ids` that this run put into its file."""
        # Uses the index by batch and task, as a run may have very many rows.
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
        fields = list(zip(*versions, strict=True))
        if not fields:
            return
        batch_ids, last_updated, content_hashes, extra_hashes, names = fields
        texts = _all_storable(last_updated, MAX_LAST_UPDATED)
        identifiers = _all_storable([*map(str.strip, names)], MAX_IDENTIFIER)
        values, columns = [batch_ids, texts, content_hashes, identifiers], _COLUMNS
        # Left out where there are none: a null that is passed costs as much as the other values.
        if any(extra_hashes):
            values, columns = [*values, extra_hashes], f"{_COLUMNS}, extra_hash"
        add = self._copy if connections[self.db].vendor == "postgresql" else self._insert
        add(run, columns, list(zip(*values, strict=True)))

    def identify(self, run: "Run", identifiers: Sequence[tuple[int, str]]) -> None:
        """Fill in the identifiers of a run's batches, by id, where they are not known yet."""
        table = connections[self.db].ops.quote_name(self.model._meta.db_table)
        statement = (
            f"UPDATE {table} SET batch_identifier = %s "  # noqa: S608 - a name of ours
            "WHERE batch_id = %s AND task_id = %s AND run_id = %s AND batch_identifier IS NULL"
        )
        values = [
            (identifier_kept(identifier), batch_id, run.task_id, run.pk)
            for batch_id, identifier in identifiers
        ]
        with transaction.atomic(using=self.db), connections[self.db].cursor() as cursor:
            cursor.executemany(statement, values)

    def _copy(self, run: "Run", columns: str, rows: list[tuple[int | str | None, ...]]) -> None:
        """Half the time of an INSERT, and a tenth of the processor's on our side."""
        connection = connections[self.db]
        with (
            connection.cursor() as cursor,
            connection.wrap_database_errors,
            cursor.copy(_COPY.format(columns=columns)) as copy,
        ):
            for row in rows:
                copy.write_row((run.task_id, run.pk, *row))

    def _insert(self, run: "Run", columns: str, rows: list[tuple[int | str | None, ...]]) -> None:
        """Not bulk_create: creating an object per row takes as long as the rest of a page.

        Not executemany: it releases the interpreter lock for every row and takes twice as long.
        """
        connection = connections[self.db]
        row_count = _PARAMETERS_AT_ONCE // len(rows[0])
        places = f"({', '.join('?' * len(rows[0]))})"
        for start in range(0, len(rows), row_count):
            some = rows[start : start + row_count]
            statement = _INSERT.format(
                columns=columns,
                task_id=run.task_id,
                run_id=run.pk,
                rows=", ".join([places] * len(some)),
            )
            # The cursor only sees to a connection: Django's conversion of %s to ? takes as long as
            # the insert.
            with connection.cursor(), connection.wrap_database_errors:
                connection.connection.execute(statement, list(chain.from_iterable(some)))


class LedgerEntry(models.Model):
    """A batch, in one version, in one run's file. Rows are only added, never changed.

    They refer to the summary of the run, which stays when the run is pruned (G2). It is made when
    the run succeeds; until then rows are staged, so the database cannot enforce it.
    """

    task = models.ForeignKey("exports.Task", models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey(
        "exports.RunSummary", models.DO_NOTHING, related_name="+", db_constraint=False
    )
    batch_id = models.BigIntegerField()
    last_updated = models.CharField(max_length=MAX_LAST_UPDATED, blank=True)
    content_hash = models.CharField(max_length=32)
    # Null when extra fields were not exported, and in rows of earlier versions.
    extra_hash = models.CharField(max_length=32, null=True)
    # "" for a batch without one. Null in rows of earlier versions, until it is read from the file.
    batch_identifier = models.CharField(max_length=MAX_IDENTIFIER, null=True)

    objects = LedgerQuerySet.as_manager()

    class Meta:
        indexes = [
            # By batch first: it also serves the search over all tasks.
            models.Index(fields=["batch_id", "task"], name="ledger_batch_task"),
            models.Index(
                Upper("batch_identifier"),
                condition=models.Q(batch_identifier__isnull=False),
                name="ledger_identifier",
            ),
            # Empty once all identifiers are known, so that new rows cost nothing.
            models.Index(
                fields=["run"],
                condition=models.Q(batch_identifier__isnull=True),
                name="ledger_identifier_unknown",
            ),
        ]

    def __str__(self) -> str:
        params = {"batch": self.batch_id, "run": self.run_id}
        return _("batch %(batch)s in run %(run)s") % params


def identifier_kept(text: str) -> str:
    """An identifier as the ledger keeps it: without blanks around it."""
    return _storable(text.strip(), MAX_IDENTIFIER)


def _forms(text: str) -> tuple[str, ...]:
    return text, text.upper(), text.lower()


def _all_storable(texts: Sequence[str], most: int) -> Sequence[str]:
    """Each as `_storable`; nearly always all are, which one look at all of them tells."""
    if _find_unstorable("".join(texts)) or max(map(len, texts)) > most:
        return [_storable(text, most) for text in texts]
    return texts


def _storable(text: str, most: int) -> str:
    """Text that every database accepts: no lone surrogate, no NUL, not too long."""
    plain = text[:most].encode("utf-8", "replace").decode()
    return plain.replace("\0", "\N{REPLACEMENT CHARACTER}")
