"""Writes the fetched pages to a run's part file and records ledger rows and progress."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from django.db import transaction

from exports.connectwise.filter import conditions
from exports.connectwise.filter.id_portions import Portion
from exports.connectwise.http.client import Page
from exports.connectwise.http.client_pool import ClientPool
from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop, grouped, ngettext
from exports.connectwise.paging.keyset import NewRecords, PagingError, paginate
from exports.connectwise.paging.parallel import WORTH_IT_ABOVE, Extent, paginate_in_parallel
from exports.connectwise.paging.portions import paginate_portions
from exports.connectwise.regular_files import create_plain, open_regular
from exports.connectwise.xml.background_validation import BackgroundValidation
from exports.connectwise.xml.writer import BatchWriter
from exports.models import LedgerEntry, Run
from exports.models.codes import Activity
from exports.pipeline.known_batches import skip_known
from exports.pipeline.preflight import Preflight
from exports.pipeline.queries import submit_page
from exports.storage import files
from exports.storage.folders import remove
from exports.storage.run_log import RunLog

_STARTS_AGAIN = gettext_noop(
    "What an earlier attempt wrote is not within reach of this worker: starting again from the "
    "first page."
)
_REPLACED_LINES = 20
_BUFFER = 1 << 20
# More batches than any company creates during a run.
_MAX_GROWTH = 10_000


@dataclass
class Written:
    """Progress of a run. Fetched = written + skipped."""

    page_count: int = 0
    fetched_count: int = 0
    # Fetched, up to the highest id at the start; comparable with the count made then.
    within_count: int = 0
    skipped_count: int = 0
    repeated_count: int = 0
    replaced_count: int = 0
    last_id: int = 0

    @property
    def written_count(self) -> int:
        return self.fetched_count - self.skipped_count


class PartWriter:
    """Fetches the batches of a run into its part file.

    `write` and `resume` yield their progress once per page, after it was fetched and before it is
    written, and once at the end, when the file is whole and flushed to disk. Both raise
    ConnectWiseError, PagingError, RecordError, LeaseLostError, OSError; the file then lacks its end
    and can only be resumed.
    """

    def __init__(
        self,
        run: Run,
        pool: ClientPool,
        preflight: Preflight,
        log: RunLog,
        *,
        validation: BackgroundValidation | None = None,
        first_page: "Future[Page] | None" = None,
    ) -> None:
        """`validation` checks the file while it grows; `first_page` is a page already requested."""
        self._run = run
        self._pool = pool
        self._preflight = preflight
        self._log = log
        self._validation = validation or BackgroundValidation()
        self._first_page = first_page
        self._is_serial = run.parallel_requests == 1
        self._so_far = Written(last_id=preflight.after_id)

    def resume(self) -> Iterator[Written]:
        """Go on after the last page that an earlier attempt wrote; start over if it wrote none."""
        run = self._run
        earlier = files.checked_beginning(run)
        if (
            earlier is None
            or LedgerEntry.objects.filter(run_id=run.pk).count() != run.written_count
        ):
            if run.part_name:
                self._log.info(_(_STARTS_AGAIN))
            yield from self.write()
            return
        self._so_far = Written(
            page_count=run.page_count,
            fetched_count=run.fetched_count,
            within_count=run.within_count,
            skipped_count=run.skipped_count,
            repeated_count=run.repeated_count,
            replaced_count=run.replaced_count,
            last_id=run.last_id if run.last_id is not None else self._preflight.after_id,
        )
        self._log.info(_resumption_message(self._so_far))
        with self._part() as stream:
            with open_regular(earlier) as kept:
                stream.copy_beginning(kept, run.part_size or 0)
            self._flush(stream)
            # Before the earlier file is removed, so that one to resume from always exists.
            run.progress(run.owner, part_name=files.part_file(run).name)
            remove(earlier)
            yield from self._write_pages(stream)

    def write_again(self) -> Iterator[Written]:
        """As `write`, but one page after the other instead of in parallel."""
        self._is_serial = True
        yield from self.write()

    def write(self) -> Iterator[Written]:
        """Fetch everything and write it to the run's part file."""
        self._so_far = Written(last_id=self._preflight.after_id)
        self._delete_staged()
        with self._part() as stream:
            yield from self._write_pages(stream)

    def _delete_staged(self) -> None:
        """Delete the ledger rows of an earlier attempt, and make it impossible to resume.

        Each portion is deleted together with a progress update, which fails when the lease is lost.
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
                self._pool.check()

    def _write_pages(self, stream: "_HashedStream") -> Iterator[Written]:
        with BatchWriter(
            stream,  # type: ignore[arg-type]  # it only calls write()
            include_extra_fields=self._run.include_extra_fields,
            on_replaced=self._report_replaced,
            written_count=self._so_far.written_count,
        ) as writer:
            for new in self._pages():
                yield from self._write_page(new, writer, stream)
        yield self._so_far

    @contextmanager
    def _part(self) -> Iterator["_HashedStream"]:
        path = files.part_file(self._run)
        with create_plain(path) as raw:
            self._validation.begin(path)
            stream = _HashedStream(raw)
            yield stream
            raw.flush()
            os.fsync(raw.fileno())
            self._validation.ended(stream.size)

    def _flush(self, stream: "_HashedStream") -> None:
        stream.flush()
        self._validation.grown_to(stream.size)

    def _pages(self) -> Iterator[NewRecords]:
        preflight, page_size = self._preflight, self._run.page_size
        after = self._so_far.last_id
        if preflight.wanted:
            return paginate_portions(
                self._request_of,
                preflight.wanted.portions(after),
                after=after,
                max_in_flight=lambda: 1 if self._is_serial else self._pool.max_submitted,
            )
        expected = (preflight.expected_count or 0) - self._so_far.fetched_count
        if self._is_serial or expected <= WORTH_IT_ABOVE * page_size:
            return paginate(self._request, after=after)
        extent = Extent(expected, preflight.highest_id, page_size)
        return paginate_in_parallel(
            self._request,
            extent,
            after=after,
            max_in_flight=lambda: self._pool.max_submitted,
        )

    def _request(self, above: int) -> "Future[Page]":
        return self._ask(above)

    def _request_of(self, portion: Portion, above: int) -> "Future[Page]":
        return self._ask(above, portion.condition)

    def _ask(self, above: int, *added: str) -> "Future[Page]":
        first_page, self._first_page = self._first_page, None
        if first_page and above == self._preflight.after_id:
            return first_page
        text = self._preflight.filter(*added, conditions.id_above(above))
        return submit_page(self._pool, text, self._run.page_size)

    def _write_page(
        self, new: NewRecords, writer: BatchWriter, stream: "_HashedStream"
    ) -> Iterator[Written]:
        """Write the batches that are not skipped; count all of them."""
        kept = skip_known(self._run, new.records)
        was_reached = self._is_reached
        self._add(new, len(kept))
        yield self._so_far
        writer.write_all([(version.batch_id, record) for record, version in kept])
        self._flush(stream)
        # In one transaction, so that nothing is staged once the lease is lost.
        with transaction.atomic():
            self._run.answered(
                self._run.owner,
                activity=Activity.FETCHING,
                part_name=files.part_file(self._run).name,
                part_size=stream.size,
                part_sha256=stream.sha256(),
                **vars(self._so_far),
            )
            LedgerEntry.objects.stage(self._run, [version for _record, version in kept])
        if self._is_reached and not was_reached:
            # Flush now, during the completeness check, so that little is left to flush at the end.
            stream.sync()

    def _add(self, new: NewRecords, kept_count: int) -> None:
        so_far, highest_id = self._so_far, self._preflight.highest_id
        so_far.page_count += 1
        so_far.fetched_count += len(new.records)
        so_far.within_count += (
            len(new.records)
            if new.last_id <= highest_id
            else sum(number <= highest_id for number, _record in new.records)
        )
        so_far.skipped_count += len(new.records) - kept_count
        so_far.repeated_count += new.repeated_count
        so_far.last_id = new.last_id
        self._check_growth()

    def _check_growth(self) -> None:
        """Raise PagingError when a faulty server returns far more batches than can exist.

        Without this the run would fetch until the disk is full. Above the highest id at the start
        only new batches can lie, below it those counted at the start and those visible since; the
        lower limit needs a count.
        """
        so_far, counted = self._so_far, self._preflight.unfiltered_count or 0
        above = so_far.fetched_count - so_far.within_count
        is_too_many = above > counted + _MAX_GROWTH or (
            counted > 0 and so_far.within_count > 2 * counted + _MAX_GROWTH
        )
        if is_too_many:
            raise PagingError(
                _(
                    "ConnectWise counted %(counted)s batches when the run started but has given "
                    "%(fetched)s and goes on. Nothing was exported, since these cannot all be "
                    "batches; run the task again, and report it to ConnectWise if it stays so."
                )
                % {"counted": grouped(counted), "fetched": grouped(so_far.fetched_count)}
            )

    @property
    def _is_reached(self) -> bool:
        return self._so_far.last_id >= self._preflight.highest_id

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
    """The part file with running size and SHA-256, which a resumed run checks."""

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
