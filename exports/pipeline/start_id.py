"""The id above which batches are new, after a date that was typed (rule W4)."""

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
# What tells when a batch began, the better one first.
_CREATED, _UPDATED = "dateEntered", "lastUpdated"
_UP_TO = {_CREATED: conditions.created_up_to, _UPDATED: conditions.updated_up_to}


def find_start_id(
    submitter: Submitter, unfiltered: "Future[int]", typed: datetime
) -> tuple[int, str]:
    """The highest id of the batches created up to `typed`, and in words how it was found.

    0 when there is none, or when no filter by date can be relied on. Raises ConnectWiseError.
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
    """What is not exported since an id and a created date disagree (W12)."""
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
    """Tenants differ; only equal counts can prove that each batch carries a created date."""
    try:
        total = unfiltered.result()
        return total > 0 and dated.result() == total
    except (ForbiddenError, RejectedError):
        return False


def _is_obeyed(page: Page, member: str, typed: datetime) -> bool:
    """Whether the batch that came lies where it was asked for: a filter may be ignored.

    A filter that is ignored counts every batch, too, so the batch itself has to carry the date.
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
    """A date as ConnectWise writes it; None for one in another form, which nobody can compare."""
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
