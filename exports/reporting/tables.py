"""The tables of runs and of the ledger, sortable and paged.

A column has its heading and its sort order. A whole row is one template: a template for each cell
would take longer than the rest of the page.
"""

from typing import TYPE_CHECKING, Any

import django_tables2 as tables
from django.core.paginator import Paginator
from django.utils.translation import gettext_lazy
from django_tables2.data import TableQuerysetData

from exports.models import LedgerEntry, Run, Task

# The generic exists for the type checker alone.
if TYPE_CHECKING:
    RowPaginator = Paginator[Any]
else:
    RowPaginator = Paginator

ROWS_A_PAGE = 25
# Counting more rows would take longer than the page itself.
MOST_COUNTED = 200_000

_RIGHT = {"th": {"class": "number"}}


class RunPages(RowPaginator):
    """Pages of a fixed size, whatever size the URL asks for."""

    def __init__(self, rows: Any, per_page: int, **kwargs: Any) -> None:
        super().__init__(rows, ROWS_A_PAGE, **kwargs)


class LeanRows(TableQuerysetData):  # type: ignore[misc]
    """One page of rows: first the ids, from an index alone, then those rows with `along`.

    Sorting or skipping whole rows would be many times slower in a long history.
    """

    along: str

    def __len__(self) -> int:
        if getattr(self, "_length", None) is None:
            counted = self.data.all()
            # Unordered, as an ordered count is slower.
            counted.query.clear_ordering(force=True)
            self._length: int = counted.count()
        return self._length

    def __getitem__(self, rows: slice) -> list[Any]:
        ids = self._ids(rows.start, min(rows.stop, len(self)))
        by_id = self.data.model.objects.select_related(self.along).in_bulk(ids)
        return [by_id[pk] for pk in ids if pk in by_id]

    def _ids(self, start: int, stop: int) -> list[int]:
        return list(self.data.values_list("pk", flat=True)[start:stop])


class RunRows(LeanRows):
    """Runs; the last page of a long history is as quick as the first."""

    along = "requested_by"

    def __len__(self) -> int:
        if getattr(self, "_length", None) is None:
            self._length = self.data.order_by()[: MOST_COUNTED + 1].count()
        return min(self._length, MOST_COUNTED)

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than were counted."""
        return len(self) < self._length

    def _ids(self, start: int, stop: int) -> list[int]:
        if start <= len(self) // 2 or self.is_cut:
            return super()._ids(start, stop)
        from_end = self.data.reverse().values_list("pk", flat=True)
        return list(from_end[len(self) - stop : len(self) - start])[::-1]


class LedgerRows(LeanRows):
    along = "run__requested_by"


class RunTable(tables.Table):  # type: ignore[misc]
    """Runs, one line each; needs `select_related("requested_by")`.

    `region` is the id of the element that sorting and paging replace; empty reloads the page.
    """

    region = ""
    row_template = "exports/run/_row.html"

    number = tables.Column(gettext_lazy("Run"), accessor="pk")
    status = tables.Column(gettext_lazy("Status"), order_by=("status", "-id"))
    task_name = tables.Column(gettext_lazy("Task"), order_by=("task_name", "-id"))
    started_at = tables.Column(gettext_lazy("Started"), order_by=("started_at", "id"))
    duration = tables.Column(gettext_lazy("Duration"), orderable=False, attrs=_RIGHT)
    batch_count = tables.Column(
        gettext_lazy("Batches"), order_by=("batch_count", "id"), attrs=_RIGHT
    )
    file_size = tables.Column(gettext_lazy("Size"), order_by=("file_size", "id"), attrs=_RIGHT)
    trigger = tables.Column(gettext_lazy("Trigger"), order_by=("trigger", "-id"))
    download = tables.Column(gettext_lazy("File"), orderable=False, empty_values=())

    class Meta:
        model = Run
        fields = ()
        sequence = (
            "number",
            "status",
            "task_name",
            "started_at",
            "duration",
            "batch_count",
            "file_size",
            "trigger",
            "download",
        )
        attrs = {"class": "grid-table run-rows"}
        empty_text = gettext_lazy("No runs yet.")


class LedgerTable(tables.Table):  # type: ignore[misc]
    """The ledger's entries, newest first; the batches of a search are preselected."""

    row_template = "exports/ledger/_row.html"

    choice = tables.Column(gettext_lazy("Choose"), empty_values=())
    batch_id = tables.Column(gettext_lazy("Batch"))
    last_updated = tables.Column(gettext_lazy("Last updated, as sent"))
    run = tables.Column(gettext_lazy("Run"))
    when = tables.Column(gettext_lazy("Went out"), accessor="run__finished_at")
    trigger = tables.Column(gettext_lazy("Trigger"), accessor="run__trigger")
    download = tables.Column(gettext_lazy("File"), empty_values=())

    class Meta:
        model = LedgerEntry
        fields = ()
        sequence = ("choice", "batch_id", "last_updated", "run", "when", "trigger", "download")
        attrs = {"class": "grid-table"}
        orderable = False
        empty_text = gettext_lazy("Nothing has gone out yet.")

    def __init__(self, entries: Any, *, task: Task, is_searched: bool) -> None:
        self.task, self.is_searched = task, is_searched
        can_run = task.enabled and not task.archived_at
        # No checkboxes when the batches cannot be exported again.
        super().__init__(LedgerRows(entries), exclude=() if can_run else ("choice",))
