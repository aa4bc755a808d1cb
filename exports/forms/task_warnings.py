"""What a task's form takes although it may be a mistake, and says so."""

from django.utils.translation import gettext as _

from exports import clock
from exports.forms.conditions import BaseConditionRows
from exports.forms.dates import DATES, DatedForm
from exports.forms.utc_input import canonical
from exports.models import Task
from exports.models.sync_window import passes_over_late_matches
from exports.storage.file_names import is_overwritten_each_run


class TaskWarnings(DatedForm):
    rows: BaseConditionRows

    def warnings(self) -> list[str]:
        """What was saved although it may be a mistake."""
        found = [
            *self.rows.warnings(),
            *self.date_warnings().values(),
            self.overwriting_warning(),
            self.late_match_warning(),
        ]
        return [sentence for sentence in found if sentence]

    def date_warnings(self) -> dict[str, str]:
        """A sentence for each date that lies in the future."""
        sentence = _("%(date)s lies in the future: %(moment)s. Nothing is exported until then.")
        return {
            name: sentence
            % {"date": self.fields[name].label, "moment": canonical(self.cleaned_data[name])}
            for name in DATES
            if self.cleaned_data[name] > clock.now()
        }

    def late_match_warning(self) -> str:
        """What New never exports with these conditions (W12); or ""."""
        if self["export"].value() != Task.Export.NEW:
            return ""
        return passes_over_late_matches(self.rows.conditions())

    def overwriting_warning(self) -> str:
        """What Modified and New lose when every run overwrites the same file (O4); or ""."""
        name, export = self["output_file"].value() or "", self["export"].value()
        if not name or export == Task.Export.ALL or not is_overwritten_each_run(name):
            return ""
        if "{date}" in name:
            return _(
                "Runs of the same day replace each other's file, picked up or not. Put {run} or "
                "{time} into Output File to keep each one; the history keeps them all in any case."
            )
        return _(
            "Every run replaces the file of the one before, picked up or not. Put {run} or {time} "
            "into Output File to keep each one; the history keeps them all in any case."
        )
