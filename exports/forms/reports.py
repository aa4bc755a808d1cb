"""The fields of a task's or workflow's report (rule N5)."""

from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.forms.edit_conflicts import EditedRowForm
from exports.models import Channel
from exports.models.reports import Reported

REPORT_FIELDS: Final = ("report", "report_channel", "report_with_log", "report_with_file")
REPORT_HELP: Final = {
    "report": gettext_lazy(
        "A message of its own for each run. Without it, channels still tell of changes: the first "
        "failure, the first success after it."
    ),
    "report_channel": gettext_lazy("Channels are made under Connections."),
    "report_with_log": gettext_lazy("E-mail only: the log goes along as a file."),
    "report_with_file": gettext_lazy("E-mail only: the exported file goes along, up to 5 MB."),
}


class ReportForm(EditedRowForm):
    """A form with REPORT_FIELDS among its fields."""

    report = forms.ChoiceField(
        label=gettext_lazy("Report"),
        choices=Reported.Report.choices,
        required=False,
        initial=Reported.Report.NEVER,
        error_messages={"invalid_choice": gettext_lazy("Choose when to report.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["report_channel"]
        field.queryset = Channel.objects.order_by("name")
        field.empty_label = _("No channel")
        for name, sentence in REPORT_HELP.items():
            self.fields[name].help_text = sentence

    def typed(self, name: str) -> Any:
        value = super().typed(name)
        return (value or Reported.Report.NEVER) if name == "report" else value

    def clean_report(self) -> str:
        return self.cleaned_data["report"] or Reported.Report.NEVER

    def check_report(self) -> None:
        """A report needs to go somewhere; to be called by `clean`."""
        cleaned = self.cleaned_data
        is_wanted = cleaned.get("report", Reported.Report.NEVER) != Reported.Report.NEVER
        if is_wanted and cleaned.get("report_channel", self) is None:
            self.add_error("report_channel", _("Choose the channel that gets the report."))
