"""The rows of a task's filter: Comparison, Field, Logic Operator and Value.

What may stand in a row is decided by exports.connectwise.conditions alone; this module only puts
its sentences where they belong and moves rows about.
"""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.forms import BaseFormSet, formset_factory

from exports.connectwise import conditions as grammar
from exports.connectwise.batches import FIELD_KINDS
from exports.connectwise.conditions import Condition, ConditionError
from exports.connectwise.literals import FORM_WORDS, Form

# The generic exists for the type checker alone.
if TYPE_CHECKING:
    ConditionFormSet = BaseFormSet["ConditionForm"]
else:
    ConditionFormSet = BaseFormSet

PREFIX = "conditions"
MOST_ROWS = 100
PARTS = ("comparison", "field", "logic_operator", "value")

_ANY_VALUE = '"text", 284, [2020-01-31]'
_COMPARISONS = [("", "Choose…"), *((one.name, one.name) for one in grammar.COMPARISONS)]
_LOGIC_OPERATORS = [("", ""), *((name, name) for name in grammar.LOGIC_OPERATORS)]


class TypedField(forms.Field):
    """Text exactly as typed: the grammar refuses, with its own sentences."""

    def to_python(self, value: Any) -> str:
        return value or ""


class ConditionForm(forms.Form):
    """One row; a wholly blank one is no condition."""

    field = TypedField(
        label="Field",
        required=False,
        widget=forms.TextInput(
            attrs={
                "list": "batch-fields",
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
                "placeholder": "batchIdentifier",
            }
        ),
    )
    comparison = TypedField(
        label="Comparison", required=False, widget=forms.Select(choices=_COMPARISONS)
    )
    value = TypedField(
        label="Value",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    logic_operator = TypedField(
        label="Logic Operator", required=False, widget=forms.Select(choices=_LOGIC_OPERATORS)
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            is_select = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if is_select else "form-control"
        typed = self.typed()
        name = typed.field.strip()
        self.fields["value"].widget.attrs["placeholder"] = (
            grammar.example_for(name, FIELD_KINDS, typed.comparison)
            if name in FIELD_KINDS
            else _ANY_VALUE
        )

    def typed(self) -> Condition:
        """The row as it stands in the inputs, checked or not."""
        return Condition(**{part: self[part].value() or "" for part in PARTS})

    def is_blank(self) -> bool:
        return not any(getattr(self.typed(), part).strip() for part in PARTS)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.is_blank():
            try:
                grammar.check(self.typed(), FIELD_KINDS)
            except ConditionError as error:
                self.add_error(error.part, str(error))
        return cleaned

    def warnings(self) -> list[str]:
        """What does not stop the row but should be seen: an unknown field (F3)."""
        typed = self.typed()
        if not typed.field.strip():
            return []
        try:
            grammar.check(typed, FIELD_KINDS)
        except ConditionError as error:
            if error.part == "field":
                return []
        return grammar.warnings_for(typed, FIELD_KINDS)

    def focus(self, part: str) -> None:
        self.fields[part].widget.attrs["autofocus"] = True


class BaseConditionRows(ConditionFormSet):
    """All rows in their order; blank ones are left out of what is saved and sent."""

    default_error_messages = {
        "missing_management_form": "The conditions did not arrive whole. Check them and save "
        "again.",
        "too_many_forms": f"A task takes at most {MOST_ROWS} conditions. Use In with a list, or "
        "share them out over several tasks.",
    }

    def conditions(self) -> tuple[Condition, ...]:
        return tuple(form.typed() for form in self.forms if not form.is_blank())

    def sent(self) -> str:
        """The filter exactly as it is sent, "" while a row cannot be."""
        try:
            return grammar.render(self.conditions(), FIELD_KINDS)
        except ConditionError:
            return ""

    def in_words(self) -> str:
        """The filter for people, "" while a row cannot be sent."""
        try:
            return grammar.in_words(self.conditions(), FIELD_KINDS)
        except ConditionError:
            return ""

    def warnings(self) -> list[str]:
        return [warning for form in self.forms for warning in form.warnings()]

    def known_fields(self) -> list[tuple[str, str]]:
        """The fields to suggest, each with its kind in words."""
        return [(name, FORM_WORDS[Form(kind.value)]) for name, kind in FIELD_KINDS.items()]

    def focus_first_error(self) -> bool:
        """Let the first wrong input take the focus; whether there is one."""
        for form in self.forms:
            for part in PARTS:
                if part in form.errors:
                    form.focus(part)
                    return True
        return False


ConditionRows = formset_factory(
    ConditionForm,
    formset=BaseConditionRows,
    extra=0,
    max_num=MOST_ROWS,
    absolute_max=2 * MOST_ROWS,
    validate_max=True,
)


def posted_rows(data: Any) -> BaseConditionRows:
    """The rows of a submitted form, to be checked."""
    return cast(BaseConditionRows, ConditionRows(data, prefix=PREFIX))


def shown_rows(conditions: Any = ()) -> BaseConditionRows:
    """Rows to fill in, unchecked; without conditions a blank one, to begin with."""
    rows = [{part: getattr(row, part) for part in PARTS} for row in conditions]
    shown = ConditionRows(initial=rows or [dict.fromkeys(PARTS, "")], prefix=PREFIX)
    return cast(BaseConditionRows, shown)


def rows_after(data: Any, action: str) -> BaseConditionRows:
    """The submitted rows after `add`, `remove-2`, `up-2` or `down-2`, all typed kept.

    Positions count from 0. An action that makes no sense changes nothing.
    """
    rows = [form.typed() for form in posted_rows(data).forms]
    verb, _, number = action.partition("-")
    position = int(number) if number.isdecimal() and len(number) < 4 else -1
    if verb == "add" and len(rows) < MOST_ROWS:
        rows.append(Condition("", "", ""))
        return _focused(rows, len(rows) - 1, "comparison")
    if not 0 <= position < len(rows):
        return shown_rows(rows)
    if verb == "remove":
        del rows[position]
        return _focused(rows, max(0, min(position, len(rows) - 1)), "field")
    target = position + {"up": -1, "down": 1}.get(verb, 0)
    if 0 <= target < len(rows):
        rows.insert(target, rows.pop(position))
        return _focused(rows, target, "field")
    return _focused(rows, position, "field")


def _focused(rows: list[Condition], position: int, part: str) -> BaseConditionRows:
    shown = shown_rows(rows)
    shown.forms[position].focus(part)
    return shown
