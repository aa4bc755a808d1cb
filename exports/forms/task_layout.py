"""The layout of the task form: labels and choices as in the specification, and their order."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Fieldset, Layout
from django.utils.translation import gettext_lazy as _

from exports.forms.reports import REPORT_FIELDS

HELP = {
    "name": _("What this export is called on every page and on the command line."),
    "connection": _("The ConnectWise REST Interface connection to use."),
    "date_created": _(
        "With New, only batches created after this date are exported. It moves by itself each "
        "time a run succeeds. In UTC."
    ),
    "date_modified": _(
        "With Modified, only batches updated after this date are exported. It moves by itself "
        "each time a run succeeds. In UTC."
    ),
    "date_reason": _("Optional. It is kept with the change, for whoever asks later."),
    "export": _(
        "Modified: records updated after Date Modified. New: records created after Date Created. "
        "All: every record, whenever it was created or updated."
    ),
    "tags": _(
        "Names to find the task by, with commas between them, e.g. Month end, Payroll. Home and "
        "the history can be filtered by each."
    ),
    "page_size": _(
        "How many records each request asks for, 1 to 1000. More records per page mean fewer "
        "requests."
    ),
    "output_file": _(
        "The name of the file, ending in .xml, without folders. {date}, {time}, {task} and {run} "
        "are filled in for each run."
    ),
    "references_to_fetch": _(
        "This task does not return any references that can be fetched. Leave it empty."
    ),
    "references_to_fetch_page_size": _(
        "How many referenced records would be fetched per page, 1 to 1000. Without references it "
        "has no effect."
    ),
    "include_extra_fields": _(
        "Write everything else ConnectWise returned, closedFlag first, after the fields of the "
        "standard file."
    ),
    "enabled": _("A task that is not enabled cannot be run."),
    "can_resume_from_failure": _(
        "When the worker dies, go on from the last page written instead of failing the run."
    ),
    "on_failure_task": _("A task to run once when a run of this one has failed."),
    "break_on_failure": _(
        "Stop the workflow this task belongs to when it fails. Has no effect outside of workflows."
    ),
    "success_within_hours": _(
        "After this many hours without a success those who asked to be told are told, whether the "
        "task has a schedule or not. Blank: never."
    ),
}

# In the order of the page, so that the first error is the topmost one.
ORDER = (
    "name",
    "connection",
    "tags",
    "conditions",
    "date_created",
    "date_modified",
    "date_reason",
    "export",
    "page_size",
    "output_file",
    "references_to_fetch",
    "references_to_fetch_page_size",
    "include_extra_fields",
    "enabled",
    "can_resume_from_failure",
    "on_failure_task",
    "break_on_failure",
    "success_within_hours",
    *REPORT_FIELDS,
)


def task_helper(*, is_new: bool) -> FormHelper:
    """The helper that lays out the task form; the page supplies `rows` and `task`.

    The form is `#task-form`: a button anywhere on the page can send it, unsaved, to another address
    with `form="task-form" formaction="…"`.
    """
    helper = FormHelper()
    # The browser's own error bubbles would hide our sentences.
    helper.attrs = {"novalidate": True, "autocomplete": "off"}
    helper.form_id = helper.form_class = "task-form"
    helper.field_template = "exports/forms/_field.html"
    reason = [] if is_new else ["date_reason"]
    helper.layout = Layout(
        # Enter in a text field presses the first button of the form: this one, not a row button.
        _include("task_form/_first_button"),
        "opened_with",
        "date_created_shown",
        "date_modified_shown",
        Div("name", "connection", "tags", css_class="panel field-grid"),
        _include("conditions/_conditions"),
        _section(
            _("Export Settings"),
            *("date_created", "date_modified", *reason),
            "export",
            _include("task/_next_fetch"),
            "page_size",
        ),
        _section(
            _("Output"),
            Div("output_file", _include("task_form/_output_name")),
            "references_to_fetch",
            "references_to_fetch_page_size",
            "include_extra_fields",
        ),
        _section(
            _("Common Task Settings"),
            _include("task/_identity"),
            *("enabled", "can_resume_from_failure", "on_failure_task", "break_on_failure"),
            "success_within_hours",
        ),
        _section(_("Report"), *REPORT_FIELDS),
        Div(_include("task_form/_buttons"), css_class="save-bar"),
    )
    return helper


def dates_helper() -> FormHelper:
    """The helper of the dates alone; the page supplies the form tag and the button."""
    helper = FormHelper()
    helper.form_tag = False
    helper.field_template = "exports/forms/_field.html"
    helper.layout = Layout(
        "date_created_shown",
        "date_modified_shown",
        Div("date_created", "date_modified", "date_reason", css_class="field-grid"),
    )
    return helper


def _section(legend: Any, *contents: Any) -> Fieldset:
    return Fieldset(legend, *contents, css_class="panel field-grid")


def _include(name: str) -> HTML:
    return HTML(f'{{% include "exports/{name}.html" %}}')
