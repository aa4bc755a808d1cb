"""Where a run's file went, in a sentence for each destination."""

from django.utils.translation import gettext as _

from exports.delivery.errors import failure_sentence
from exports.models import Delivery, Run


def delivery_sentences(run: Run) -> list[tuple[str, str]]:
    """Destination and what came of it, as the page shows them."""
    rows = run.deliveries.order_by("id")
    return [(row.get_destination_display(), _sentence(row, run.file_name)) for row in rows]


def _sentence(delivery: Delivery, file_name: str) -> str:
    params = {"file": file_name}
    if delivery.error_code:
        return failure_sentence(delivery.error_code, delivery.error_detail, file_name)
    if delivery.state == Delivery.State.DELIVERED:
        return _("%(file)s was put there for other programs to pick up.") % params
    if delivery.state == Delivery.State.SUPERSEDED:
        return _("The file of a newer run was there first: it stays.")
    return _("%(file)s is on its way there.") % params
