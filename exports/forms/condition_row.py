"""One row of a task's filter: its inputs, their choices, and its error.

exports.connectwise.filter.conditions alone decides what a row may hold; this module only shows it:
the comparisons that fit, an example, and each error at its input.
"""

from dataclasses import replace
from typing import Any, cast

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.connectwise.batch_fields import FIELD_TYPES, LABELS, FieldType
from exports.connectwise.filter import conditions as grammar
from exports.connectwise.filter import wildcards
from exports.connectwise.filter.conditions import Condition, ConditionError
from exports.forms.widget_styles import css_class

PARTS = ("comparison", "field", "logic_operator", "value")

# What a field of each kind holds, for the hint.
HOLDS = {
    FieldType.INTEGER: gettext_lazy("whole number"),
    FieldType.TEXT: gettext_lazy("text"),
    FieldType.FLAG: gettext_lazy("True or False"),
    FieldType.DATETIME: gettext_lazy("date"),
}
_ANY_VALUE = '"text", 284, [2020-01-31]'
_AS_TYPED = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class TypedField(forms.Field):
    """Text exactly as typed; the filter's grammar checks it and has its own error sentences."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def to_python(self, value: Any) -> str:
        return value or ""


class ConditionForm(forms.Form):
    """One row; a completely blank one is no condition.

    `is_left` means that its error is shown, `focused` names the input or button that gets the
    focus; `remark` is a sentence about what a row button did.
    """

    field = TypedField(
        label=gettext_lazy("Field"),
        widget=forms.TextInput(
            attrs={**_AS_TYPED, "list": "batch-fields", "placeholder": "batchIdentifier"}
        ),
    )
    comparison = TypedField(label=gettext_lazy("Comparison"), widget=forms.Select)
    value = TypedField(label=gettext_lazy("Value"), widget=forms.TextInput(attrs=_AS_TYPED))
    logic_operator = TypedField(label=gettext_lazy("Logic Operator"), widget=forms.Select)
    # "1" once the focus has left the row: from then on its error is shown.
    left = TypedField()
    # Read only by the button that copies them into the value.
    picked_date = TypedField(
        label=gettext_lazy("Date"), widget=forms.TextInput(attrs={"type": "date"})
    )
    picked_time = TypedField(
        label=gettext_lazy("Time in UTC (optional)"),
        widget=forms.TextInput(attrs={"type": "time"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.focused = self.remark = ""
        self.is_left = bool(self["left"].value())
        typed = self.typed()
        for field in self.fields.values():
            field.widget.attrs["class"] = css_class(field.widget)
        for part in ("field", "comparison", "value"):
            self.fields[part].widget.attrs["class"] += " condition-typed"
        self._select("comparison").choices = self.comparisons()
        self._select("logic_operator").choices = _logic_operators(typed.logic_operator)
        self.fields["value"].widget.attrs["placeholder"] = self.example()
        self._point_at_error()

    @property
    def position(self) -> int:
        """Counted from 0, as the buttons of the row name it."""
        return int(str(self.prefix).rpartition("-")[2])

    @property
    def number(self) -> int:
        return self.position + 1

    def typed(self) -> Condition:
        """The row as typed, checked or not."""
        return Condition(**{part: self[part].value() or "" for part in PARTS})

    def to_save(self) -> Condition:
        """The row with blanks around the field's name removed."""
        typed = self.typed()
        return replace(typed, field=typed.field.strip(" "))

    def is_blank(self) -> bool:
        return not any(getattr(self.typed(), part).strip() for part in PARTS)

    def kind(self) -> FieldType | None:
        return FIELD_TYPES.get(self.typed().field.strip())

    def takes_list(self) -> bool:
        return self.typed().comparison in grammar.LIST_COMPARISONS

    def offer(self) -> str:
        """What decides the row's choices and buttons; compared to see whether they changed."""
        fits = "misfit" if self._is_misfit() else "fits"
        return f"{self.kind() or 'unknown'}-{'list' if self.takes_list() else 'one'}-{fits}"

    def comparisons(self) -> list[tuple[str, Any]]:
        """Those that fit the field's kind, plus the chosen one even if it does not fit."""
        fitting = grammar.fitting_comparisons(self.kind())
        chosen = self.typed().comparison
        choices: list[tuple[str, Any]] = [("", gettext_lazy("Choose…"))]
        if chosen and chosen not in fitting:
            choices.append((chosen, format_lazy("{} {}", chosen, gettext_lazy("(does not fit)"))))
        return [*choices, *((name, name) for name in fitting)]

    def example(self) -> str:
        """An example value for this row."""
        typed = self.typed()
        name = typed.field.strip()
        if name in FIELD_TYPES or self.takes_list():
            return grammar.example_for(name, FIELD_TYPES, typed.comparison)
        return _ANY_VALUE

    def hint(self) -> str:
        """The field's name and kind: `Last updated: date`."""
        name, kind = self.typed().field.strip(), self.kind()
        if kind:
            return _("%(field)s: %(kind)s") % {"field": _(LABELS[name]), "kind": HOLDS[kind]}
        return _("Not a known field") if name else _("Choose from the list, or type a name")

    def blank_hint(self) -> str:
        """What a blank value means (F2), where there is one and it is allowed."""
        typed = self.typed()
        if typed.value.strip() or not typed.field.strip() or self.error():
            return ""
        return _(grammar.BY_NAME[typed.comparison].of_blank)

    def error(self) -> ConditionError | None:
        """Why the row cannot be sent, whether or not the page shows it yet."""
        if self.is_blank():
            return None
        try:
            grammar.check(self.typed(), FIELD_TYPES)
        except ConditionError as error:
            return error
        return None

    def shown_error(self) -> ConditionError | None:
        """The error once the focus has left the row; at once if the choice cannot fit the field."""
        return self.error() if self.is_left or self._is_misfit() else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if error := self.error():
            self.add_error(error.part, str(error))
        return cleaned

    def shown_warnings(self) -> list[str]:
        """The warnings, once the field is mostly typed."""
        return self._field_warnings() if self.is_left or self.typed().value.strip() else []

    def warnings(self) -> list[str]:
        """Problems that do not stop the row: an unknown field, Like without a wildcard."""
        return [*self._field_warnings(), *filter(None, [self.wildcard_warning()])]

    def _field_warnings(self) -> list[str]:
        typed, error = self.typed(), self.error()
        if not typed.field.strip() or (error and error.part == "field"):
            return []
        return grammar.warnings_for(typed, FIELD_TYPES)

    def wildcard_warning(self) -> str:
        """That Like compares the whole text, with a button beside it to add what is missing."""
        return "" if self.error() else wildcards.wildcard_warning(self.typed())

    def with_wildcards(self) -> str:
        return wildcards.with_wildcards(self.typed().value)

    def focus(self, part: str) -> None:
        self.focused = part
        if part in self.fields:
            self.fields[part].widget.attrs["autofocus"] = True

    def leave(self) -> None:
        """Show the row's error from now on."""
        self.is_left = True
        self._point_at_error()

    def _is_misfit(self) -> bool:
        chosen = self.typed().comparison
        return bool(chosen) and chosen not in grammar.fitting_comparisons(self.kind())

    def _select(self, part: str) -> forms.Select:
        return cast(forms.Select, self.fields[part].widget)

    def _point_at_error(self) -> None:
        """Mark the wrong input and refer to its error, for assistive technology."""
        error = self.shown_error()
        hint = f"{self['field'].auto_id}_hint"
        for part in PARTS:
            described = [hint] if part in ("field", "value") else []
            attrs = self.fields[part].widget.attrs
            if error and error.part == part:
                attrs["aria-invalid"] = "true"
                described.append(f"{self[part].auto_id}_error")
            if described:
                attrs["aria-describedby"] = " ".join(described)


def _logic_operators(chosen: str) -> list[tuple[str, Any]]:
    offered = ("", *grammar.LOGIC_OPERATORS)
    choices: list[tuple[str, Any]] = [("", "–"), *((name, name) for name in offered[1:])]
    return choices if chosen in offered else [*choices, (chosen, chosen)]
