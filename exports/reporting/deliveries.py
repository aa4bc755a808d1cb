"""Where the files of runs went, and which deliveries need somebody (rule D3)."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from exports.delivery.errors import failure_sentence
from exports.models import Delivery, DeliveryAttempt, Run

# How a state is shown: as the outcome of a step, which has icon, word and colour.
_BADGES = {
    Delivery.State.DELIVERED: "passed",
    Delivery.State.SUPERSEDED: "skipped",
    Delivery.State.FAILED: "failed",
    Delivery.State.SENDING: "running",
    Delivery.State.WAITING: "waiting",
}
_MAX_ATTEMPTS = 20


@dataclass(frozen=True)
class DeliveryLine:
    """A delivery and what came of it, as the page shows them."""

    pk: int
    label: str
    badge: str
    state: str
    sentence: str
    compared: str
    attempts: tuple[DeliveryAttempt, ...]
    next_try_at: datetime | None
    requested_by: str
    # It goes on: the page asks again.
    is_open: bool
    can_try_now: bool


def delivery_lines(run: Run) -> list[DeliveryLine]:
    rows = run.deliveries.order_by("id").prefetch_related("attempts")
    return [delivery_line(row) for row in rows]


def delivery_line(row: Delivery) -> DeliveryLine:
    state = Delivery.State(row.state)
    is_waiting = state == Delivery.State.WAITING
    badge = "warning" if is_waiting and row.error_code else _BADGES[state]
    attempts = sorted(row.attempts.all(), key=lambda one: -one.number)
    compared = Delivery.Compared(row.compared).label if row.compared else ""
    return DeliveryLine(
        pk=row.pk,
        label=row.destination_name,
        badge=badge,
        state=row.get_state_display(),
        sentence=_sentence(row),
        compared=str(compared),
        attempts=tuple(attempts[:_MAX_ATTEMPTS]),
        next_try_at=row.next_try_at if is_waiting and row.attempt_count else None,
        requested_by=row.requested_by,
        is_open=row.is_open,
        can_try_now=is_waiting and row.attempt_count > 0,
    )


def failing_sentence(row: Delivery) -> str:
    """What is wrong and how it is mended, for Home beside a link to the run."""
    if row.state == Delivery.State.FAILED:
        advice = _("It is not tried again: mend the cause, then press Deliver again.")
    else:
        advice = _("It is tried again by itself; Try now does not wait.")
    return f"{failure_sentence(row)} {advice}"


def _sentence(delivery: Delivery) -> str:
    params = {"file": delivery.file_name, "location": delivery.location}
    if delivery.error_code:
        return failure_sentence(delivery)
    if delivery.state == Delivery.State.DELIVERED:
        if delivery.location:
            return _("%(file)s is there: %(location)s") % params
        return _("%(file)s was put there for other programs to pick up.") % params
    if delivery.state == Delivery.State.SUPERSEDED:
        return _("The file of a newer run was there first: it stays.")
    return _("%(file)s is on its way there.") % params
