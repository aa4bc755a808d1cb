"""The task form: all settings of the specification, validated and saved together."""

import copy
import unicodedata
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Max, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports import clock
from exports.connectwise import batch_fields
from exports.connectwise.http import urls
from exports.connectwise.http.sites import SiteError
from exports.forms.conditions import BaseConditionRows, posted_rows, shown_rows
from exports.forms.dates import last_close_of, offer_last_close, shown_values
from exports.forms.redisplay import redisplay
from exports.forms.reports import REPORT_FIELDS, REPORT_HELP
from exports.forms.row_actions import rows_after
from exports.forms.task_conflicts import TaskConflicts
from exports.forms.task_copies import first_values_of_copy
from exports.forms.task_fields import (
    ERROR_MESSAGES,
    HoursField,
    PageSizeField,
    TagsField,
    TaskChoiceField,
)
from exports.forms.task_layout import HELP, ORDER, task_helper
from exports.forms.task_warnings import TaskWarnings
from exports.forms.widget_styles import css_class
from exports.models import Connection, Run, Task, TaskDestination
from exports.models.audited import recording_changes
from exports.models.name_keys import name_key
from exports.models.tasks import circle_from
from exports.reporting.task_choices import NameSelect
from exports.storage.file_names import (
    OutputNameError,
    check_output_name,
    output_name_error,
    render_output_name,
)


def circle_sentence(names: Iterable[str]) -> str:
    """Why these On Failure Tasks cannot start each other in a circle."""
    sentence = _(
        "That would be a circle: %(tasks)s. Choose a task that does not lead back here, or none."
    )
    return sentence % {"tasks": " → ".join(names)}


