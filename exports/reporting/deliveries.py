"""Where a run's file went, in a sentence for each destination."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from exports.delivery.errors import failure_sentence
from exports.models import Delivery, Run


@dataclass(frozen=True)
class DeliveryLine:
    """A destination and what came of the delivery, as the page shows them."""

    destination: str
    label: str
    sentence: str
    # It goes on: the page asks again.
    is_open: bool


def delivery_lines(run: Run) -> list[DeliveryLine]:
    return [delivery_line(row, run.file_name) for row in run.deliveries.order_by("id")]


def delivery_line(row: Delivery, file_name: str) -> DeliveryLine:
    label = row.get_destination_display()
    return DeliveryLine(row.destination, label, _sentence(row, file_name), row.is_open)


def _sentence(delivery: Delivery, file_name: str) -> str:
    params = {"file": file_name}
    if delivery.error_code:
        return failure_sentence(delivery.error_code, delivery.error_detail, file_name)
    if delivery.state == Delivery.State.DELIVERED:
        return _("%(file)s was put there for other programs to pick up.") % params
    if delivery.state == Delivery.State.SUPERSEDED:
        return _("The file of a newer run was there first: it stays.")
    return _("%(file)s is on its way there.") % params
