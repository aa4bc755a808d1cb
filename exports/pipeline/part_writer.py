"""Pages of ConnectWise → the temporary file of a run, with its ledger rows and its progress."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from django.db import transaction

from exports.connectwise.filter import conditions
from exports.connectwise.http.client import Page
from exports.connectwise.http.client_pool import Fetching
from exports.connectwise.language import gettext as _
from exports.connectwise.language import grouped, ngettext
from exports.connectwise.paging.keyset import Record, Step, walk
from exports.connectwise.paging.parallel import WORTH_IT_ABOVE, Extent, walk_in_windows
from exports.connectwise.plain_files import create_plain, open_plain
from exports.connectwise.xml.background_validation import GrowingCheck
from exports.connectwise.xml.writer import BatchWriter
from exports.models import LedgerEntry, Run
from exports.models.codes import Activity
from exports.models.ledger import Version
from exports.pipeline.batch_versions import version_of
from exports.pipeline.preflight import Preflight
from exports.pipeline.queries import ask_page
from exports.storage import files
from exports.storage.run_log import RunLog

_REPLACED_LINES = 20
_BUFFER = 1 << 20


@dataclass
class Written:
    """How far the walk is. Fetched = written + left out (P3)."""

    page_count: int = 0
    fetched_count: int = 0
    # No newer than the highest id at the start: what can be held against the count made then.
    within_count: int = 0
    skipped_count: int = 0
    repeated_count: int = 0
    replaced_count: int = 0
    last_id: int = 0

    @property
    def written_count(self) -> int:
        return self.fetched_count - self.skipped_count


class PartWriter:
    """One walk of a run into its part file."""

    def __init__(
        self,
        run: Run,
        fetching: Fetching,
        preflight: Preflight,
        log: RunLog,
        *,
        check: GrowingCheck | None = None,
        first_page: Callable[[], Page] | None = None,
        on_reached: Callable[[Written], None] = lambda written: None,
    ) -> None:
        """`check` is told how far the file is; `first_page` may have been asked for already.

        `on_reached` is called once in a walk, when all has been fetched that was there when the
        run started, and before that is written.
        """
        self._run = run
        self._fetching = fetching
        self._ground = preflight
        self._log = log
        self._check = check or GrowingCheck()
        self._first_page = first_page
        self._on_reached = on_reached
        self._is_serial = run.parallel_requests == 1
        self._so_far = Written(last_id=preflight.after_id)

    def resume(self) -> Written:
        """Go on after the last page that an earlier attempt wrote, or start when there is none."""
        run = self._run
        earlier = files.checked_beginning(run)
        if earlier is None or run.ledger_entries.count() != run.written_count:
            return self.write()
        self._so_far = Written(
            page_count=run.page_count,
            fetched_count=run.fetched_count,
            within_count=run.within_count,
            skipped_count=run.skipped_count,
            repeated_count=run.repeated_count,
            replaced_count=run.replaced_count,
            last_id=run.last_id if run.last_id is not None else self._ground.after_id,
        )
        self._log.info(_resumption_message(self._so_far))
        with self._part() as stream:
            with open_plain(earlier) as kept:
                stream.copy_beginning(kept, run.part_size or 0)
            self._flush(stream)
            # Before the earlier file goes, so that there always is one to resume from.
            run.progress(run.owner, part_name=files.part_file(run).name)
            files.remove(earlier)
            return self._walk(stream)

    def write_reexport(self) -> Written:
        """As `write`, one page after the other: a second walk takes no shortcut."""
        self._is_serial = True
        return self.write()

    def write(self) -> Written:
        """Fetch everything and write it, whole and flushed to disk, to the run's part file.

        Raises ConnectWiseError, WalkError, RecordError, LostRunError, OSError; the file is then
        without its end and of no use but to be resumed.
        """
        self._so_far = Written(last_id=self._ground.after_id)
        self._delete_earlier_walk()
        with self._part() as stream:
            return self._walk(stream)

    def _delete_earlier_walk(self) -> None:
        """What it has staged never left the house; nobody may resume it from here on.

        Each portion goes together with the fence: a worker that lost the run deletes nothing.
        """
        is_more = True
        while is_more:
            with transaction.atomic():
                self._run.progress(
                    self._run.owner,
                    part_name="",
                    part_size=None,
                    part_sha256="",
                    **vars(self._so_far),
                )
                is_more = LedgerEntry.objects.delete_some_staged(self._run.pk)
            if is_more:
                self._fetching.look_around()

    def _walk(self, stream: "_HashedStream") -> Written:
        with BatchWriter(
            stream,  # type: ignore[arg-type]  # of the stream it only writes
            include_extra_fields=self._run.include_extra_fields,
            on_replaced=self._report_replaced,
            written_count=self._so_far.written_count,
        ) as writer:
            for step in self._steps():
                self._take(step, writer, stream)
        return self._so_far

    @contextmanager
    def _part(self) -> Iterator["_HashedStream"]:
        path = files.part_file(self._run)
        with create_plain(path) as raw:
            self._check.begin(path)
            stream = _HashedStream(raw)
            yield stream
            raw.flush()
            os.fsync(raw.fileno())
            self._check.ended(stream.size)

    def _flush(self, stream: "_HashedStream") -> None:
        stream.flush()
        self._check.grown_to(stream.size)

    def _steps(self) -> Iterator[Step]:
        preflight, page_size = self._ground, self._run.page_size
        expected = (preflight.expected_count or 0) - self._so_far.fetched_count
        if self._is_serial or expected <= WORTH_IT_ABOVE * page_size:
            return walk(self._ask, after=self._so_far.last_id)
        extent = Extent(expected, preflight.highest_id, page_size)
        return walk_in_windows(
            self._ask, extent, after=self._so_far.last_id, width_limit=self._fetching.depth
        )

    def _ask(self, above: int) -> Callable[[], Page]:
        first_page, self._first_page = self._first_page, None
        if first_page and above == self._ground.after_id:
            return first_page
        asked = self._ground.filter(conditions.id_above(above))
        return ask_page(self._fetching, asked, self._run.page_size)

    def _take(self, step: Step, writer: BatchWriter, stream: "_HashedStream") -> None:
        """One page: into the file what did not go out before, and all of it into the counters."""
        kept = self._chosen(step.records)
        so_far, was_reached = self._so_far, self._is_reached
        so_far.page_count += 1
        so_far.fetched_count += len(step.records)
        highest_id = self._ground.highest_id
        so_far.within_count += sum(number <= highest_id for number, _record in step.records)
        so_far.skipped_count += len(step.records) - len(kept)
        so_far.repeated_count += step.repeated_count
        so_far.last_id = step.last_id
        if self._is_reached and not was_reached:
            self._on_reached(so_far)
        writer.write_all((version.batch_id, record) for record, version in kept)
        self._flush(stream)
        # One transaction with the fence: a worker that lost the run stages nothing.
        with transaction.atomic():
            self._run.answered(
                self._run.owner,
                activity=Activity.FETCHING,
                part_name=files.part_file(self._run).name,
                part_size=stream.size,
                part_sha256=stream.sha256(),
                **vars(so_far),
            )
            LedgerEntry.objects.stage(self._run, [version for _record, version in kept])
        if self._is_reached and not was_reached:
            # While the end is being proven; little will be left to flush then.
            stream.sync()

    @property
    def _is_reached(self) -> bool:
        return self._so_far.last_id >= self._ground.highest_id

    def _chosen(self, records: Sequence[tuple[int, Record]]) -> list[tuple[Record, Version]]:
        versions = [(record, version_of(number, record)) for number, record in records]
        if not versions:
            return versions
        lowest, highest = records[0][0], records[-1][0]
        if self._run.reexport_of_id is not None:
            wanted = LedgerEntry.objects.exported_by(self._run.reexport_of_id, lowest, highest)
            return [pair for pair in versions if pair[1].batch_id in wanted]
        if not self._run.skips_known:
            return versions
        if self._run.export == "new":
            known_ids = LedgerEntry.objects.known_batches(self._run, lowest, highest)
            return [pair for pair in versions if pair[1].batch_id not in known_ids]
        known = LedgerEntry.objects.known_versions(self._run, lowest, highest)
        return [pair for pair in versions if (pair[1].batch_id, pair[1].content_hash) not in known]

    def _report_replaced(self, batch_id: int, path: str) -> None:
        self._so_far.replaced_count += 1
        if self._so_far.replaced_count <= _REPLACED_LINES:
            self._log.warning(
                _(
                    "Batch %(batch)s: %(path)s has a character that XML cannot hold; the file has "
                    "U+FFFD (�) in its place."
                )
                % {"batch": batch_id, "path": path}
            )


def _resumption_message(kept: Written) -> str:
    return ngettext(
        "Resuming after id %(id)s: %(count)s batch of an earlier attempt is kept.",
        "Resuming after id %(id)s: %(count)s batches of an earlier attempt are kept.",
        kept.written_count,
    ) % {"id": kept.last_id, "count": grouped(kept.written_count)}


class _HashedStream:
    """The part file, knowing size and SHA-256 of what it holds, so that it can be resumed."""

    def __init__(self, raw: BinaryIO) -> None:
        self.size = 0
        self._raw = raw
        self._hash = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.size += len(content)
        self._hash.update(content)
        return self._raw.write(content)

    def flush(self) -> None:
        self._raw.flush()

    def sync(self) -> None:
        os.fsync(self._raw.fileno())

    def sha256(self) -> str:
        return self._hash.hexdigest()

    def copy_beginning(self, source: BinaryIO, size: int) -> None:
        while self.size < size:
            chunk = source.read(min(_BUFFER, size - self.size))
            if not chunk:
                message = _("The part file ended after %(size)s of %(expected)s bytes.")
                raise OSError(message % {"size": grouped(self.size), "expected": grouped(size)})
            self.write(chunk)
