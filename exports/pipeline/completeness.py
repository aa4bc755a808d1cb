"""What was fetched, held against what ConnectWise counts: is anything missing?"""

from concurrent.futures import Future
from dataclasses import dataclass

from exports.connectwise.filter import conditions
from exports.connectwise.language import gettext as _
from exports.connectwise.language import grouped
from exports.models import Run
from exports.models.codes import ErrorCode
from exports.pipeline.part_writer import Written
from exports.pipeline.preflight import Preflight, or_none
from exports.pipeline.queries import Submitter, submit_count, submit_newest
from exports.storage.run_log import RunLog


class IncompleteError(Exception):
    """ConnectWise counts more batches than it gave; `str()` has both numbers."""

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
    """What ConnectWise says after everything was fetched; None where it refuses to count.

    `proven_count`: of what matches, at least so many must have been fetched. `visible_count`: of
    all batches up to Preflight.visible_up_to. `newest_id` is asked for only when counting is
    refused; 0 when lists are empty.
    """

    proven_count: int | None = None
    visible_count: int | None = None
    newest_id: int | None = None


class CompletenessCheck:
    """Counts again; what can be known before the last page is written is requested before."""

    def __init__(self, run: Run, submitter: Submitter, preflight: Preflight, log: RunLog) -> None:
        self._run = run
        self._submitter = submitter
        self._preflight = preflight
        self._log = log
        self._ahead: dict[str, Future[int]] = {}

    def submit_ahead(self, written: Written) -> None:
        """Request the count as soon as everything is fetched that was there at the start.

        What else may come has higher ids, which the count does not look at; if something does
        come, `count` requests another one and this one is not used.
        """
        if self._ahead or written.last_id < self._preflight.highest_id:
            return
        if self._is_first_count_met(written):
            texts = dict.fromkeys((self._visible(), self._within(written)))
            self._ahead = {text: submit_count(self._submitter, text) for text in texts}

    def count(self, written: Written) -> Counts:
        # In this order: if lists went empty under way they still are, or the count comes out.
        visible = self._visible_count()
        counted = self._count_again(written)
        self._ahead = {}
        if visible is None:
            return self._look_at_lists(written, counted)
        return Counts(counted, visible)

    def is_complete(self, written: Written, counts: Counts, *, is_last: bool) -> bool:
        """False when a second attempt may bring more; the last one is not held against the start.

        Raises IncompleteError when nothing else can be tried.
        """
        counted, fetched = counts.proven_count, written.fetched_count
        is_proven = counted is None or counted <= fetched
        # If fewer came than were counted at the start, they have vanished, or they hide behind
        # what changed meanwhile, which no dated count knows: only a second attempt can tell.
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
        """How many of the batches that may have been there before are shown after the last page.

        None when refused.
        """
        return self._count(self._visible()) if self._preflight.visible_up_to else 0

    def _look_at_lists(self, written: Written, counted: int | None) -> Counts:
        """Where counting is refused: the newest id in sight, and whether a page was missed."""
        newest = submit_newest(self._submitter, "").result()
        if counted is None and written.last_id < self._preflight.highest_id:
            beyond = self._preflight.filter(*self._beyond(written))
            if submit_newest(self._submitter, beyond).result().records:
                counted = written.fetched_count + 1
        return Counts(counted, None, newest.ids[0] if newest.records else 0)

    def _count_again(self, written: Written) -> int | None:
        """How many batches there must at least be in what was fetched; None when refused.

        Only those count that have not changed since the run started, up to the last id fetched;
        all of them when fewer came than were counted before, as the empty page may not have been
        the end.
        """
        counted = self._count(self._within(written))
        if counted is None or written.last_id >= self._preflight.highest_id:
            return counted
        # Changes of the last minutes are in no such count, so what lies behind the end is asked
        # for by its ids alone: an empty page that came by mistake is found whatever else happened.
        left = self._count(self._preflight.filter(*self._beyond(written)))
        return written.fetched_count + left if left else counted

    def _beyond(self, written: Written) -> tuple[str, str]:
        """What was there at the start and lies behind the last page."""
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
