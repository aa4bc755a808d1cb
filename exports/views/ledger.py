"""The ledger, of one task or of all: which batch was exported, its version, run and file (W7)."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_tables2 import RequestConfig

from exports.access.rights import may
from exports.forms.ledger import LedgerSearchForm
from exports.models import AuditAction, Task, record_action
from exports.reporting import ledger_csv
from exports.reporting.downloads import as_attachment
from exports.reporting.ledger_answer import answer_of
from exports.reporting.ledger_search import LedgerSearch
from exports.reporting.ledger_table import LedgerTable
from exports.reporting.tables import RunPages


@require_safe
def search_ledger(request: HttpRequest) -> HttpResponse:
    """Of all tasks of this installation."""
    return render(request, "exports/ledger/ledger.html", _context(request, None))


@require_safe
def show_ledger(request: HttpRequest, pk: int) -> HttpResponse:
    context = _context(request, _task(pk))
    return render(request, "exports/ledger/ledger.html", context)


@require_safe
def export_ledger(request: HttpRequest, pk: int | None = None) -> HttpResponseBase:
    """What the page shows as CSV; an unreadable search redirects to the page with its error."""
    task = None if pk is None else _task(pk)
    form = LedgerSearchForm(request.GET)
    if not form.is_valid():
        return redirect(f"{_page_of(task)}?{request.GET.urlencode()}")
    search = LedgerSearch(form.terms, form.days, task)
    response = StreamingHttpResponse(
        ledger_csv.lines(search.entries if search.is_asked else search.all_entries),
        content_type="text/csv; charset=utf-8; header=present",
    )
    if request.method != "HEAD":
        asked = {"filter": [None, request.GET.urlencode()], "task": [None, task]}
        record_action(AuditAction.LEDGER_EXPORTED, task, asked)
    return as_attachment(response, f"ledger-{timezone.localdate():%Y-%m-%d}.csv")


def _context(request: HttpRequest, task: Task | None) -> dict[str, Any]:
    form = LedgerSearchForm(request.GET)
    search = LedgerSearch(form.terms, form.days, task)
    for name in form.errors:
        form.fields[name].widget.attrs["autofocus"] = True
    can_reexport = may(request.user, "task-ledger-reexport", "POST")
    table = LedgerTable(search, can_reexport=can_reexport)
    RequestConfig(request, paginate={"paginator_class": RunPages}).configure(table)
    asked = request.GET.copy()
    asked.pop("page", None)
    return {
        "task": task,
        "search_page": _page_of(task),
        "csv": reverse("task-ledger-csv", args=[task.pk]) if task else reverse("ledger-csv"),
        "query": f"?{asked.urlencode()}" if asked else "",
        "ledger_form": form,
        "is_searched": search.is_asked,
        "answer": answer_of(search),
        "table": table,
        "entry_count": table.paginator.count,
        "is_cut": search.is_cut,
        "zone": timezone.get_current_timezone_name(),
    }


def _page_of(task: Task | None) -> str:
    return reverse("task-ledger", args=[task.pk]) if task else reverse("ledger")


def _task(pk: int) -> Task:
    return get_object_or_404(Task.objects.select_related("connection"), pk=pk)
