"""Finds the start id of *New* after a typed date (rule W4)."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime

from exports.connectwise.filter import conditions
from exports.connectwise.http.client import Page
from exports.connectwise.http.errors import ForbiddenError, RejectedError
from exports.connectwise.language import gettext as _
from exports.connectwise.language import grouped, joined, ngettext
from exports.number_formats import utc_text
from exports.pipeline.queries import Submitter, submit_count, submit_newest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The members that date a batch, the better one first.
_CREATED, _UPDATED = "dateEntered", "lastUpdated"
_UP_TO = {_CREATED: conditions.created_up_to, _UPDATED: conditions.updated_up_to}


def find_start_id(
    submitter: Submitter, unfiltered: "Future[int]", typed: datetime
) -> tuple[int, str]:
    """The highest id of the batches created up to `typed`, and a sentence on how it was found.

    0 when no batch is that old, or when ConnectWise does not filter by date. Raises
    ConnectWiseError.
    """
    dated = submit_count(submitter, conditions.created_after(EPOCH))
    members = [_CREATED, _UPDATED] if _is_dated(unfiltered, dated) else [_UPDATED]
    for member in members:
        page = submit_newest(submitter, _UP_TO[member](typed)).result()
        if _is_obeyed(page, member, typed):
            start_id = page.ids[0] if page.records else 0
            params = {"id": start_id, "date": utc_text(typed)}
            reason = _reason(member, is_first=start_id == 0) % params
            if member == _CREATED and start_id:
                return start_id, joined([reason, *_passed_over(submitter, start_id, typed)])
            return start_id, reason
    return 0, _("ConnectWise does not filter batches by their dates: all ids are new.")


def _passed_over(submitter: Submitter, start_id: int, typed: datetime) -> Iterator[str]:
    """A sentence about batches with a lower id but a later created date, which New skips (W12)."""
    below = conditions.both("", conditions.created_after(typed), conditions.id_up_to(start_id))
    with suppress(ForbiddenError, RejectedError):
        if count := submit_count(submitter, below).result():
            yield ngettext(
                "%(count)s batch below it was created later and is not exported, since batch "
                "%(id)s has an older created date: export it with Modified.",
                "%(count)s batches below it were created later and are not exported, since batch "
                "%(id)s has an older created date: export them with Modified.",
                count,
            ) % {"count": grouped(count), "id": start_id}


def _is_dated(unfiltered: "Future[int]", dated: "Future[int]") -> bool:
    """Whether every batch has a created date, which differs between ConnectWise companies."""
    try:
        total = unfiltered.result()
        return total > 0 and dated.result() == total
    except (ForbiddenError, RejectedError):
        return False


def _is_obeyed(page: Page, member: str, typed: datetime) -> bool:
    """Whether ConnectWise applied the date filter, by the date in the batch it returned.

    Counts cannot show this: when the filter is ignored they cover every batch.
    """
    if not page.records:
        return True
    info = page.records[0].get("_info")
    sent = info.get(member) if isinstance(info, dict) else None
    if not isinstance(sent, str):
        return member != _CREATED
    moment = _moment(sent)
    return moment is None or moment <= typed


def _moment(sent: str) -> datetime | None:
    """A date as ConnectWise writes it; None when it cannot be parsed."""
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(sent)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _reason(member: str, *, is_first: bool) -> str:
    is_dated = member == _CREATED
    if is_first and is_dated:
        return _("No batch was created up to %(date)s: all ids are new.")
    if is_first:
        return _(
            "No batch was last updated (they carry no created date) up to %(date)s: all ids are "
            "new."
        )
    if is_dated:
        return _("Ids above %(id)s, the highest of the batches created up to %(date)s.")
    return _(
        "Ids above %(id)s, the highest of the batches last updated (they carry no created date) up "
        "to %(date)s."
    )
