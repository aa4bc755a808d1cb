"""The filters of the history; they live in its URL."""

from datetime import date, datetime, time
from typing import Any

import django_filters
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

from exports.models import Run, Task
from exports.models.runs import RunQuerySet

SUSPICIOUS = "suspicious"
# Far enough from both ends of the calendar for any time zone.
_DAYS = (MinValueValidator(date(1970, 1, 2)), MaxValueValidator(date(9998, 12, 30)))
_UNKNOWN = {"invalid_choice": "This cannot be filtered by: choose one of the list."}
_DAY_PROBLEM = "This is not a day: write it as 2026-01-31."


def _day_filter(label: str, method: str) -> Any:
    return django_filters.DateFilter(
        label=label,
        method=method,
        validators=_DAYS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), _DAY_PROBLEM),
    )


def _moment(day: date, at: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, at))


class RunFilter(django_filters.FilterSet):  # type: ignore[misc]
    """By task, status, trigger and day of the start; nonsense filters nothing, with a sentence."""

    task = django_filters.ModelChoiceFilter(
        queryset=lambda request: Task.objects.order_by("name"),
        label="Task",
        empty_label="All tasks",
        error_messages={"invalid_choice": "There is no such task: choose one of the list."},
    )
    status = django_filters.ChoiceFilter(
        choices=[*Run.Status.choices, (SUSPICIOUS, "Suspicious")],
        method="filter_status",
        label="Status",
        empty_label="Any status",
        error_messages=_UNKNOWN,
    )
    trigger = django_filters.ChoiceFilter(
        choices=Run.Trigger.choices,
        label="Trigger",
        empty_label="Any trigger",
        error_messages=_UNKNOWN,
    )

    class Meta:
        model = Run
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.form.fields.values():
            is_select = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if is_select else "form-control"

    @classmethod
    def get_filters(cls) -> dict[str, Any]:
        # "from" is a word of Python, so these two cannot be declared above.
        days = {
            "from": _day_filter("Started from", "filter_from"),
            "to": _day_filter("Started to", "filter_to"),
        }
        return {**super().get_filters(), **days}

    def filter_status(self, runs: RunQuerySet, name: str, value: str) -> RunQuerySet:
        if value == SUSPICIOUS:
            return runs.exclude(suspicion="")
        return runs.filter(status=value)

    def filter_from(self, runs: RunQuerySet, name: str, day: date) -> RunQuerySet:
        return runs.filter(started_at__gte=_moment(day, time.min))

    def filter_to(self, runs: RunQuerySet, name: str, day: date) -> RunQuerySet:
        return runs.filter(started_at__lte=_moment(day, time.max))
