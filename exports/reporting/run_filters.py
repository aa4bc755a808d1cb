"""The filters of the history, which are stored in its URL."""

from datetime import date, datetime, time
from typing import Any

import django_filters
from django import forms
from django.contrib.auth import get_user_model
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from exports.models import Connection, Run, RunMark, Task
from exports.models.runs import RunQuerySet
from exports.outside_numbers import read_id
from exports.reporting.list_filters import UNKNOWN_CHOICE, ListFilter, by_connection
from exports.reporting.tag_filters import TagFilter
from exports.reporting.task_choices import TaskChoiceMixin

SUSPICIOUS = "suspicious"
# Away from both ends of the calendar, so that no time zone overflows.
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(9998, 12, 30)
DAYS = (MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY))
DAY_PROBLEM = gettext_lazy("This is not a day: write it as 2026-01-31.")
_NOBODY = "nobody"


def day_filter(label: Any, method: str) -> Any:
    return django_filters.DateFilter(
        label=label,
        method=method,
        validators=DAYS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), DAY_PROBLEM),
    )


def day_moment(day: date, at: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, at))


class _TaskField(TaskChoiceMixin, django_filters.fields.ModelChoiceField):  # type: ignore[misc]
    """Its choice among tasks."""


class TaskChoiceFilter(django_filters.ModelChoiceFilter):  # type: ignore[misc]
    field_class = _TaskField


class RunFilter(ListFilter):
    """By words, task, tag, status, trigger, user, start day; an invalid one is not applied."""

    q = django_filters.CharFilter(
        label=gettext_lazy("Search"), method="filter_words", max_length=100
    )
    task = TaskChoiceFilter(
        queryset=lambda request: Task.objects.order_by("name"),
        label=gettext_lazy("Task"),
        empty_label=gettext_lazy("All tasks"),
        error_messages={
            "invalid_choice": gettext_lazy("There is no such task: choose one of the list.")
        },
    )
    connection = by_connection()
    tag = TagFilter("task__tags")
    status = django_filters.ChoiceFilter(
        choices=[*Run.Status.choices, (SUSPICIOUS, gettext_lazy("Suspicious"))],
        method="filter_status",
        label=gettext_lazy("Status"),
        empty_label=gettext_lazy("Any status"),
        error_messages=UNKNOWN_CHOICE,
    )
    trigger = django_filters.ChoiceFilter(
        choices=Run.Trigger.choices,
        label=gettext_lazy("Trigger"),
        empty_label=gettext_lazy("Any trigger"),
        error_messages=UNKNOWN_CHOICE,
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

    mark = django_filters.ChoiceFilter(
        choices=[
            ("not_imported", gettext_lazy("Not yet imported")),
            ("imported", gettext_lazy("Imported")),
            ("not_checked", gettext_lazy("Not yet checked")),
            ("checked", gettext_lazy("Checked")),
        ],
        method="filter_mark",
        label=gettext_lazy("In the books"),
        empty_label=gettext_lazy("Any"),
        error_messages=UNKNOWN_CHOICE,
    )

    class Meta:
        model = Run
        fields: list[str] = []

    @classmethod
    def get_filters(cls) -> dict[str, Any]:
        # "from" is a Python keyword, so these two cannot be declared above.
        days = {
            "from": day_filter(gettext_lazy("Started from"), "filter_from"),
            "to": day_filter(gettext_lazy("Started to"), "filter_to"),
        }
        return {**super().get_filters(), **days}

    @property
    def has_words(self) -> bool:
        return bool(self.form.is_valid() and self.form.cleaned_data.get("q"))

    def has_word(self, word: str) -> Q:
        """In the names of task and connection, a tag or the error; or it is the run's number."""
        # By the tasks' ids: joined, all runs would be read with their tasks. Only failed runs have
        # an error, so only theirs are read.
        connections = Connection.objects.filter(name__icontains=word)
        named = Q(name__icontains=word) | Q(tags__icontains=word) | Q(connection__in=connections)
        tasks = Task.objects.filter(named).values("pk")
        found = Q(task__in=tasks) | Q(task_name__icontains=word)
        found |= Q(status=Run.Status.FAILED, error__icontains=word)
        number = read_id(word.lstrip("#"))
        return found if number is None else found | Q(pk=number)

    def filter_status(self, runs: RunQuerySet, name: str, value: str) -> RunQuerySet:
        if value == SUSPICIOUS:
            return runs.exclude(suspicion="")
        return runs.filter(status=value)

    def filter_mark(self, runs: RunQuerySet, name: str, value: str) -> RunQuerySet:
        """Only files with batches can be marked, so nothing else waits for a mark."""
        kind = value.removeprefix("not_")
        marked = Exists(RunMark.objects.filter(run_id=OuterRef("pk"), kind=kind))
        files = runs.filter(status=Run.Status.SUCCEEDED, batch_count__gt=0)
        return files.filter(~marked if value.startswith("not_") else marked)

    def filter_from(self, runs: RunQuerySet, name: str, day: date) -> RunQuerySet:
        return runs.filter(started_at__gte=day_moment(day, time.min))

    def filter_to(self, runs: RunQuerySet, name: str, day: date) -> RunQuerySet:
        return runs.filter(started_at__lte=day_moment(day, time.max))

    def filter_queryset(self, runs: RunQuerySet) -> RunQuerySet:
        """With only days, order by start time: one index then serves both."""
        found: RunQuerySet = super().filter_queryset(runs)
        asked = {name for name, value in self.form.cleaned_data.items() if value}
        if asked and asked <= {"from", "to"}:
            return found.order_by("-started_at", "-id")
        return found
