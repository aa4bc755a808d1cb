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
from exports.pipeline.queries import Submitter, submit_count
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
    """What ConnectWise counted after everything was fetched; None when refused.

    `proven_count` is how many must at least be in what was fetched, `shown_count` how many batches
    there are in all; None, too, where no filter tells these from what was fetched.
    """

    proven_count: int | None
    shown_count: int | None


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
        text = "" if self._tells_apart else self._within(written)
        self._ahead = {text: submit_count(self._submitter, text)}

    def count(self, written: Written) -> Counts:
        # In this order: if lists went empty under way they still are, or the count comes out.
        shown = self._count("") if self._tells_apart else None
        counts = Counts(self._count_again(written), shown)
        self._ahead = {}
        return counts

    def is_complete(self, written: Written, counts: Counts, *, is_last: bool) -> bool:
        """False when a second attempt may bring more; the last one is not held against the start.

        Raises IncompleteError when nothing else can be tried.
        """
        counted, fetched = counts.proven_count, written.fetched_count
        is_proven = counted is None or counted <= fetched
        expected = self._preflight.expected_count or 0
        # If fewer came than were counted at the start, they have vanished, or they hide behind
        # what changed meanwhile, which no dated count knows: only a second attempt can tell.
        if is_proven and (is_last or written.within_count >= expected):
            return True
        message = _("ConnectWise counted %(counted)s matching batches but gave %(fetched)s.")
        params = {"counted": expected if is_proven else counted, "fetched": fetched}
        self._log.warning(message % {name: grouped(count or 0) for name, count in params.items()})
        if is_last:
            raise IncompleteError(counted or 0, fetched)
        return False

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
        beyond = (
            conditions.id_above(written.last_id),
            conditions.id_up_to(self._preflight.highest_id),
        )
        left = self._count(self._preflight.filter(*beyond))
        return written.fetched_count + left if left else counted

    @property
    def _tells_apart(self) -> bool:
        return bool(self._preflight.unfiltered_count and self._preflight.filter())

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
