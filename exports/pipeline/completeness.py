"""Completeness check: compares the fetched batches with ConnectWise's count."""

from concurrent.futures import Future
from dataclasses import dataclass

from exports.connectwise.filter import conditions
from exports.connectwise.language import gettext as _
from exports.connectwise.language import grouped
from exports.models import LedgerEntry, Run
from exports.models.codes import ErrorCode
from exports.pipeline.part_writer import Written
from exports.pipeline.preflight import Preflight, or_none
from exports.pipeline.queries import Submitter, submit_count, submit_newest
from exports.pipeline.wanted_ids import WantedIds
from exports.storage.run_log import RunLog


class IncompleteError(Exception):
    """ConnectWise counts more batches than it returned; `str()` has both numbers."""

    code = ErrorCode.RUN_INCOMPLETE

    def __init__(self, counted: int, fetched: int) -> None:
        super().__init__(
            _(
                "ConnectWise counts %(counted)s matching batches but gave only %(fetched)s, twice. "
                "Nothing was exported, since batches would be missing; run the task again later."
            )
            % {"counted": grouped(counted), "fetched": grouped(fetched)}
        )


@dataclass(frozen=True)
class Counts:
    """ConnectWise's counts after the last page; None where it refuses to count.

    `proven_count`: at least this many matching batches must have been fetched. `visible_count`: how
    many batches of any kind it shows up to Preflight.visible_up_to. `newest_id` is requested only
    when counting is refused; 0 when lists are empty.
    """

    proven_count: int | None = None
    visible_count: int | None = None
    newest_id: int | None = None


class CompletenessCheck:
    """Counts again; requests those counts early, while the last pages are still being written."""

    def __init__(self, run: Run, submitter: Submitter, preflight: Preflight, log: RunLog) -> None:
        self._run = run
        self._submitter = submitter
        self._preflight = preflight
        self._log = log
        self._ahead: dict[str, Future[int]] = {}

    def submit_ahead(self, written: Written) -> None:
        """Request the counts once every batch that existed at the start has been fetched.

        Batches created since have higher ids, which these counts exclude. If more pages arrive
        all the same, `count` asks again and these answers are not used.
        """
        if self._preflight.wanted or self._ahead or written.last_id < self._preflight.highest_id:
            return
        if self._is_first_count_met(written):
            texts = dict.fromkeys((self._visible(), self._within(written)))
            self._ahead = {text: submit_count(self._submitter, text) for text in texts}

    def count(self, written: Written) -> Counts:
        # All batches first: if access was lost during the run and returns between the two counts,
        # the second count shows that batches are missing.
        visible = self._visible_count()
        if wanted := self._preflight.wanted:
            counted = self._count_wanted(wanted, written)
        else:
            counted = self._count_again(written)
        self._ahead = {}
        if visible is None:
            return self._look_at_lists(written, counted)
        return Counts(counted, visible)

    def is_complete(self, written: Written, counts: Counts, *, is_last: bool) -> bool:
        """False when fetching again may find more. The last try ignores the count of the start.

        Raises IncompleteError when batches are missing after the last try.
        """
        counted, fetched = counts.proven_count, written.fetched_count
        is_proven = counted is None or counted <= fetched
        # Fewer fetched than counted at the start: batches were deleted, or others changed since and
        # a count by date misses the gap. Only fetching again can tell.
        if is_proven and (is_last or self._is_first_count_met(written)):
            return True
        message = _("ConnectWise counted %(counted)s matching batches but gave %(fetched)s.")
        params = {
            "counted": self._preflight.expected_count if is_proven else counted,
            "fetched": fetched,
        }
        self._log.warning(message % {name: grouped(count or 0) for name, count in params.items()})
        if is_last:
            raise IncompleteError(counted or 0, fetched)
        return False

    def _is_first_count_met(self, written: Written) -> bool:
        return written.within_count >= (self._preflight.expected_count or 0)

    def _visible_count(self) -> int | None:
        """How many batches up to `visible_up_to` ConnectWise shows now; None when it refuses."""
        return self._count(self._visible()) if self._preflight.visible_up_to else 0

    def _look_at_lists(self, written: Written, counted: int | None) -> Counts:
        """When counting is refused: get the newest visible id, and check for a missed page."""
        newest = submit_newest(self._submitter, "").result()
        is_end_open = self._preflight.wanted is None and counted is None
        if is_end_open and written.last_id < self._preflight.highest_id:
            beyond = self._preflight.filter(*self._beyond(written))
            if submit_newest(self._submitter, beyond).result().records:
                counted = written.fetched_count + 1
        return Counts(counted, None, newest.ids[0] if newest.records else 0)

    def _count_again(self, written: Written) -> int | None:
        """At least how many batches must have been fetched; None when counting is refused.

        Counts only batches unchanged since the run started, up to the last id fetched. Without
        that upper limit when fewer came than were counted before: the empty page that ended paging
        may have been a mistake.
        """
        counted = self._count(self._within(written))
        if counted is None or written.last_id >= self._preflight.highest_id:
            return counted
        # That count excludes recent changes, so count what lies above the last page by id alone:
        # this finds batches behind a mistaken empty page even if they have just changed.
        left = self._count(self._preflight.filter(*self._beyond(written)))
        return written.fetched_count + left if left else counted

    def _count_wanted(self, wanted: WantedIds, written: Written) -> int | None:
        """The batches fetched by their ids, and those of the others that ConnectWise still has.

        None where it refuses to count and lists none of them.
        """
        missing = wanted.missing(LedgerEntry.objects.ids_of(self._run.pk))
        left = 0
        for count in [submit_count(self._submitter, one.condition) for one in missing.portions()]:
            counted = or_none(count, self._log)
            if counted is None:
                return written.fetched_count + 1 if self._is_any_listed(missing) else None
            left += counted
        return written.fetched_count + left

    def _is_any_listed(self, wanted: WantedIds) -> bool:
        found = (submit_newest(self._submitter, one.condition) for one in wanted.portions())
        return any(page.result().records for page in found)

    def _beyond(self, written: Written) -> tuple[str, str]:
        """The ids above the last page, up to the highest id at the start."""
        highest_id = self._preflight.highest_id
        return conditions.id_above(written.last_id), conditions.id_up_to(highest_id)

    def _visible(self) -> str:
        return conditions.id_up_to(self._preflight.visible_up_to)

    def _within(self, written: Written) -> str:
        preflight = self._preflight
        limits = [conditions.updated_up_to(preflight.started_at)]
        if preflight.after_id:
            limits.append(conditions.id_above(preflight.after_id))
        if written.fetched_count and written.fetched_count >= (preflight.expected_count or 0):
            limits.append(conditions.id_up_to(written.last_id))
        return preflight.filter(*limits)

    def _count(self, text: str) -> int | None:
        requested = self._ahead.pop(text, None) or submit_count(self._submitter, text)
        return or_none(requested, self._log)
