"""The tables of runs, sortable and paged, and of the ledger."""

from typing import TYPE_CHECKING, Any

import django_tables2 as tables
from django.core.paginator import Paginator

from exports.models import LedgerEntry, Run, Task

# The generic exists for the type checker alone.
if TYPE_CHECKING:
    RowPaginator = Paginator[Any]
else:
    RowPaginator = Paginator

ROWS_A_PAGE = 25

_RIGHT = {"th": {"class": "number"}, "td": {"class": "number"}}


class RunPages(RowPaginator):
    """Pages of one size: the table would let the URL ask for a million rows at once."""

    def __init__(self, rows: Any, per_page: int, **kwargs: Any) -> None:
        super().__init__(rows, ROWS_A_PAGE, **kwargs)


class RunTable(tables.Table):  # type: ignore[misc]
    """Runs, a line each; needs `requested_by` selected along."""

    number = tables.TemplateColumn(
        "{% load formatting %}"
        "<a href=\"{% url 'run-detail' record.pk %}\">Run {{ record.pk|plain }}</a>",
        verbose_name="Run",
        accessor="pk",
        attrs={"td": {"class": "run"}},
    )
    status = tables.TemplateColumn("{% load formatting %}{% run_status record %}")
    task_name = tables.TemplateColumn(
        template_name="exports/_run_task.html", verbose_name="Task", attrs={"td": {"class": "task"}}
    )
    started_at = tables.TemplateColumn(
        template_name="exports/_run_started.html", verbose_name="Started"
    )
    duration = tables.TemplateColumn(
        "{% load formatting %}{{ record.duration|duration }}", orderable=False, attrs=_RIGHT
    )
    batch_count = tables.TemplateColumn(
        "{% load formatting %}{{ record.batch_count|grouped }}",
        verbose_name="Batches",
        attrs=_RIGHT,
    )
    file_size = tables.TemplateColumn(
        "{% load formatting %}{{ record.file_size|byte_size }}", verbose_name="Size", attrs=_RIGHT
    )
    trigger = tables.TemplateColumn(template_name="exports/_run_trigger.html")
    download = tables.TemplateColumn(
        template_name="exports/_run_download.html",
        verbose_name="File",
        orderable=False,
        empty_values=(),
    )

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
        empty_text = "No runs yet."


class LedgerTable(tables.Table):  # type: ignore[misc]
    """What went out, newest first; a search has its batches chosen already."""

    choice = tables.TemplateColumn(
        template_name="exports/_ledger_choice.html", verbose_name="Choose", empty_values=()
    )
    batch_id = tables.TemplateColumn(
        "{% load formatting %}{{ record.batch_id|plain }}", verbose_name="Batch"
    )
    last_updated = tables.TemplateColumn(
        template_name="exports/_ledger_version.html", verbose_name="Last updated, as sent"
    )
    run = tables.TemplateColumn(template_name="exports/_ledger_run.html", verbose_name="Run")
    when = tables.TemplateColumn(
        "{% load formatting %}{{ record.run.finished_at|relative }}",
        verbose_name="Went out",
        accessor="run__finished_at",
    )
    trigger = tables.TemplateColumn(
        '{% include "exports/_run_trigger.html" with record=record.run %}',
        accessor="run__trigger",
    )
    download = tables.TemplateColumn(
        '{% include "exports/_run_download.html" with record=record.run %}',
        verbose_name="File",
        empty_values=(),
    )

    class Meta:
        model = LedgerEntry
        fields = ()
        sequence = ("choice", "batch_id", "last_updated", "run", "when", "trigger", "download")
        attrs = {"class": "grid-table"}
        orderable = False
        empty_text = "Nothing has gone out yet."

    def __init__(self, entries: Any, *, task: Task, is_searched: bool) -> None:
        self.task, self.is_searched = task, is_searched
        super().__init__(entries)
