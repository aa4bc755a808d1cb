"""The filters of the audit log, which stand in its address (rule L2)."""

from datetime import date, time
from typing import Any

import django_filters
from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils.translation import gettext_lazy

from exports.models import AuditAction
from exports.models.audit import AuditEntryQuerySet
from exports.reporting.audit_words import TYPES, action_words
from exports.reporting.list_filters import UNKNOWN_CHOICE, ListFilter
from exports.reporting.run_filters import day_filter, day_moment


def _actions() -> list[tuple[str, Any]]:
    """Grouped by what they are about, as there are many."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for action in AuditAction:
        noun = action.value.partition(".")[0]
        groups.setdefault(noun, []).append((action.value, action_words(action.value)))
    return [(str(TYPES.get(noun, noun)), choices) for noun, choices in groups.items()]


class _ActionFilter(django_filters.ChoiceFilter):  # type: ignore[misc]
    @property
    def field(self) -> Any:
        found = super().field
        # The words of the language that is spoken now.
        found.choices = _actions()
        return found


class AuditFilter(ListFilter):
    """By person, action, object and day."""

    who = django_filters.CharFilter(
        field_name="actor_name",
        label=gettext_lazy("Who"),
        max_length=150,
        widget=forms.TextInput(attrs={"list": "audit-people", "autocomplete": "off"}),
    )
    action = _ActionFilter(
        field_name="action",
        choices=AuditAction.choices,
        label=gettext_lazy("Action"),
        empty_label=gettext_lazy("All actions"),
        error_messages=UNKNOWN_CHOICE,
    )
    object = django_filters.ChoiceFilter(
        field_name="object_type",
        choices=list(TYPES.items()),
        label=gettext_lazy("Object"),
        empty_label=gettext_lazy("All objects"),
        error_messages=UNKNOWN_CHOICE,
    )
    number = django_filters.CharFilter(
        method="filter_number", label=gettext_lazy("Its number"), max_length=64
    )

    @classmethod
    def get_filters(cls) -> dict[str, Any]:
        # "from" is a Python keyword, so these two cannot be declared above.
        days = {
            "from": day_filter(gettext_lazy("From"), "filter_from"),
            "to": day_filter(gettext_lazy("To"), "filter_to"),
        }
        return {**super().get_filters(), **days}

    def filter_number(self, rows: AuditEntryQuerySet, name: str, value: str) -> AuditEntryQuerySet:
        return rows.filter(object_id=value)

    def filter_from(self, rows: AuditEntryQuerySet, name: str, day: date) -> AuditEntryQuerySet:
        return rows.filter(recorded_at__gte=day_moment(day, time.min))

    def filter_to(self, rows: AuditEntryQuerySet, name: str, day: date) -> AuditEntryQuerySet:
        return rows.filter(recorded_at__lte=day_moment(day, time.max))

    def _shown(self, name: str, value: Any) -> str:
        return action_words(value) if name == "action" else super()._shown(name, value)


def people() -> list[str]:
    """Names to choose from; others can be typed."""
    users = get_user_model()._default_manager.order_by("username")
    return list(users.values_list("username", flat=True)[:200])


def older_than(rows: AuditEntryQuerySet, last: Any) -> AuditEntryQuerySet:
    """The entries that follow `last` in a list that begins with the newest."""
    at = last.recorded_at
    # The first condition is the range in the index.
    return rows.filter(Q(recorded_at__lt=at) | Q(pk__lt=last.pk), recorded_at__lte=at)
