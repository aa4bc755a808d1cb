"""What the filters of all lists share: they stand in the address, and each can be removed alone."""

from dataclasses import dataclass
from typing import Any, ClassVar

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from exports.models import Connection
from exports.reporting.task_choices import NameSelect

UNKNOWN_CHOICE = {
    "invalid_choice": gettext_lazy("This cannot be filtered by: choose one of the list.")
}


def by_connection() -> Any:
    return django_filters.ModelChoiceFilter(
        queryset=lambda request: Connection.objects.order_by("name"),
        widget=NameSelect,
        label=gettext_lazy("Connection"),
        empty_label=gettext_lazy("All connections"),
        error_messages={
            "invalid_choice": gettext_lazy("There is no such connection: choose one of the list.")
        },
    )


@dataclass(frozen=True)
class Chip:
    """An active filter: its label, its value, and the address without it."""

    name: str
    label: str
    value: str
    query_without: str


class ListFilter(django_filters.FilterSet):  # type: ignore[misc]
    """A list's filters; an invalid one is reported, not applied."""

    # The columns in which `filter_words` looks.
    words_in: ClassVar[tuple[str, ...]] = ()
    # How the rows are shown, not which: told in the form, not as filters that can be removed.
    arranging: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.form.fields.values():
            is_select = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if is_select else "form-control"

    def filter_words(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """The rows that have each of the words."""
        for word in value.split():
            rows = rows.filter(self.has_word(word))
        return rows

    def has_word(self, word: str) -> Q:
        anywhere = Q()
        for column in self.words_in:
            anywhere |= Q(**{f"{column}__icontains": word})
        return anywhere

    def chips(self) -> list[Chip]:
        """The active filters, in the order of the form."""
        self.form.is_valid()
        values = self.form.cleaned_data
        return [
            Chip(
                field.name,
                str(field.label),
                self._shown(field.name, values[field.name]),
                self._without(field),
            )
            for field in self.form
            if values.get(field.name) and field.name not in self.arranging
        ]

    def query(self, *omitted: str) -> str:
        """The query string of this list: `?status=failed`, without blanks; "" without filters."""
        asked = {name: value for name, value in self.data.items() if name not in omitted}
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
