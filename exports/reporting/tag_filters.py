"""A filter by tag, for every list of tasks and of what belongs to them."""

from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from exports.models.tags import MAX_LENGTH, has_tag
from exports.reporting.tags import known_tags


class _TagSelect(forms.Select):
    """Offers the known tags, and the chosen one even if no task has it any more."""

    def optgroups(self, name: str, value: list[str], attrs: Any = None) -> Any:
        tags = dict.fromkeys([*known_tags(), *filter(None, value)])
        self.choices = [("", gettext_lazy("Any tag")), *((tag, tag) for tag in tags)]
        return super().optgroups(name, value, attrs)


class TagFilter(django_filters.CharFilter):  # type: ignore[misc]
    """`column` is where the tags stand, e.g. `task__tags`."""

    def __init__(self, column: str = "tags", **kwargs: Any) -> None:
        self._column = column
        super().__init__(
            label=gettext_lazy("Tag"), widget=_TagSelect, max_length=MAX_LENGTH, **kwargs
        )

    def filter(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(has_tag(value, self._column)) if value else rows
