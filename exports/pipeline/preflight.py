"""The queries before the first page: how many batches, since when, above which id."""

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from exports import clock
from exports.connectwise.filter import conditions
from exports.connectwise.filter.id_portions import Portion
from exports.connectwise.http.client import ConnectWiseClient, Page
from exports.connectwise.http.errors import ForbiddenError, RejectedError
from exports.connectwise.language import gettext as _
from exports.connectwise.language import grouped, joined
from exports.connectwise.paging.keyset import PagingError
from exports.models import LedgerEntry, Run
from exports.models.sync_window import reached_back
from exports.pipeline.queries import (
    SerialSubmitter,
    Submitter,
    submit_count,
    submit_newest,
    submit_page,
)
from exports.pipeline.start_id import EPOCH, find_start_id
from exports.pipeline.wanted_ids import WantedIds, added_conditions
from exports.storage.run_log import RunLog


@dataclass(frozen=True)
class Preflight:
    """The answers to a run's preflight queries.

    `started_at` is the run's start by ConnectWise's clock, `conditions` the user's part of the
    filter, `added` what the run adds, `after_id` the id above which it fetches. Counts are None
    when ConnectWise refuses to count. `wanted` holds the ids that are asked for in portions; then
    nothing is added, and nothing is counted in advance.
    """

    started_at: datetime
    highest_id: int
    unfiltered_count: int | None
    expected_count: int | None
    conditions: str
    added: tuple[str, ...]
    after_id: int
    reason: str
    api_version: str = ""
    # The last trusted run, and how many of the batches it saw are still visible (W11).
    baseline: Run | None = None
    remaining_count: int | None = None
    wanted: WantedIds | None = None

    @property
    def first_filter(self) -> str:
        """The filter of the first page."""
        portion = next(self.wanted.portions(), None) if self.wanted else None
        return self.filter(*_of_portion(portion), conditions.id_above(self.after_id))

    @property
    def shown_count(self) -> int | None:
        """How many batches people are told to expect."""
        return len(self.wanted.ids) if self.wanted else self.expected_count

    @property
    def visible_up_to(self) -> int:
        """The highest id that this run or an earlier trusted one has seen."""
        return max(self.highest_id, self.baseline.seen_up_to if self.baseline else 0)

    def filter(self, *more: str) -> str:
        """The whole filter, with `more` joined by `and` outside the user's brackets (F5)."""
        return conditions.both(self.conditions, *self.added, *more)


@dataclass(frozen=True)
class Asked:
    """The two queries that every preflight begins with: the newest batch and the count of all."""

    newest: "Future[Page]"
    unfiltered: "Future[int]"


def ask_first(submitter: Submitter) -> Asked:
    return Asked(submit_newest(submitter, ""), submit_count(submitter, ""))


def run_preflight(run: Run, submitter: Submitter, log: RunLog, asked: Asked) -> Preflight:
    """The preflight of a run for which the first queries were asked already.

    Raises ConnectWiseError, and PagingError when lists and counts contradict each other (W10).
    """
    queries = _PreflightQueries(run, submitter, log, asked)
    if queries.reaches_back():
        queries = _PreflightQueries(run, submitter, log, asked)
    return queries.result()


def run_preflight_with_first_page(
    run: Run, submitter: Submitter, log: RunLog
) -> tuple[Preflight, "Future[Page]"]:
    """As `run_preflight`, with the queries in parallel, and request the first page as well."""
    queries = _PreflightQueries(run, submitter, log)
    first_page = queries.submit_first_page()
    if queries.reaches_back():
        queries = _PreflightQueries(run, submitter, log)
        first_page = queries.submit_first_page()
    return queries.result(first_page.result()), first_page


