"""The filters of lists of tasks, which stand in their address."""

from typing import Any

import django_filters
from django.db import models
from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy

from exports.models import Run, Schedule, Task
from exports.models.tags import first_tag
from exports.reporting.attention import DOUBTFUL, FAILED, last_runs
from exports.reporting.list_filters import UNKNOWN_CHOICE, ListFilter, by_connection
from exports.reporting.tag_filters import TagFilter

Tasks = QuerySet[Task]


class State(models.TextChoices):
    """What tasks can be filtered by; archived ones are listed only when asked for."""

    ENABLED = "enabled", gettext_lazy("Enabled")
    NOT_ENABLED = "not_enabled", gettext_lazy("Not enabled")
    ACTIVE = "active", gettext_lazy("Queued or running")
    FAILED = "failed", gettext_lazy("Last run failed")
    SUSPICIOUS = "suspicious", gettext_lazy("Last run suspicious")
    NEVER_RAN = "never_ran", gettext_lazy("Never ran")
    ARCHIVED = "archived", gettext_lazy("Archived")


class Order(models.TextChoices):
    """By name unless one of these is asked for."""

    NEWEST = "newest", gettext_lazy("Newest run first")
    OLDEST = "oldest", gettext_lazy("Longest without a run")
    DUE = "due", gettext_lazy("Next due first")


class Grouping(models.TextChoices):
    CONNECTION = "connection", gettext_lazy("By connection")
    TAG = "tag", gettext_lazy("By first tag")


_RESULTS: dict[str, Q] = {State.FAILED: FAILED, State.SUSPICIOUS: DOUBTFUL}
_CONDITIONS: dict[str, Q] = {
    State.ENABLED: Q(enabled=True),
    State.NOT_ENABLED: Q(enabled=False),
    State.ACTIVE: Q(runs__status__in=Run.ACTIVE),
    State.NEVER_RAN: Q(runs=None),
}
_GROUPS: dict[str, Any] = {Grouping.CONNECTION: F("connection__name"), Grouping.TAG: first_tag()}


class TaskFilter(ListFilter):
    """By words, connection, state and tag; sorted and grouped."""

    words_in = ("name", "connection__name", "tags")
    arranging = ("sort", "group")

    name = django_filters.CharFilter(
        label=gettext_lazy("Search"), method="filter_words", max_length=100
    )
    connection = by_connection()
    state = django_filters.ChoiceFilter(
        choices=State.choices,
        method="filter_state",
        label=gettext_lazy("State"),
        empty_label=gettext_lazy("All but archived"),
        error_messages=UNKNOWN_CHOICE,
    )
    tag = TagFilter()
    sort = django_filters.ChoiceFilter(
        choices=Order.choices,
        method="arrange",
        label=gettext_lazy("Sort"),
        empty_label=gettext_lazy("By name"),
        error_messages=UNKNOWN_CHOICE,
    )
    group = django_filters.ChoiceFilter(
        choices=Grouping.choices,
        method="arrange",
        label=gettext_lazy("Group"),
        empty_label=gettext_lazy("None"),
        error_messages=UNKNOWN_CHOICE,
    )

    class Meta:
        model = Task
        fields: list[str] = []

    def filter_state(self, tasks: Tasks, name: str, value: str) -> Tasks:
        if value in _RESULTS:
            return tasks.filter(pk__in=last_runs(_RESULTS[value]).values("task_id"))
        return tasks.filter(_CONDITIONS.get(value, Q()))

    def arrange(self, tasks: Tasks, name: str, value: str) -> Tasks:
        """In `filter_queryset`, once for both."""
        return tasks

    def filter_queryset(self, tasks: Tasks) -> Tasks:
        found: Tasks = super().filter_queryset(tasks)
        found = found.filter(archived_at__isnull=not self.is_archive)
        if self.grouping:
            found = found.annotate(group=_GROUPS[self.grouping])
        return self._sorted(found)

    @property
    def is_archive(self) -> bool:
        return self._asked("state") == State.ARCHIVED

    @property
    def grouping(self) -> str:
        return self._asked("group")

    def _asked(self, name: str) -> str:
        return str(self.form.cleaned_data.get(name) or "")

    def _sorted(self, tasks: Tasks) -> Tasks:
        groups = ["group"] if self.grouping else []
        order = self._asked("sort")
        if order in (Order.NEWEST, Order.OLDEST):
            newest = Run.objects.filter(task=OuterRef("pk")).order_by("-id").values("id")[:1]
            tasks = tasks.annotate(newest=Subquery(newest))
            by = F("newest")
            first = by.desc(nulls_last=True) if order == Order.NEWEST else by.asc(nulls_first=True)
            return tasks.order_by(*groups, first, "name")
        if order == Order.DUE:
            due = Schedule.objects.filter(task=OuterRef("pk")).order_by().values("task")
            soonest = due.annotate(at=Min("next_due_at")).values("at")
            tasks = tasks.annotate(due=Subquery(soonest))
            return tasks.order_by(*groups, F("due").asc(nulls_last=True), "name")
        return tasks.order_by(*groups, "name") if groups else tasks
