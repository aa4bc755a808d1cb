"""What two editors of a task may both have changed: settings and, as one value, conditions."""

from dataclasses import astuple
from typing import Any

from django.forms import model_to_dict
from django.utils.translation import gettext as _

from exports.connectwise.filter.conditions import Condition
from exports.forms.conditions import BaseConditionRows, posted_rows, row_data, rows_text
from exports.forms.dates import DATES, DatedForm
from exports.forms.reports import ReportForm

# The name of the conditions among the values compared with what somebody else saved.
_ROWS = "conditions"


class TaskConflicts(ReportForm, DatedForm):
    rows: BaseConditionRows

    def stored_values(self) -> dict[str, Any]:
        # The dates are compared separately, as runs move them too.
        names = [name for name in self._meta.fields or () if name not in DATES]
        rows = [astuple(row) for row in self.instance.saved_conditions()]
        # Lists, as JSON has no tuples.
        return {**model_to_dict(self.instance, names), _ROWS: list(map(list, rows))}

    def compare_with_stored(self) -> None:
        super().compare_with_stored()
        self.rows = posted_rows(self.data)

    def typed(self, name: str) -> Any:
        if name == _ROWS:
            return [list(astuple(row)) for row in self.rows.conditions()]
        return super().typed(name)

    def differs(self, name: str, value: Any) -> bool:
        return bool(self.typed(name) != value) if name == _ROWS else super().differs(name, value)

    def put(self, data: Any, name: str, value: Any) -> None:
        if name == _ROWS:
            data.update(row_data([Condition(*row) for row in value]))
        else:
            super().put(data, name, value)

    def label_of(self, name: str) -> str:
        return _("Conditions") if name == _ROWS else super().label_of(name)

    def text_of(self, name: str, value: Any) -> str:
        if name == _ROWS:
            return rows_text([Condition(*row) for row in value])
        return super().text_of(name, value)

    def add_conflict(self, name: str, sentence: str) -> None:
        if name == _ROWS:
            self.rows.non_form_errors().append(sentence)
        else:
            super().add_conflict(name, sentence)
