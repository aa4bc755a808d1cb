"""The rows of a task's filter: Comparison, Field, Logic Operator and Value."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import ValidationError
from django.forms import BaseFormSet, formset_factory
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.connectwise.batch_fields import FIELD_TYPES, LABELS
from exports.connectwise.filter import conditions as grammar
from exports.connectwise.filter.conditions import Condition, ConditionError
from exports.forms.condition_row import HOLDS, PARTS, ConditionForm

# The generic exists for the type checker alone.
if TYPE_CHECKING:
    ConditionFormSet = BaseFormSet[ConditionForm]
else:
    ConditionFormSet = BaseFormSet

PREFIX = "conditions"
_NOT_WHOLE = gettext_lazy("The conditions did not arrive whole. Check them and save again.")
MAX_ROWS = 100
_POSITION = re.compile(rf"{PREFIX}-([0-9]{{1,4}})-")


class BaseConditionRows(ConditionFormSet):
    """All rows in order; blank ones are neither saved nor sent.

    `announcement` says what a row button has done.
    """

    announcement = ""
    default_error_messages = {
        "missing_management_form": _NOT_WHOLE,
        "too_many_forms": format_lazy(
            gettext_lazy(
                "A task takes at most {most} conditions. Use In with a list, or share them out "
                "over several tasks."
            ),
            most=MAX_ROWS,
        ),
    }

    def total_form_count(self) -> int:
        """As many rows as really arrived: a forged total would cost time for each row."""
        claimed = super().total_form_count()
        return min(claimed, self._arrived_count()) if self.is_bound else claimed

    def clean(self) -> None:
        if super().total_form_count() > self.total_form_count():
            raise ValidationError(_NOT_WHOLE)

    def conditions(self) -> tuple[Condition, ...]:
        return tuple(form.to_save() for form in self.forms if not form.is_blank())

    def _arrived_count(self) -> int:
        """One more than the highest row position among the fields that were sent."""
        positions = (_POSITION.match(name) for name in self.data)
        return max((int(found[1]) + 1 for found in positions if found), default=0)

    def sent(self) -> str:
        """The filter exactly as sent; "" while a row has an error."""
        try:
            return grammar.render(self.conditions(), FIELD_TYPES)
        except ConditionError:
            return ""

    def in_words(self) -> str:
        """The filter in words; "" while a row has an error."""
        try:
            return grammar.in_words(self.conditions(), FIELD_TYPES)
        except ConditionError:
            return ""

    def first_error(self) -> str:
        """Which row cannot be sent and why; "" when all can."""
        for number, form in enumerate(self.forms, 1):
            if error := form.error():
                params = {"number": number, "sentence": error}
                return _("Condition %(number)d: %(sentence)s") % params
        return ""

    def warnings(self) -> list[str]:
        return [warning for form in self.forms for warning in form.warnings()]

    def known_fields(self) -> list[tuple[str, str]]:
        """The fields to suggest, each with its label and kind."""
        return [
            (name, _("%(field)s: %(kind)s") % {"field": _(LABELS[name]), "kind": HOLDS[kind]})
            for name, kind in FIELD_TYPES.items()
        ]

    def leave(self) -> None:
        """Show every row's error from now on."""
        for form in self.forms:
            form.leave()

    def problems(self) -> list[tuple[str, str, str]]:
        """Every error: the id of its input, which row and input it belongs to, its sentence."""
        found = [("condition-rows", _("Conditions"), str(one)) for one in self.non_form_errors()]
        for number, form in enumerate(self.forms, 1):
            if error := form.error():
                part = form[error.part]
                label = _("Condition %(number)d, %(part)s") % {"number": number, "part": part.label}
                found.append((part.auto_id, label, str(error)))
        return found

    def focus_first_error(self) -> bool:
        """Focus the first input with an error; returns whether there is one."""
        for form in self.forms:
            if error := form.error():
                form.focus(error.part)
                return True
        return False


ConditionRows = formset_factory(
    ConditionForm,
    formset=BaseConditionRows,
    extra=0,
    max_num=MAX_ROWS,
    # Somewhat more rows than allowed are shown again, so that some can be removed.
    absolute_max=MAX_ROWS + 10,
    validate_max=True,
)


def row_data(rows: Sequence[Condition]) -> dict[str, str]:
    """These rows as form data, as a browser would send them."""
    data = {f"{PREFIX}-TOTAL_FORMS": str(len(rows)), f"{PREFIX}-INITIAL_FORMS": "0"}
    for number, row in enumerate(rows):
        data |= {f"{PREFIX}-{number}-{part}": getattr(row, part) for part in PARTS}
    return data


def rows_text(rows: Sequence[Condition]) -> str:
    """The rows on one line: as sent, or as typed while one has an error."""
    try:
        return grammar.render(rows, FIELD_TYPES) or _("no conditions")
    except ConditionError:
        parts = ((row.field, row.comparison, row.value, row.logic_operator) for row in rows)
        return " ".join(part for row in parts for part in row if part)


def posted_rows(data: Any) -> BaseConditionRows:
    """The rows of a submitted form, to be validated."""
    return cast(BaseConditionRows, ConditionRows(data, prefix=PREFIX))


def shown_rows(conditions: Any = ()) -> BaseConditionRows:
    """Rows to edit, not validated; a blank one when there are no conditions."""
    return rows_from(
        [{part: getattr(row, part) for part in PARTS} | {"left": "1"} for row in conditions]
    )


def rows_from(initial: list[dict[str, str]]) -> BaseConditionRows:
    """Like `shown_rows`, but from the texts of each row's inputs, hidden ones included."""
    rows = initial or [dict.fromkeys(PARTS, "")]
    return cast(BaseConditionRows, ConditionRows(initial=rows, prefix=PREFIX))
