"""Lists of tasks on pages, which stay quick with ten thousand of them."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.models import ModelChoiceIterator
from django.forms.utils import flatatt
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports.connectwise.language import grouped
from exports.models import Task
from exports.outside_numbers import read_id

# The generic exists for the type checker alone.
if TYPE_CHECKING:
    TaskIterator = ModelChoiceIterator[Task]
else:
    TaskIterator = ModelChoiceIterator

# More names than these tell nobody anything.
MAX_NAMES: Final = 10
# A select with more options is heavy, and tiring to look through.
MAX_OPTIONS: Final = 200
_COLUMNS: Final = ("pk", "name", "archived_at")


class TaskChoices(TaskIterator):
    """The choices of a field: three columns of each task instead of the whole row."""

    def __iter__(self) -> Any:
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        yield from self.first(None)

    def first(self, most: int | None) -> Iterator[tuple[int, str]]:
        """So many tasks; all of them for None."""
        for pk, name, archived_at in self.queryset.values_list(*_COLUMNS)[:most].iterator():
            yield pk, name if archived_at is None else _("%(task)s (archived)") % {"task": name}


class TaskSelect(forms.Select):
    """Chooses a task: from a select, or by its name once a select would be too long.

    A template for each option would take a second for all, so they are written at once.
    """

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        all_attrs = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        tasks: Any = self.choices
        found = list(tasks.first(MAX_OPTIONS + 1))
        if len(found) > MAX_OPTIONS:
            return name_input(all_attrs, _name_of(tasks.queryset, str(value or "")))
        # One that was typed before is chosen by its name.
        numbers = {label: str(pk) for pk, label in found}
        chosen = {numbers.get(text, text) for text in self.format_value(value)}
        empty = tasks.field.empty_label
        listed = [*([] if empty is None else [("", empty)]), *found]
        return format_html("<select{}>{}</select>", flatatt(all_attrs), options(listed, chosen))


class TaskChoiceMixin:
    """A field that takes a task by its number or its whole name."""

    iterator: Any = TaskChoices
    widget: Any = TaskSelect
    queryset: Any
    error_messages: Any

    def to_python(self, value: Any) -> Task | None:
        text = str(value or "").strip()
        if not text:
            return None
        number = read_id(text)
        task: Task | None = self.queryset.filter(pk=number).first() if number else None
        task = task or self.queryset.filter(name=text).first()
        if task is None:
            raise ValidationError(self._problem(text), code="invalid_choice")
        return task

    def _problem(self, text: str) -> str:
        problem = str(self.error_messages["invalid_choice"])
        if self.queryset.count() <= MAX_OPTIONS:
            return problem
        similar = names_like(self.queryset, text, 3)
        if not similar:
            return _("No task is called “%(text)s”: write its whole name.") % {"text": text[:100]}
        sentence = _("No task is called “%(text)s”. Did you mean %(names)s?")
        return sentence % {"text": text[:100], "names": ", ".join(similar)}


def name_input(attrs: Mapping[str, Any], text: str, address: str = "") -> SafeString:
    """A text field that offers names while somebody types; without a script, names are typed."""
    names = f"{attrs.get('id', attrs['name'])}-names"
    more = {
        "list": names,
        "value": text,
        "autocomplete": "off",
        "placeholder": _("Name of a task"),
        "data-names": address or reverse("task-names"),
    }
    return format_html(
        '<input type="text"{}><datalist id="{}"></datalist>', flatatt({**attrs, **more}), names
    )


def names_like(rows: QuerySet[Any], text: str, most: int) -> list[str]:
    """Names with each of these words in them."""
    for word in text.split()[:10]:
        rows = rows.filter(name__icontains=word)
    return list(rows.order_by("name").values_list("name", flat=True)[:most])


def _name_of(tasks: QuerySet[Task], text: str) -> str:
    """What is shown of a value: a name of digits alone would be read as a number."""
    number = read_id(text)
    name = tasks.filter(pk=number).values_list("name", flat=True).first() if number else None
    return text if name is None or read_id(name) else name


class GroupedSelect(forms.Select):
    """The same for a select whose options stand in groups, each chosen by its label."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        chosen = self.format_value(value)
        all_attrs = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        listed: Any = self.choices
        groups = [each for each in listed if isinstance(each[1], list | tuple)]
        if sum(len(members) for _label, members in groups) > MAX_OPTIONS:
            labels = {key: label for _group, members in groups for key, label in members}
            shown = labels.get(chosen[0], chosen[0]) if chosen else ""
            return name_input(all_attrs, shown, f"{reverse('task-names')}?workflows=1")
        parts = [
            format_html('<optgroup label="{}">{}</optgroup>', label, options(members, chosen))
            if isinstance(members, list | tuple)
            else options([(label, members)], chosen)
            for label, members in listed
        ]
        joined = format_html_join("\n", "{}", ((part,) for part in parts))
        return format_html("<select{}>{}</select>", flatatt(all_attrs), joined)


class NameSelect(forms.Select):
    """Chooses a row by its name; reads two columns and writes all options in one go."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        rows: Any = self.choices
        empty = rows.field.empty_label
        listed = chain(
            [] if empty is None else [("", empty)], rows.queryset.values_list("pk", "name")
        )
        all_attrs = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        shown = options(listed, self.format_value(value))
        return format_html("<select{}>{}</select>", flatatt(all_attrs), shown)


def options(choices: Iterable[Any], chosen: Iterable[str] = ()) -> SafeString:
    """The options of a select, from pairs of value and label."""
    selected = set(chosen)
    return format_html_join(
        "\n",
        '<option value="{}"{}>{}</option>',
        (
            (value, SafeString(" selected") if str(value) in selected else "", label)
            for value, label in choices
        ),
    )


def names_of(tasks: QuerySet[Task], most: int = MAX_NAMES) -> str:
    """The first names, in order, and how many more there are; "" without tasks."""
    names = ", ".join(tasks.order_by("name").values_list("name", flat=True)[:most])
    more = tasks.count() - most
    if more <= 0:
        return names
    message = ngettext("%(names)s and %(count)s more", "%(names)s and %(count)s more", more)
    return message % {"names": names, "count": grouped(more)}
