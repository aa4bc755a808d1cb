"""The tables of runs, sortable and paged."""

from typing import TYPE_CHECKING, Any

import django_tables2 as tables
from django.core.paginator import Paginator

from exports.models import Run

# The generic exists for the type checker alone.
if TYPE_CHECKING:
    RowPaginator = Paginator[Any]
else:
    RowPaginator = Paginator

RUNS_A_PAGE = 25

_RIGHT = {"th": {"class": "number"}, "td": {"class": "number"}}


class RunPages(RowPaginator):
    """Pages of one size: the table would let the URL ask for a million rows at once."""

    def __init__(self, rows: Any, per_page: int, **kwargs: Any) -> None:
        super().__init__(rows, RUNS_A_PAGE, **kwargs)


class RunTable(tables.Table):  # type: ignore[misc]
    """Runs, a line each; needs `requested_by` selected along."""

    status = tables.TemplateColumn(template_name="exports/_run_status.html")
    task_name = tables.Column(verbose_name="Task", linkify=("task-detail", [tables.A("task_id")]))
    started_at = tables.TemplateColumn(
        "{% load formatting %}{{ record.started_at|relative }}", verbose_name="Started"
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
            "status",
            "task_name",
            "started_at",
            "duration",
            "batch_count",
            "file_size",
            "trigger",
            "download",
        )
        attrs = {"class": "grid-table"}
        empty_text = "No runs yet."