class _PreflightQueries:
    """Submits the queries of a preflight; `result` waits for the answers."""

    def __init__(
        self, run: Run, submitter: Submitter, log: RunLog, asked: Asked | None = None
    ) -> None:
        self._run = run
        self._submitter = submitter
        self._log = log
        self._begun_at = clock.now()
        asked = asked or ask_first(submitter)
        self._newest, self._unfiltered = asked.newest, asked.unfiltered
        self._baseline = Run.objects.baseline_of(run)
        self._remaining = _submit_remaining(submitter, self._baseline)
        self._after_id, self._reason = self._start()
        self._many = WantedIds.of(run)
        self._added = _added(run, self._many)
        above = (conditions.id_above(self._after_id),) if self._after_id else ()
        sent = conditions.both(run.conditions, *self._added, *above)
        self._expected = submit_count(submitter, sent) if sent else None

    def submit_first_page(self) -> "Future[Page]":
        added = _of_portion(next(self._wanted.portions(), None)) if self._wanted else self._added
        above = conditions.id_above(self._after_id)
        asked = conditions.both(self._run.conditions, *added, above)
        return submit_page(self._submitter, asked, self._run.page_size)

    def reaches_back(self) -> bool:
        """Widen the run's window when batches are visible that no trusted run may have seen."""
        run = self._run
        window = None if run.is_reexport else reached_back(run.task, run)
        if window is None or not self._came_into_sight:
            return False
        run.modified_after, run.created_after = window.modified_after, window.created_after
        run.start_id, run.skips_known = window.start_id, window.skips_known
        run.known_from_run, run.window_reason = window.known_from_run, window.reason
        self._log.warning(window.reason)
        return True

    def result(self, *pages: Page) -> Preflight:
        newest = self._newest.result()
        unfiltered_count = self._unfiltered_count
        if unfiltered_count and not newest.records:
            raise PagingError(
                _(
                    "ConnectWise counts %(count)s batches but lists none. Nothing was exported; "
                    "check the API member's role and level, then run the task again."
                )
                % {"count": grouped(unfiltered_count)}
            )
        return Preflight(
            started_at=self._started_at([newest, *pages]),
            highest_id=_first_id(newest),
            unfiltered_count=unfiltered_count,
            expected_count=None if self._wanted else self._expected_count,
            conditions=self._run.conditions,
            added=() if self._wanted else self._added,
            after_id=self._after_id,
            reason=self._reason,
            api_version=newest.api_version,
            baseline=self._baseline,
            remaining_count=self._remaining_count,
            wanted=self._wanted,
        )

    @property
    def _came_into_sight(self) -> bool:
        """Whether batches are visible now that no trusted run may have seen."""
        if self._unfiltered_count is None:
            return False
        baseline = self._baseline
        remaining = self._remaining_count if baseline and baseline.seen_up_to else 0
        if baseline and remaining is not None:
            if remaining > baseline.seen_count:
                return True
            if self._has_old_above(baseline.seen_up_to, self._unfiltered_count - remaining):
                return True
        return Run.objects.is_uncounted_since(self._run, baseline)

    def _has_old_above(self, seen_up_to: int, count: int) -> bool:
        """Whether some of the `count` batches with higher ids than any run saw are not new.

        ConnectWise gives the highest ids to the newest batches, so these were hidden until now.
        """
        modified_after = self._run.modified_after
        if count <= 0 or modified_after is None:
            return False
        above = conditions.both(
            "", conditions.id_above(seen_up_to), conditions.updated_after(modified_after)
        )
        recent_count = or_none(submit_count(self._submitter, above), self._log)
        return recent_count is not None and recent_count < count

    @cached_property
    def _unfiltered_count(self) -> int | None:
        return or_none(self._unfiltered, self._log)

    @cached_property
    def _expected_count(self) -> int | None:
        return or_none(self._expected, self._log) if self._expected else self._unfiltered_count

    @cached_property
    def _wanted(self) -> WantedIds | None:
        """The ids to ask for in portions, if that takes fewer requests."""
        many = self._many
        return many if many and many.is_fewer_requests(self._expected_count) else None

    @cached_property
    def _remaining_count(self) -> int | None:
        return or_none(self._remaining, self._log) if self._remaining else None

    def _start(self) -> tuple[int, str]:
        run = self._run
        if run.export == "new":
            if run.start_id is not None:
                return run.start_id, run.window_reason
            self._newest.result()
            return find_start_id(self._submitter, self._unfiltered, run.created_after or EPOCH)
        if run.reexport_of_id is not None:
            return LedgerEntry.objects.range_of(run.reexport_of_id)[0] - 1, run.window_reason
        return 0, run.window_reason

    def _started_at(self, answers: list[Page]) -> datetime:
        """ConnectWise's time before its first answer, so that no later change is lost (W2)."""
        dates = [answer.server_date for answer in answers]
        if None in dates:
            self._log.warning(
                _("ConnectWise sent no usable Date: this server's clock is used for the dates.")
            )
        ours = self._begun_at
        began = [
            ours if date is None else date - timedelta(seconds=answer.requested_seconds)
            for answer, date in zip(answers, dates, strict=True)
        ]
        return min(ours, *began).replace(microsecond=0)


def stored_preflight(run: Run) -> Preflight | None:
    """The first attempt's preflight, so that all attempts share window and dates (R4)."""
    if run.connectwise_started_at is None or run.highest_id is None:
        return None
    many = WantedIds.of(run)
    wanted = many if run.asks_by_ids else None
    return Preflight(
        started_at=run.connectwise_started_at,
        highest_id=run.highest_id,
        unfiltered_count=run.unfiltered_count,
        expected_count=None if wanted else run.expected_count,
        conditions=run.conditions,
        added=() if wanted else _added(run, many),
        after_id=run.start_id or 0,
        reason=run.window_reason,
        api_version=run.api_version,
        baseline=run.baseline,
        remaining_count=run.remaining_count,
        wanted=wanted,
    )


def _submit_remaining(submitter: Submitter, baseline: Run | None) -> "Future[int] | None":
    if baseline is None or not baseline.seen_up_to:
        return None
    return submit_count(submitter, conditions.id_up_to(baseline.seen_up_to))


def _added(run: Run, many: WantedIds | None) -> tuple[str, ...]:
    if run.is_reexport:
        return added_conditions(run, many)
    return (conditions.updated_after(run.modified_after),) if run.modified_after else ()


def _of_portion(portion: Portion | None) -> tuple[str, ...]:
    return (portion.condition,) if portion else ()


def count_or_none(client: ConnectWiseClient, text: str, log: RunLog) -> int | None:
    """How many batches meet the filter; None, with a warning in the log, when refused (P3)."""
    return or_none(submit_count(SerialSubmitter(client), text), log)


def or_none(count: "Future[int]", log: RunLog) -> int | None:
    """Wait for the count; None, with a warning in the log, when it is refused (P3)."""
    try:
        return count.result()
    except (ForbiddenError, RejectedError) as error:
        unproven = _("The number of batches cannot be proven.")
        log.warning(joined([unproven, error.message]))
        return None


def _first_id(page: Page) -> int:
    return page.ids[0] if page.records else 0
