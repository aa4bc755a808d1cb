"""The form of a workflow: its name, its steps and its common settings (rule K1)."""

import copy
from typing import Any

from django.core.exceptions import ValidationError
from django.forms import model_to_dict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.forms.redisplay import redisplay
from exports.forms.reports import REPORT_FIELDS, ReportForm
from exports.forms.widget_styles import css_class
from exports.forms.workflow_steps import (
    ADDED,
    STEP,
    StepRows,
    posted_steps,
    steps_after,
    steps_of,
)
from exports.models import Workflow
from exports.models.audited import recording_changes

_STEPS = "steps"
_ORDER = ("name", _STEPS, "enabled", "can_resume_from_failure", *REPORT_FIELDS)


class WorkflowForm(ReportForm):
    """With `data` from a row button (`row_action`) it shows the typed values, not validated.

    The caller must lock an existing workflow in its transaction before saving.
    """

    class Meta:
        model = Workflow
        fields = ("name", "enabled", "can_resume_from_failure", *REPORT_FIELDS)
        help_texts = {
            "name": gettext_lazy(
                "What this workflow is called on every page and on the command line."
            ),
            "enabled": gettext_lazy("A workflow that is not enabled cannot be run."),
            "can_resume_from_failure": gettext_lazy(
                "After a failure, offer to go on at the step that failed and keep the results "
                "before it."
            ),
        }
        error_messages = {
            "name": {
                "required": gettext_lazy("The workflow needs a name, e.g. Month end."),
                "max_length": gettext_lazy(
                    "A workflow's name has at most %(limit_value)d characters, this one has "
                    "%(show_value)d. Shorten it."
                ),
                "unique": gettext_lazy(
                    "Another workflow has this name, perhaps an archived one. Choose another."
                ),
            }
        }

    def __init__(self, *, instance: Workflow | None = None, data: Any = None) -> None:
        self.before = copy.copy(instance)
        action = data.get("row_action") if data is not None else None
        super().__init__(data if action is None else None, instance=instance or Workflow())
        self.steps = self._steps(data, action)
        for field in self.fields.values():
            field.widget.attrs["class"] = css_class(field.widget)
        # A maxlength would silently cut pasted text.
        del self.fields["name"].widget.attrs["maxlength"]
        if action is not None:
            redisplay(self, data)

    def stored_values(self) -> dict[str, Any]:
        steps = [str(task.pk) for task in self.instance.tasks()]
        return {**model_to_dict(self.instance, self.Meta.fields), _STEPS: steps}

    def compare_with_stored(self) -> None:
        super().compare_with_stored()
        self.steps = posted_steps(self.data)

    def typed(self, name: str) -> Any:
        return self.steps.values() if name == _STEPS else super().typed(name)

    def differs(self, name: str, value: Any) -> bool:
        return bool(self.typed(name) != value) if name == _STEPS else super().differs(name, value)

    def put(self, data: Any, name: str, value: Any) -> None:
        if name == _STEPS:
            data.setlist(STEP, value)
            data.pop(ADDED, None)
        else:
            super().put(data, name, value)

    def label_of(self, name: str) -> str:
        return _("Steps") if name == _STEPS else super().label_of(name)

    def text_of(self, name: str, value: Any) -> str:
        return StepRows(value).text() if name == _STEPS else super().text_of(name, value)

    def add_conflict(self, name: str, sentence: str) -> None:
        if name == _STEPS:
            self.steps.added_errors.append(sentence)
        else:
            super().add_conflict(name, sentence)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise ValidationError(
                _(
                    "A workflow's name is plain text on one line, e.g. Month end. Remove the "
                    "invisible characters."
                )
            )
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.check_report()
        return cleaned

    def is_valid(self) -> bool:
        # Both are validated, so that the page shows all errors at once.
        is_valid = super().is_valid()
        return self.steps.is_valid() and is_valid

    def problems(self) -> list[tuple[str, str, str]]:
        """Every error in page order: the id of its input, its label, its sentence."""
        found = []
        for name in _ORDER:
            if name == _STEPS:
                found += self.steps.problems()
                continue
            for sentence in self.errors.get(name, ()):
                found.append((self[name].id_for_label, str(self[name].label), str(sentence)))
        return found

    def save_for(self, user: Any) -> Workflow:
        with recording_changes(self.instance):
            self.sign(user)
            workflow: Workflow = self.save()
            if workflow.tasks() != self.steps.tasks():
                workflow.replace_steps(self.steps.tasks())
        return workflow

    def _steps(self, data: Any, action: str | None) -> StepRows:
        if action is not None:
            return steps_after(data, action)
        if data is not None:
            return posted_steps(data)
        return steps_of(self.before.tasks() if self.before else ())