class TaskForm(TaskConflicts, TaskWarnings):
    """A task, its conditions and its dates.

    With `data` from a row button (`row_action`) it shows the typed text again, not validated. The
    caller must lock an existing task in its transaction before saving. `source` is the task that a
    new one is a copy of. With `is_for_preview` it accepts any name and file, as a preview creates
    neither a task nor a file.

    The form can be used without saving: once `is_valid()` is true, `instance` is the task as it
    would be saved (no pk when new) and `rows.conditions()` are its conditions.
    """

    # The rule for file names checks the length, with its own sentence (O1).
    output_file = forms.CharField(
        # Not stripped: a blank at either end gets an error sentence like any other bad character.
        strip=False,
        label=gettext_lazy("Output File"),
        error_messages={"required": gettext_lazy("The file needs a name, e.g. batches-{run}.xml.")},
    )
    page_size = PageSizeField(label=gettext_lazy("Page Size"))
    references_to_fetch = forms.CharField(label=gettext_lazy("References To Fetch"), required=False)
    references_to_fetch_page_size = PageSizeField(
        label=gettext_lazy("References To Fetch Page Size")
    )

    tags = TagsField(label=gettext_lazy("Tags"))
    success_within_hours = HoursField(label=gettext_lazy("Tell me without a success for (hours)"))

    class Meta:
        model = Task
        fields = (
            "name",
            "connection",
            "tags",
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
            "success_within_hours",
            *REPORT_FIELDS,
        )
        error_messages = ERROR_MESSAGES
        field_classes = {"on_failure_task": TaskChoiceField}
        widgets = {"connection": NameSelect}

    def __init__(
        self,
        *,
        instance: Task | None = None,
        data: Any = None,
        source: Task | None = None,
        is_for_preview: bool = False,
    ) -> None:
        self.before, self.source = copy.copy(instance), source
        self.is_for_preview = is_for_preview
        action = data.get("row_action") if data is not None else None
        super().__init__(
            data if action is None else None,
            instance=instance or Task(),
            initial=_first_values(instance, source) if data is None else None,
        )
        self.rows = self._rows(data, action)
        self.fields["connection"].empty_label = _("Choose a connection")  # type: ignore[attr-defined]
        self._offer_other_tasks()
        # A maxlength would silently cut pasted text.
        del self.fields["name"].widget.attrs["maxlength"]
        for name, field in self.fields.items():
            field.help_text = (HELP | REPORT_HELP).get(name, "")
            field.widget.attrs.setdefault("class", css_class(field.widget))
        if action is not None:
            redisplay(self, data)
        offer_last_close(self, last_close_of(self.before))
        self.helper = task_helper(is_new=instance is None)

    def full_clean(self) -> None:
        super().full_clean()
        if self.is_bound and self.is_for_preview:
            for name in ("name", "output_file"):
                self.errors.pop(name, None)

    def is_valid(self) -> bool:
        # Both are validated, so that the page shows all errors at once.
        rows_are_valid = self.rows.is_valid()
        valid = super().is_valid() and rows_are_valid and self.rows.is_valid()
        if not valid:
            self.rows.leave()
            self._focus_first_error()
        return valid

    def problems(self) -> list[tuple[str, str, str]]:
        """Every error in page order: the id of its input, its label, its sentence."""
        found = []
        for name in ORDER:
            if name == "conditions":
                found += self.rows.problems()
            for sentence in self.errors.get(name, ()):
                found.append((self[name].id_for_label, str(self[name].label), str(sentence)))
        return found

    def save_for(self, user: Any) -> Task:
        """Save settings, conditions and the history of typed dates together."""
        with recording_changes(self.instance, details=self.given_reason()):
            self.sign(user)
            task = self.save_typed(user)
            if self.before is None or task.saved_conditions() != self.rows.conditions():
                task.replace_conditions(self.rows.conditions())
            if self.before is None and self.source is not None:
                TaskDestination.copy_all(self.source, task)
        return task

    def example_name(self) -> str:
        """The file name of a run that started now; "" for an invalid name."""
        template = self["output_file"].value() or ""
        if self.output_name_error():
            return ""
        return render_output_name(
            template,
            task_name=self["name"].value() or "task",
            run_id=(Run.objects.aggregate(last=Max("id"))["last"] or 0) + 1,
            started_at=clock.now(),
            zone=ZoneInfo(settings.TIME_ZONE),
        )

    def output_name_error(self) -> str:
        """Why the typed name cannot be used; "" when it can or none is typed."""
        template, task_name = self["output_file"].value() or "", str(self["name"].value() or "")
        return output_name_error(template, task_name) if template else ""

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise ValidationError(
                _(
                    "A task's name is plain text on one line, e.g. Nightly batches. Remove the "
                    "invisible characters."
                )
            )
        return name

    def clean_output_file(self) -> str:
        name: str = self.cleaned_data["output_file"]
        try:
            check_output_name(name, self.cleaned_data.get("name") or "")
        except OutputNameError as error:
            raise ValidationError(str(error)) from error
        others = Task.objects.filter(archived_at=None).exclude(pk=self.instance.pk)
        same = others.filter(output_file_key=name_key(name)).values_list("name", "output_file")
        if taken := same.first():
            sentence = _(
                "%(task)s already exports to %(file)s. Two tasks cannot share a file: choose "
                "another name."
            )
            raise ValidationError(sentence % {"task": taken[0], "file": taken[1]})
        return unicodedata.normalize("NFC", name)

    def clean_references_to_fetch(self) -> str:
        if self.cleaned_data["references_to_fetch"]:
            why = _(batch_fields.NO_REFERENCES)
            raise ValidationError(_("%(why)s. Leave it empty.") % {"why": why})
        return ""

    def clean_on_failure_task(self) -> Task | None:
        chosen: Task | None = self.cleaned_data["on_failure_task"]
        if chosen is None or self.instance.pk is None:
            return chosen
        tasks = Task.objects.values_list("pk", "name", "on_failure_task_id")
        names = {pk: name for pk, name, _following in tasks}
        following = {pk: after for pk, _name, after in tasks} | {self.instance.pk: chosen.pk}
        if way := circle_from(self.instance.pk, following):
            raise ValidationError(circle_sentence(names[pk] for pk in way))
        return chosen

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.check_report()
        if self.rows.is_valid():
            self._check_length()
        return cleaned

    def _check_length(self) -> None:
        """Refuse a filter that is too long for a URL, including what a run adds to it (F6)."""
        connection = self.cleaned_data.get("connection")
        page_size = self.cleaned_data.get("page_size")
        if connection is None or page_size is None:
            return
        try:
            urls.check_url_length(connection.parsed_site(), self.rows.sent(), page_size)
        except SiteError as error:
            self.add_error("connection", str(error))
        except urls.UrlTooLongError as error:
            self.rows.non_form_errors().append(str(error))

    def _rows(self, data: Any, action: str | None) -> BaseConditionRows:
        if action is not None:
            return rows_after(data, action)
        if data is not None:
            return posted_rows(data)
        shown = self.before or self.source
        return shown_rows(shown.saved_conditions() if shown else ())

    def _offer_other_tasks(self) -> None:
        field = self.fields["on_failure_task"]
        # The current choice stays even when archived: saving another field must not drop it.
        shown = self.before or self.source
        offered = Q(archived_at=None) | Q(pk=shown.on_failure_task_id if shown else None)
        others = Task.objects.filter(offered).exclude(pk=self.instance.pk)
        field.queryset = others.order_by("name")  # type: ignore[attr-defined]
        field.empty_label = _("None")  # type: ignore[attr-defined]

    def _focus_first_error(self) -> None:
        for name in ORDER:
            if name == "conditions" and self.rows.focus_first_error():
                return
            if name in self.errors:
                self.fields[name].widget.attrs["autofocus"] = True
                return


def _first_values(task: Task | None, source: Task | None) -> dict[str, Any]:
    if source is not None:
        return first_values_of_copy(source)
    if task is None:
        default = Connection.objects.filter(is_default=True).first()
        return {"connection": default.pk if default else None}
    return shown_values(task)
