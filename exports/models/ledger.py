"""The ledger: which batch went out, in which version, in which run (rule W7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from exports.models.runs import Run


@dataclass(frozen=True)
class Version:
    """One version of a batch: its id, last update as sent, and a hash over its elements."""

    batch_id: int
    last_updated: str
    content_hash: str


class LedgerQuerySet(models.QuerySet["LedgerEntry"]):
    def counted_for(self, run: "Run") -> "LedgerQuerySet":
        """What the run's task has put into files of runs that succeeded.

        Rows of other runs are only staged; those of another company are another company's ids.
        """
        return self.filter(
            task_id=run.task_id,
            run__status="succeeded",
            run__site=run.site,
            run__company=run.company,
        )

    def known_versions(self, run: "Run", lowest: int, highest: int) -> set[tuple[int, str]]:
        """(batch id, content hash) of what went out before, within the id range."""
        rows = self.counted_for(run).filter(batch_id__range=(lowest, highest))
        return set(rows.values_list("batch_id", "content_hash"))

    def known_batches(self, run: "Run", lowest: int, highest: int) -> set[int]:
        """Ids that went out before in any version, within the id range."""
        rows = self.counted_for(run).filter(batch_id__range=(lowest, highest))
        return set(rows.values_list("batch_id", flat=True))

    def stage(self, run: "Run", versions: Iterable[Version]) -> None:
        """Add what a page of a running run will put into its file."""
        self.bulk_create(
            LedgerEntry(
                task_id=run.task_id,
                run_id=run.pk,
                batch_id=version.batch_id,
                last_updated=version.last_updated[:64],
                content_hash=version.content_hash,
            )
            for version in versions
        )


class LedgerEntry(models.Model):
    """A batch, in one version, in one run's file. Rows are only added, never changed."""

    task = models.ForeignKey("exports.Task", models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey("exports.Run", models.PROTECT, related_name="ledger_entries")
    batch_id = models.BigIntegerField()
    last_updated = models.CharField(max_length=64, blank=True)
    content_hash = models.CharField(max_length=32)

    objects = LedgerQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["task", "batch_id"], name="ledger_task_batch")]

    def __str__(self) -> str:
        return f"batch {self.batch_id} in run {self.run_id}"
