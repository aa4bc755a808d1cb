"""The filters of the history of due times, which stand in its address."""

from datetime import date, time

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from exports.models import DueTime, Schedule, Task, Workflow
from exports.reporting.list_filters import UNKNOWN_CHOICE, ListFilter
from exports.reporting.run_filters import TaskChoiceFilter, day_filter, day_moment

DueTimes = QuerySet[DueTime]


class DueTimeFilter(ListFilter):
    """By task, workflow, what became of it, and day."""

    task = TaskChoiceFilter(
        queryset=lambda request: (
            Task.objects.filter(schedules__isnull=False).distinct().order_by("name")
        ),
        method="filter_target",
        label=gettext_lazy("Task"),
        empty_label=gettext_lazy("All tasks"),
        error_messages={
            "invalid_choice": gettext_lazy("There is no such task: choose one of the list.")
        },
    )
    workflow = django_filters.ModelChoiceFilter(
        queryset=lambda request: (
            Workflow.objects.filter(schedules__isnull=False).distinct().order_by("name")
        ),
        method="filter_target",
        label=gettext_lazy("Workflow"),
        empty_label=gettext_lazy("All workflows"),
        error_messages={
            "invalid_choice": gettext_lazy("There is no such workflow: choose one of the list.")
        },
    )
    state = django_filters.ChoiceFilter(
        choices=DueTime.State.choices,
        label=gettext_lazy("What became of it"),
        empty_label=gettext_lazy("Anything"),
        error_messages=UNKNOWN_CHOICE,
    )

    class Meta:
        model = DueTime
        fields: list[str] = []

    @classmethod
    def get_filters(cls) -> dict[str, object]:
        # "from" is a Python keyword, so these two cannot be declared above.
        days = {
            "from": day_filter(gettext_lazy("Due from"), "filter_from"),
            "to": day_filter(gettext_lazy("Due to"), "filter_to"),
        }
        return {**super().get_filters(), **days}

    def filter_target(self, rows: DueTimes, name: str, value: Task | Workflow) -> DueTimes:
        # By number: joined, the database would read the newest rows of all schedules.
        ids = Schedule.objects.filter(**{name: value}).values_list("pk", flat=True)
        return rows.filter(schedule_id__in=list(ids[:1000]))

    def filter_from(self, rows: DueTimes, name: str, day: date) -> DueTimes:
        return rows.filter(due_at__gte=day_moment(day, time.min))

    def filter_to(self, rows: DueTimes, name: str, day: date) -> DueTimes:
        return rows.filter(due_at__lte=day_moment(day, time.max))
