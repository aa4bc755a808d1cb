"""The tables of runs and of due times, sortable and paged.

A column has its heading and its sort order. A whole row is one template: a template for each cell
would take longer than the rest of the page.
"""

from typing import TYPE_CHECKING, Any

import django_tables2 as tables
from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy
from django_tables2.data import TableQuerysetData

from exports.models import DueTime, Run

# The generic exists for the type checker alone.
if TYPE_CHECKING:
    RowPaginator = Paginator[Any]
else:
    RowPaginator = Paginator

ROWS_A_PAGE = 25
# A row of a task or a connection has several lines, and whoever looks for one of many searches.
TALL_ROWS_A_PAGE = 10
# Counting more rows would take longer than the page itself.
MAX_COUNTED = 200_000

_RIGHT = {"th": {"class": "number"}}


class RunPages(RowPaginator):
    """Pages of a fixed size, whatever size the URL asks for."""

    def __init__(self, rows: Any, per_page: int, **kwargs: Any) -> None:
        super().__init__(rows, ROWS_A_PAGE, **kwargs)


class LeanRows(TableQuerysetData):  # type: ignore[misc]
    """One page of rows: first the ids, from an index alone, then those rows with `along`.

    Sorting or skipping whole rows would be many times slower in a long history.
    """

    along: tuple[str, ...]

    def __len__(self) -> int:
        if getattr(self, "_length", None) is None:
            counted = self.data.all()
            # Unordered, as an ordered count is slower.
            counted.query.clear_ordering(force=True)
            self._length: int = counted.count()
        return self._length

    def __getitem__(self, rows: slice) -> list[Any]:
        ids = self._ids(rows.start, min(rows.stop, len(self)))
        by_id = self.data.model.objects.select_related(*self.along).in_bulk(ids)
        return [by_id[pk] for pk in ids if pk in by_id]

    def _ids(self, start: int, stop: int) -> list[int]:
        return list(self.data.values_list("pk", flat=True)[start:stop])


class RunRows(LeanRows):
    """Runs; the last page of a long history is as quick as the first."""

    along: tuple[str, ...] = ("requested_by",)
    most = MAX_COUNTED

    def __len__(self) -> int:
        if getattr(self, "_length", None) is None:
            self._length = self.data.order_by()[: self.most + 1].count()
        return min(self._length, self.most)

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than were counted."""
        return len(self) < self._length

    def _ids(self, start: int, stop: int) -> list[int]:
        if start <= len(self) // 2 or self.is_cut:
            return super()._ids(start, stop)
        from_end = self.data.reverse().values_list("pk", flat=True)
        return list(from_end[len(self) - stop : len(self) - start])[::-1]


class SearchedRunRows(RunRows):
    """Runs found by words, which stand in no index: the newest of them are enough to look at."""

    most = 1_000


class DueTimeRows(RunRows):
    """Due times; there are as many as runs and more."""

    along = ("schedule__task", "schedule__workflow", "run", "workflow_run")


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
    duration = tables.Column(gettext_lazy("Duration"), attrs=_RIGHT)
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

    def order_duration(self, runs: QuerySet[Run], is_descending: bool) -> tuple[Any, bool]:
        """Runs that are not over come last, whichever way."""
        took = F("finished_at") - F("started_at")
        order = took.desc(nulls_last=True) if is_descending else took.asc(nulls_last=True)
        return runs.order_by(order, "id"), True


class DueTimeTable(tables.Table):  # type: ignore[misc]
    """Due times, newest first; `region` as in RunTable."""

    region = ""
    row_template = "exports/due_times/_row.html"

    due_at = tables.Column(gettext_lazy("Due"))
    target = tables.Column(gettext_lazy("What runs"), empty_values=())
    state = tables.Column(gettext_lazy("What became of it"))
    run = tables.Column(gettext_lazy("Run"), empty_values=())
    reason = tables.Column(gettext_lazy("Reason"))

    class Meta:
        model = DueTime
        fields = ()
        sequence = ("due_at", "target", "state", "run", "reason")
        attrs = {"class": "grid-table"}
        orderable = False
        empty_text = gettext_lazy("It has not been due yet.")
