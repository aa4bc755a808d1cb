"""The filters of the history, which are stored in its URL."""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import django_filters
from django import forms
from django.contrib.auth import get_user_model
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy

from exports.models import Run, Task
from exports.models.runs import RunQuerySet

SUSPICIOUS = "suspicious"
# Away from both ends of the calendar, so that no time zone overflows.
_DAYS = (MinValueValidator(date(1970, 1, 2)), MaxValueValidator(date(9998, 12, 30)))
_UNKNOWN = {"invalid_choice": gettext_lazy("This cannot be filtered by: choose one of the list.")}
_DAY_PROBLEM = gettext_lazy("This is not a day: write it as 2026-01-31.")
_NOBODY = "nobody"


@dataclass(frozen=True)
class Chip:
    """An active filter: its label, its value, and the address without it."""

    label: str
    value: str
    query_without: str


def _day_filter(label: Any, method: str) -> Any:
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
    """By task, status, trigger, user and start day; an invalid filter is reported, not applied."""

    task = django_filters.ModelChoiceFilter(
        queryset=lambda request: Task.objects.order_by("name"),
        label=gettext_lazy("Task"),
        empty_label=gettext_lazy("All tasks"),
        error_messages={
            "invalid_choice": gettext_lazy("There is no such task: choose one of the list.")
        },
    )
    status = django_filters.ChoiceFilter(
        choices=[*Run.Status.choices, (SUSPICIOUS, gettext_lazy("Suspicious"))],
        method="filter_status",
        label=gettext_lazy("Status"),
        empty_label=gettext_lazy("Any status"),
        error_messages=_UNKNOWN,
    )
    trigger = django_filters.ChoiceFilter(
        choices=Run.Trigger.choices,
        label=gettext_lazy("Trigger"),
        empty_label=gettext_lazy("Any trigger"),
        error_messages=_UNKNOWN,
    )
    who = django_filters.ModelChoiceFilter(
        field_name="requested_by",
        queryset=lambda request: get_user_model().objects.order_by("username"),
        label=gettext_lazy("Who"),
        empty_label=gettext_lazy("Anybody"),
        null_label=gettext_lazy("Nobody"),
        null_value=_NOBODY,
        error_messages={
            "invalid_choice": gettext_lazy("There is no such user: choose one of the list.")
        },
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
        # "from" is a Python keyword, so these two cannot be declared above.
        days = {
            "from": _day_filter(gettext_lazy("Started from"), "filter_from"),
            "to": _day_filter(gettext_lazy("Started to"), "filter_to"),
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

    def filter_queryset(self, runs: RunQuerySet) -> RunQuerySet:
        """With only days, order by start time: one index then serves both."""
        found: RunQuerySet = super().filter_queryset(runs)
        asked = {name for name, value in self.form.cleaned_data.items() if value}
        if asked and asked <= {"from", "to"}:
            return found.order_by("-started_at", "-id")
        return found

    def chips(self) -> list[Chip]:
        """The active filters, in the order of the form."""
        self.form.is_valid()
        values = self.form.cleaned_data
        return [
            Chip(
                str(field.label), self._shown(field.name, values[field.name]), self._without(field)
            )
            for field in self.form
            if values.get(field.name)
        ]

    def query(self, *left_out: str) -> str:
        """The query string of this list: `?status=failed`, without blanks; "" without filters."""
        asked = {name: value for name, value in self.data.items() if name not in left_out}
        kept = QueryDict(mutable=True)
        kept.update({name: value for name, value in asked.items() if value})
        return f"?{kept.urlencode()}" if kept else ""

    def _without(self, field: forms.BoundField) -> str:
        return self.query(field.name, "page")

    def _shown(self, name: str, value: Any) -> str:
        choices = getattr(self.form.fields[name], "choices", None)
        if choices is None or not isinstance(value, str):
            return str(value)
        return str(dict(choices).get(value, value))
