"""The task form: every setting of the specification, checked and saved as one thing."""

import copy
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from exports.connectwise import batches, client
from exports.connectwise.addresses import SiteError
from exports.forms.conditions import BaseConditionRows, posted_rows, rows_after, shown_rows
from exports.forms.dates import DATES, DatedForm, canonical, shown_values
from exports.forms.task_layout import HELP, ORDER, task_helper
from exports.models import Connection, Run, Task
from exports.output_names import (
    OutputNameError,
    check_output_name,
    is_overwritten_each_run,
    render_output_name,
)


class PageSizeField(forms.IntegerField):
    """1 to 1000 records a page; whatever else is typed meets one sentence."""

    def __init__(self, **kwargs: Any) -> None:
        sentence = "A page holds 1 to 1000 records: write a whole number, e.g. 100."
        problems = dict.fromkeys(("required", "invalid", "min_value", "max_value"), sentence)
        # A number input would throw away what it cannot read; this one keeps it.
        widget = forms.TextInput(attrs={"inputmode": "numeric"})
        super().__init__(
            min_value=1,
            max_value=1000,
            initial=100,
            widget=widget,
            error_messages=problems,
            **kwargs,
        )


class TaskForm(DatedForm):
    """A task, its conditions and its dates.

    With `data` from a row button (`row_action`) it shows again what was typed, unchecked. The
    instance of an existing task must be locked by the caller's transaction when it is saved.
    """

    # Its length is part of its own rule, with a sentence of its own (O1).
    output_file = forms.CharField(
        label="Output File",
        error_messages={"required": "The file needs a name, e.g. batches-{run}.xml."},
    )
    page_size = PageSizeField(label="Page Size")
    references_to_fetch = forms.CharField(label="References To Fetch", required=False)
    references_to_fetch_page_size = PageSizeField(label="References To Fetch Page Size")

    class Meta:
        model = Task
        fields = (
            "name",
            "connection",
            "date_created",
            "date_modified",
            "export",
            "page_size",
            "output_file",
            "references_to_fetch_page_size",
            "include_extra_fields",
            "enabled",
            "can_resume_from_failure",
            "on_failure_task",
            "break_on_failure",
        )
        error_messages = {
            "name": {
                "required": "The task needs a name, e.g. Nightly batches.",
                "max_length": "A task's name has at most %(limit_value)d characters, this one has "
                "%(show_value)d. Shorten it.",
                "unique": "Another task has this name, perhaps an archived one. Choose another.",
            },
            "connection": {
                "required": "Choose the connection whose batches are exported.",
                "invalid_choice": "This connection is no longer there. Choose another.",
            },
            "export": {"invalid_choice": "Choose Modified, New or All."},
            "on_failure_task": {
                "invalid_choice": "This task is no longer there. Choose another, or none."
            },
        }

    def __init__(self, *, instance: Task | None = None, data: Any = None) -> None:
        self.before = copy.copy(instance)
        action = data.get("row_action") if data is not None else None
        super().__init__(
            data if action is None else None,
            instance=instance or Task(),
            initial=_first_values(instance) if data is None else None,
        )
        self.rows = self._rows(data, action)
        self.fields["connection"].empty_label = "Choose a connection"  # type: ignore[attr-defined]
        self._offer_other_tasks()
        # It would cut what is pasted, without a word.
        del self.fields["name"].widget.attrs["maxlength"]
        for name, field in self.fields.items():
            field.help_text = HELP.get(name, "")
            field.widget.attrs.setdefault("class", _css_class(field.widget))
        if action is not None:
            self._show_again(data)
        self.helper = task_helper(is_new=instance is None)

    def is_valid(self) -> bool:
        # Both are asked, so that every error of the page is shown at once.
        rows_are_valid = self.rows.is_valid()
        valid = super().is_valid() and rows_are_valid and self.rows.is_valid()
        if not valid:
            self._focus_first_error()
        return valid

    def save_for(self, user: Any) -> Task:
        """Save settings, conditions and the history of typed dates together."""
        with transaction.atomic():
            task = self.save_typed(user)
            if self.before is None or task.saved_conditions() != self.rows.conditions():
                task.replace_conditions(self.rows.conditions())
        return task

    def warnings(self) -> list[str]:
        """What was saved although it may be a mistake."""
        return [
            *self.rows.warnings(),
            *(
                f"{self.fields[name].label} lies in the future: "
                f"{canonical(self.cleaned_data[name])}. Nothing is exported until then."
                for name in DATES
                if self.cleaned_data[name] > timezone.now()
            ),
            *([self.overwriting_warning()] if self.overwriting_warning() else []),
        ]

    def overwriting_warning(self) -> str:
        """What Modified and New lose under a name that every run writes anew (O4); or ""."""
        name, export = self["output_file"].value() or "", self["export"].value()
        if not name or export == Task.Export.ALL or not is_overwritten_each_run(name):
            return ""
        return (
            "Every run replaces the file of the one before, picked up or not. Put {run} or {time} "
            "into Output File to keep each one; the history keeps them all in any case."
        )

    def example_name(self) -> str:
        """What the file of a run that started now would be called; "" for a name refused."""
        template = self["output_file"].value() or ""
        try:
            check_output_name(template, str(self["name"].value() or ""))
        except OutputNameError:
            return ""
        return render_output_name(
            template,
            task_name=self["name"].value() or "task",
            run_id=(Run.objects.aggregate(last=Max("id"))["last"] or 0) + 1,
            started_at=timezone.now(),
            zone=ZoneInfo(settings.TIME_ZONE),
        )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise ValidationError(
                "A task's name is plain text on one line, e.g. Nightly batches. Remove the "
                "invisible characters."
            )
        return name

    def clean_output_file(self) -> str:
        name: str = self.cleaned_data["output_file"]
        try:
            check_output_name(name, self.cleaned_data.get("name") or "")
        except OutputNameError as error:
            raise ValidationError(str(error)) from error
        others = Task.objects.filter(archived_at=None).exclude(pk=self.instance.pk)
        for task_name, taken in others.values_list("name", "output_file"):
            if taken.casefold() == name.casefold():
                raise ValidationError(
                    f"{task_name} already exports to {taken}. Two tasks cannot share a file: "
                    "choose another name."
                )
        return name

    def clean_references_to_fetch(self) -> str:
        if self.cleaned_data["references_to_fetch"]:
            raise ValidationError(f"{batches.NO_REFERENCES}. Leave it empty.")
        return ""

    def clean_on_failure_task(self) -> Task | None:
        chosen: Task | None = self.cleaned_data["on_failure_task"]
        names, following = [str(self.before or "this task")], chosen
        while following is not None and len(names) < 100:
            names.append(following.name)
            if following.pk == self.instance.pk:
                raise ValidationError(
                    f"That would be a circle: {' → '.join(names)}. Choose a task that does not "
                    "lead back here, or none."
                )
            following = following.on_failure_task
        return chosen

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.rows.is_valid():
            self._check_length()
        return cleaned

    def _check_length(self) -> None:
        """Refuse a filter too long for a URL, with all that a run adds to it (F6)."""
        connection = self.cleaned_data.get("connection")
        page_size = self.cleaned_data.get("page_size")
        if connection is None or page_size is None:
            return
        try:
            client.check_url_length(connection.parsed_site(), self.rows.sent(), page_size)
        except SiteError as error:
            self.add_error("connection", str(error))
        except client.UrlTooLongError as error:
            self.rows.non_form_errors().append(str(error))

    def _rows(self, data: Any, action: str | None) -> BaseConditionRows:
        if action is not None:
            return rows_after(data, action)
        if data is not None:
            return posted_rows(data)
        return shown_rows(self.before.saved_conditions() if self.before else ())

    def _show_again(self, data: Any) -> None:
        for name, field in self.fields.items():
            self.initial[name] = field.widget.value_from_datadict(data, {}, name)

    def _offer_other_tasks(self) -> None:
        field = self.fields["on_failure_task"]
        others = Task.objects.filter(archived_at=None).exclude(pk=self.instance.pk)
        field.queryset = others.order_by("name")  # type: ignore[attr-defined]
        field.empty_label = "None"  # type: ignore[attr-defined]

    def _focus_first_error(self) -> None:
        for name in ORDER:
            if name == "conditions" and self.rows.focus_first_error():
                return
            if name in self.errors:
                self.fields[name].widget.attrs["autofocus"] = True
                return


def _first_values(task: Task | None) -> dict[str, Any]:
    if task is None:
        default = Connection.objects.filter(is_default=True).first()
        return {"connection": default.pk if default else None}
    return shown_values(task)


def _css_class(widget: forms.Widget) -> str:
    if isinstance(widget, forms.CheckboxInput):
        return "form-check-input"
    return "form-select" if isinstance(widget, forms.Select) else "form-control"
