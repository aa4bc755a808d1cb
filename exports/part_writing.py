"""Pages of ConnectWise → the temporary file of a run, with its ledger rows and its progress."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction

from exports.connectwise import conditions
from exports.connectwise.client import ConnectWiseClient, Page
from exports.connectwise.walk import Record, Step, walk
from exports.connectwise.xml_writer import BatchWriter
from exports.models import LedgerEntry, Run
from exports.models.ledger import Version
from exports.run_log import RunLog
from exports.survey import Survey
from exports.versions import version_of

_REPLACED_LINES = 20


@dataclass
class Written:
    """What one walk brought. Fetched = written + left out (P3)."""

    page_count: int = 0
    fetched_count: int = 0
    left_out_count: int = 0
    repeated_count: int = 0
    last_id: int = 0
    replaced_count: int = field(default=0, repr=False)

    @property
    def written_count(self) -> int:
        return self.fetched_count - self.left_out_count


class PartWriter:
    """One walk of a run into its part file; `checkpoint` raises when the run has to stop."""

    def __init__(
        self,
        run: Run,
        client: ConnectWiseClient,
        ground: Survey,
        log: RunLog,
        checkpoint: Callable[[], None],
    ) -> None:
        self._run = run
        self._client = client
        self._ground = ground
        self._log = log
        self._checkpoint = checkpoint
        self._so_far = Written(last_id=ground.after_id)

    def write(self, part: Path) -> Written:
        """Fetch everything and write it, whole and flushed to disk, to `part`.

        Raises ConnectWiseError, WalkError, RecordError, LostRunError, OSError; the file is then
        without its end and of no use.
        """
        # What an earlier walk of this run has staged never left the house.
        self._run.ledger_entries.all().delete()
        with part.open("wb", buffering=1 << 20) as stream:
            with BatchWriter(
                stream,
                include_extra_fields=self._run.include_extra_fields,
                on_replaced=self._report_replaced,
            ) as writer:
                for step in walk(self._fetch_above, after=self._ground.after_id):
                    self._checkpoint()
                    self._take(step, writer)
            stream.flush()
            os.fsync(stream.fileno())
        return self._so_far

    def _fetch_above(self, batch_id: int) -> Page:
        return self._client.batches(
            self._ground.filter(conditions.id_above(batch_id)), page_size=self._run.page_size
        )

    def _take(self, step: Step, writer: BatchWriter) -> None:
        """One page: into the file what did not go out before, and all of it into the counters."""
        kept = self._not_yet_exported(step.records)
        for record, _ in kept:
            writer.write(record)
        so_far = self._so_far
        so_far.page_count += 1
        so_far.fetched_count += len(step.records)
        so_far.left_out_count += len(step.records) - len(kept)
        so_far.repeated_count += step.repeated_count
        so_far.last_id = step.last_id
        # One transaction with the fence: a worker that lost the run stages nothing.
        with transaction.atomic():
            self._run.progress(
                self._run.owner,
                activity="Fetching batches",
                page_count=so_far.page_count,
                fetched_count=so_far.fetched_count,
                left_out_count=so_far.left_out_count,
                repeated_count=so_far.repeated_count,
            )
            LedgerEntry.objects.stage(self._run, [version for _, version in kept])

    def _not_yet_exported(
        self, records: Sequence[tuple[int, Record]]
    ) -> list[tuple[Record, Version]]:
        versions = [(record, version_of(number, record)) for number, record in records]
        if not versions or not self._run.leaves_out_known:
            return versions
        lowest, highest = records[0][0], records[-1][0]
        if self._run.export == "new":
            known_ids = LedgerEntry.objects.known_batches(self._run, lowest, highest)
            return [pair for pair in versions if pair[1].batch_id not in known_ids]
        known = LedgerEntry.objects.known_versions(self._run, lowest, highest)
        return [pair for pair in versions if (pair[1].batch_id, pair[1].content_hash) not in known]

    def _report_replaced(self, batch_id: int, path: str) -> None:
        self._so_far.replaced_count += 1
        if self._so_far.replaced_count <= _REPLACED_LINES:
            self._log.warning(
                f"Batch {batch_id}: {path} has a character that XML cannot hold; the file has "
                "U+FFFD (\N{REPLACEMENT CHARACTER}) in its place."
            )
