"""Where the files of a task go: a row for each destination (rules D2, D5)."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy

from exports.models import Destination, Task, TaskDestination
from exports.models.audited import recording_changes
from exports.storage.file_names import OutputNameError, check_output_name


@dataclass(frozen=True)
class DestinationRow:
    """One destination on the form."""

    destination: Destination
    use: forms.BoundField
    name: forms.BoundField
    empty: forms.BoundField


class TaskDestinationsForm(forms.Form):
    """Which destinations a task has; a blank file name means its Output File."""

    def __init__(self, data: Any = None, *, task: Task) -> None:
        super().__init__(data)
        self._task = task
        self._destinations = list(Destination.objects.order_by("name"))
        used = {row.destination_id: row for row in task.task_destinations.all()}
        for destination in self._destinations:
            self._add(destination, used.get(destination.pk))

    def rows(self) -> Iterator[DestinationRow]:
        for destination in self._destinations:
            pk = destination.pk
            yield DestinationRow(
                destination, self[f"use-{pk}"], self[f"name-{pk}"], self[f"empty-{pk}"]
            )

    def save(self) -> None:
        wanted = [
            TaskDestination(
                task=self._task,
                destination=destination,
                name_template=self.cleaned_data[f"name-{destination.pk}"],
                sends_empty=self.cleaned_data[f"empty-{destination.pk}"],
            )
            for destination in self._destinations
            if self.cleaned_data[f"use-{destination.pk}"]
        ]
        with recording_changes(self._task):
            TaskDestination.replace_all(self._task, wanted)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for destination in self._destinations:
            field = f"name-{destination.pk}"
            if template := cleaned.get(field):
                cleaned[field] = unicodedata.normalize("NFC", template)
                self._check_name(field, template)
        return cleaned

    def _check_name(self, field: str, template: str) -> None:
        try:
            check_output_name(template, self._task.name)
        except OutputNameError as error:
            self.add_error(field, ValidationError(str(error)))

    def _add(self, destination: Destination, row: TaskDestination | None) -> None:
        pk = destination.pk
        box = {"class": "form-check-input"}
        self.fields[f"use-{pk}"] = forms.BooleanField(
            label=gettext_lazy("Deliver there"),
            required=False,
            initial=row is not None,
            widget=forms.CheckboxInput(attrs=box),
        )
        self.fields[f"name-{pk}"] = forms.CharField(
            label=gettext_lazy("File name"),
            required=False,
            strip=False,
            max_length=200,
            initial=row.name_template if row else "",
            widget=forms.TextInput(
                attrs={"class": "form-control", "placeholder": self._task.output_file}
            ),
        )
        self.fields[f"empty-{pk}"] = forms.BooleanField(
            label=gettext_lazy("Also the file of a run without batches"),
            required=False,
            initial=row.sends_empty if row else False,
            widget=forms.CheckboxInput(attrs=box),
        )
