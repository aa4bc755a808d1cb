"""Helpers for deliveries: make them due at once, and retry them."""

from django.utils import timezone

from exports.delivery.sending import send_due
from exports.models import Delivery, Run


def delivery_of(run: Run) -> Delivery:
    return Delivery.objects.select_related("run__task").get(run=run)


def make_due(run: Run, **fields: object) -> None:
    """Make the file of this run due to be sent (again) now."""
    waiting = {"state": "waiting", "next_try_at": timezone.now(), "finished_at": None}
    Delivery.objects.filter(run=run).update(**{**waiting, **fields})


def retry_now() -> None:
    """Retry as after the pauses, with dead senders detected."""
    Delivery.objects.open().update(state="waiting", owner="", next_try_at=timezone.now())
    send_due()
