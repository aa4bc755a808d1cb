"""What a browser sends for the task form, and the errors in the answer."""

from typing import Any

from django.urls import reverse

from exports.connectwise.filter.conditions import Condition
from exports.forms.conditions import PARTS
from exports.forms.dates import canonical
from exports.models import Connection, Task

CREATE = "/tasks/new/"
EARLIEST = "1970-01-01T00:00:00Z"


def new_task(connection: Connection, /, *rows: Condition, **typed: str) -> dict[str, str]:
    """The form of a new task, filled in; a blank in `typed` clears a field or a checkbox."""
    filled = {
        "name": "Nightly batches",
        "connection": str(connection.pk),
        "date_created": EARLIEST,
        "date_modified": EARLIEST,
        "export": "modified",
        "page_size": "100",
        "output_file": "batches-{run}.xml",
        "references_to_fetch": "",
        "references_to_fetch_page_size": "100",
        "enabled": "on",
        "can_resume_from_failure": "on",
        "break_on_failure": "on",
    }
    return {**filled, **row_data(*rows), **typed}


def row_data(*rows: Condition) -> dict[str, str]:
    data = {"conditions-TOTAL_FORMS": str(len(rows)), "conditions-INITIAL_FORMS": "0"}
    for number, row in enumerate(rows):
        data |= {f"conditions-{number}-{part}": getattr(row, part) for part in PARTS}
    return data


def edited(task: Task, /, *rows: Condition, **typed: str) -> dict[str, str]:
    """The form of a task as shown, with `typed` changed."""
    shown = {
        "name": task.name,
        "tags": task.tags,
        "export": task.export,
        "page_size": str(task.page_size),
        "output_file": task.output_file,
        "on_failure_task": str(task.on_failure_task_id or ""),
        "date_created": canonical(task.date_created),
        "date_created_shown": canonical(task.date_created),
        "date_modified": canonical(task.date_modified),
        "date_modified_shown": canonical(task.date_modified),
    }
    return {**new_task(task.connection, *(rows or task.saved_conditions())), **shown, **typed}


def errors(response: Any) -> dict[str, list[str]]:
    """Every error of the page, by its field."""
    form = response.context["form"]
    found = {name: list(messages) for name, messages in form.errors.items()}
    for row in form.rows.forms:
        found |= {row.add_prefix(name): list(what) for name, what in row.errors.items()}
    return found


def edit_url(task: Task) -> str:
    return reverse("task-edit", args=[task.pk])
