"""The demo's six tasks."""

from typing import Any

from django.utils.translation import gettext as _

from exports.connectwise.filter.conditions import Condition
from exports.models import Connection, Task

ALL = "Demo batches"
NIGHTLY = "Nightly batches"
EXPENSES = "Expense batches"
PRODUCTS = "Product batches"
ARCHIVE = "Yearly archive"
SANDBOX = "Sandbox"

_FIELDS: dict[str, dict[str, Any]] = {
    ALL: {"export": Task.Export.ALL, "output_file": "batches.xml", "tags": "Auditor"},
    NIGHTLY: {"export": Task.Export.MODIFIED, "output_file": "nightly.xml", "tags": "Daily"},
    EXPENSES: {
        "export": Task.Export.MODIFIED,
        "output_file": "expenses-{date}.xml",
        "tags": "Daily, Month end",
    },
    PRODUCTS: {"export": Task.Export.NEW, "output_file": "products.xml", "tags": "Month end"},
    ARCHIVE: {
        "export": Task.Export.ALL,
        "output_file": "archive.xml",
        "page_size": 1000,
        "tags": "Auditor, Month end",
    },
    SANDBOX: {"export": Task.Export.ALL, "output_file": "sandbox.xml", "enabled": False},
}
_CONDITIONS = {
    EXPENSES: [Condition("exportExpensesFlag", "Equal", "True")],
    PRODUCTS: [Condition("exportProductsFlag", "Equal", "True")],
    ARCHIVE: [Condition("id", "LessThanOrEqual", "3000")],
}


def make_task(name: str, connection: Connection) -> Task:
    """The task of this name, made unless it is there."""
    task = Task.objects.filter(name=name).first()
    if task is None:
        task = Task.objects.create(name=name, connection=connection, **_FIELDS[name])
        task.replace_conditions(_CONDITIONS.get(name, []))
        task.record_typed_dates(None, None, _("Made by the demo"))
    return task


def make_tasks(connection: Connection) -> dict[str, Task]:
    return {name: make_task(name, connection) for name in _FIELDS}
