"""What ConnectWise says before the walk: how many, since when, above which id (W2, W4, P3)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from exports.connectwise import conditions
from exports.connectwise.client import ConnectWiseClient, Page
from exports.connectwise.errors import ForbiddenError, RejectedError
from exports.connectwise.walk import WalkError
from exports.models import LedgerEntry, Run
from exports.run_log import RunLog

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Survey:
    """The ground a run stands on.

    `started_at` is the run's start by ConnectWise's clock (W2), `conditions` the user's part of
    the filter, `added` ours, `after_id` where the walk begins. Counts are None when refused.
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

    def filter(self, *more: str) -> str:
        """The whole filter, with `more` and-ed outside the brackets of the user's part (F5)."""
        return conditions.both(self.conditions, *self.added, *more)


def survey(run: Run, client: ConnectWiseClient, log: RunLog) -> Survey:
    """Ask for what a run needs to know before its first page.

    Raises ConnectWiseError, and WalkError when lists and counts contradict each other (W10).
    """
    newest = client.batches("", page_size=1, order_by="id desc")
    started_at = _started_at(newest, log)
    after_id, reason = 0, run.window_reason
    if run.export == "new":
        after_id, reason = _boundary(run, client)
    elif run.again_of_id is not None:
        after_id = LedgerEntry.objects.range_of(run.again_of_id)[0] - 1
    added = _added(run)
    above = (conditions.id_above(after_id),) if after_id else ()
    sent = conditions.both(run.conditions, *added, *above)
    unfiltered_count = count_or_none(client, "", log)
    if unfiltered_count and not newest.records:
        raise WalkError(
            f"ConnectWise counts {unfiltered_count} batches but lists none. Nothing was exported; "
            "check the API member's role and level, then run the task again."
        )
    return Survey(
        started_at=started_at,
        highest_id=_first_id(newest),
        unfiltered_count=unfiltered_count,
        expected_count=count_or_none(client, sent, log) if sent else unfiltered_count,
        conditions=run.conditions,
        added=added,
        after_id=after_id,
        reason=reason,
        api_version=newest.api_version,
    )


def survey_again(run: Run) -> Survey | None:
    """The ground of this run's first attempt, so that all attempts share window and dates (R4)."""
    if run.connectwise_started_at is None or run.highest_id is None:
        return None
    return Survey(
        started_at=run.connectwise_started_at,
        highest_id=run.highest_id,
        unfiltered_count=run.unfiltered_count,
        expected_count=run.expected_count,
        conditions=run.conditions,
        added=_added(run),
        after_id=run.boundary_id or 0,
        reason=run.window_reason,
        api_version=run.api_version,
    )


def _added(run: Run) -> tuple[str, ...]:
    if run.again_of_id is not None:
        return (conditions.id_up_to(LedgerEntry.objects.range_of(run.again_of_id)[1]),)
    if run.again_ids:
        return (conditions.id_among(run.again_ids),)
    return (conditions.updated_after(run.modified_after),) if run.modified_after else ()


def count_or_none(client: ConnectWiseClient, text: str, log: RunLog) -> int | None:
    """How many batches meet the filter; None, with a warning, when counting is refused (P3)."""
    try:
        return client.batch_count(text)
    except (ForbiddenError, RejectedError) as error:
        log.warning(f"The number of batches cannot be proven. {error}")
        return None


def _started_at(answer: Page, log: RunLog) -> datetime:
    ours = timezone.now()
    if answer.server_date is None:
        log.warning("ConnectWise sent no usable Date: this server's clock is used for the dates.")
        theirs = ours
    else:
        theirs = answer.server_date
    began = min(theirs, ours) - timedelta(seconds=answer.requested_seconds)
    return began.replace(microsecond=0)


def _boundary(run: Run, client: ConnectWiseClient) -> tuple[int, str]:
    """The id above which batches are new (W4), and in words how it was found."""
    if run.boundary_id is not None:
        return run.boundary_id, run.window_reason
    typed = run.created_after or _EPOCH
    if _batches_carry_created_date(client):
        reached, by = conditions.created_up_to(typed), "created"
    else:
        reached, by = (
            conditions.updated_up_to(typed),
            "last updated (they carry no created date)",
        )
    boundary = _first_id(client.batches(reached, page_size=1, order_by="id desc"))
    if boundary == 0:
        return 0, f"No batch was {by} up to {typed:%Y-%m-%dT%H:%M:%SZ}: all ids are new."
    return boundary, (
        f"Ids above {boundary}, the highest of the batches {by} up to {typed:%Y-%m-%dT%H:%M:%SZ}."
    )


def _batches_carry_created_date(client: ConnectWiseClient) -> bool:
    """Tenants differ; only equal counts prove that the created date is there for every batch."""
    try:
        total = client.batch_count("")
        return total > 0 and client.batch_count(conditions.created_after(_EPOCH)) == total
    except (ForbiddenError, RejectedError):
        return False


def _first_id(page: Page) -> int:
    return page.ids[0] if page.records else 0
