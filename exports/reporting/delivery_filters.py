"""The filters of the list of deliveries, kept in the URL."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from exports.models import Delivery, Destination
from exports.outside_numbers import read_id

FAILING = "failing"
STATES = (
    ("", gettext_lazy("All states")),
    (FAILING, gettext_lazy("Needs attention")),
    *Delivery.State.choices,
)


class DeliveryFilter:
    """What of the URL is understood; anything else shows all."""

    def __init__(self, query: Any) -> None:
        known = {value for value, _label in STATES}
        self.state = query.get("state", "") if query.get("state", "") in known else ""
        self.destination = read_id(query.get("destination", ""))
        self.destinations = list(Destination.objects.order_by("name").values_list("pk", "name"))
        self.states = STATES

    @property
    def is_active(self) -> bool:
        return bool(self.state or self.destination)

    def rows(self) -> "QuerySet[Delivery]":
        rows = Delivery.objects.order_by("-id")
        if self.state == FAILING:
            rows = Delivery.objects.failing().order_by("-id")
        elif self.state:
            rows = rows.filter(state=self.state)
        if self.destination:
            rows = rows.filter(destination=self.destination)
        return rows
