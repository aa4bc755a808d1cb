"""Deliveries as tests need them: due at once, and looked at."""

from django.utils import timezone

from exports.delivery.sending import send_due
from exports.models import Delivery, Run


def delivery_of(run: Run) -> Delivery:
    return Delivery.objects.select_related("run__task").get(run=run)


def make_due(run: Run, **fields: object) -> None:
    """The file of this run is to be sent (again), now."""
    waiting = {"state": "waiting", "next_try_at": timezone.now(), "finished_at": None}
    Delivery.objects.filter(run=run).update(**{**waiting, **fields})


def retry_now() -> None:
    """What senders do once pauses are over and those that died have been noticed."""
    Delivery.objects.open().update(state="waiting", owner="", next_try_at=timezone.now())
    send_due()
