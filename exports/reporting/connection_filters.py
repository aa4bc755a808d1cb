"""The filters of the list of connections, which stand in its address."""

from typing import Any, Final

import django_filters
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy

from exports.models import Connection, Task
from exports.reporting.list_filters import UNKNOWN_CHOICE, ListFilter

Connections = QuerySet[Connection]


class State(models.TextChoices):
    """What connections can be filtered by."""

    FAILED = "failed", gettext_lazy("Last test failed")
    WARNING = "warning", gettext_lazy("Last test with a warning")
    UNTESTED = "untested", gettext_lazy("Not tested")
    REFUSED = "refused", gettext_lazy("Keys refused")
    UNUSED = "unused", gettext_lazy("Used by no task")


class Order(models.TextChoices):
    """By name unless one of these is asked for."""

    TESTED = "tested", gettext_lazy("Newest test first")
    UNTESTED = "untested", gettext_lazy("Longest without a test")


def _has_step(outcome: str) -> Q:
    # As JSON writes it; within a sentence the quotation marks would be escaped.
    return Q(steps__contains=f'"outcome": "{outcome}"')


_FAILED = _has_step("failed")
_IS_USED = Exists(Task.objects.filter(connection=OuterRef("pk"), archived_at=None))
_CONDITIONS: Final[dict[str, Q]] = {
    State.FAILED: _FAILED,
    State.WARNING: ~_FAILED & _has_step("warning"),
    State.UNTESTED: Q(last_tested_at=None),
    State.REFUSED: Q(key_refused_at__isnull=False),
    State.UNUSED: Q(~_IS_USED),
}
_ORDERS: Final[dict[str, Any]] = {
    Order.TESTED: F("last_tested_at").desc(nulls_last=True),
    Order.UNTESTED: F("last_tested_at").asc(nulls_first=True),
}


class ConnectionFilter(ListFilter):
    """By words and state; sorted by name or by the last test."""

    words_in = ("name", "site", "company")
    arranging = ("sort",)

    name = django_filters.CharFilter(
        label=gettext_lazy("Search"), method="filter_words", max_length=100
    )
    state = django_filters.ChoiceFilter(
        choices=State.choices,
        method="filter_state",
        label=gettext_lazy("State"),
        empty_label=gettext_lazy("All"),
        error_messages=UNKNOWN_CHOICE,
    )
    sort = django_filters.ChoiceFilter(
        choices=Order.choices,
        method="arrange",
        label=gettext_lazy("Sort"),
        empty_label=gettext_lazy("By name"),
        error_messages=UNKNOWN_CHOICE,
    )

    class Meta:
        model = Connection
        fields: list[str] = []

    def filter_state(self, connections: Connections, name: str, value: str) -> Connections:
        as_text = Cast("last_test_steps", models.TextField())
        return connections.alias(steps=as_text).filter(_CONDITIONS[value])

    def arrange(self, connections: Connections, name: str, value: str) -> Connections:
        return connections.order_by(_ORDERS[value], "name")
