"""The table of the ledger's entries, and which of them can be exported again."""

from typing import TYPE_CHECKING, Any

import django_tables2 as tables
from django.utils.translation import gettext_lazy

from exports.models import LedgerEntry
from exports.reporting.ledger_search import LedgerSearch
from exports.reporting.tables import RunRows

if TYPE_CHECKING:
    from exports.models import Task


class LedgerRows(RunRows):
    along = ("run__requested_by", "run__task__connection")

    def __getitem__(self, rows: slice) -> list[Any]:
        found = super().__getitem__(rows)
        for entry in found:
            entry.is_foreign = _is_foreign(entry)
            entry.is_choosable = _can_run(entry.run.task) and not entry.is_foreign
        return found


class LedgerTable(tables.Table):  # type: ignore[misc]
    """The newest first; the batches of a task that were searched for are preselected."""

    row_template = "exports/ledger/_row.html"

    choice = tables.Column(gettext_lazy("Choose"), empty_values=())
    batch_id = tables.Column(gettext_lazy("Batch"))
    task = tables.Column(gettext_lazy("Task"), accessor="run__task_name")
    run = tables.Column(gettext_lazy("Run"))
    when = tables.Column(gettext_lazy("Went out"), accessor="run__finished_at")
    last_updated = tables.Column(gettext_lazy("Last updated, as sent"))
    download = tables.Column(gettext_lazy("File"), empty_values=())

    class Meta:
        model = LedgerEntry
        fields = ()
        sequence = ("choice", "batch_id", "task", "run", "when", "last_updated", "download")
        attrs = {"class": "grid-table ledger-rows"}
        orderable = False
        empty_text = gettext_lazy("Nothing has gone out yet.")

    def __init__(self, search: LedgerSearch, *, can_reexport: bool) -> None:
        task = search.task
        self.is_of_all = task is None
        self.is_preselected = bool(search.terms) and task is not None
        excluded = [] if task is None else ["task"]
        if not can_reexport or (task and not _can_run(task)):
            # No checkboxes when the batches cannot be exported again.
            excluded.append("choice")
        super().__init__(LedgerRows(search.entries), exclude=excluded)

    @property
    def tasks(self) -> "list[Task]":
        """Those of which this page shows batches that can be exported again."""
        if "choice" in self.exclude:
            return []
        entries = [row.record for row in self.paginated_rows]
        tasks = {one.run.task_id: one.run.task for one in entries if one.is_choosable}
        return sorted(tasks.values(), key=lambda task: task.name)


def _is_foreign(entry: LedgerEntry) -> bool:
    """Of a company that the task exports no more: the same ids are other batches now."""
    run, reads = entry.run, entry.run.task.connection
    return (run.site, run.company) != (reads.site, reads.company)


def _can_run(task: "Task") -> bool:
    return bool(task.enabled and not task.archived_at)
