"""The history: all runs, filtered, sorted and paged by the URL, as a page and as CSV."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django_tables2 import RequestConfig

from exports.charts import of_runs
from exports.models import AuditAction, Run, record_action
from exports.models.runs import RunQuerySet
from exports.reporting import run_csv
from exports.reporting.downloads import as_attachment
from exports.reporting.run_archive import MAX_FILES, zipped
from exports.reporting.run_filters import RunFilter
from exports.reporting.tables import RunPages, RunRows, RunTable, SearchedRunRows
from exports.views.htmx_request import HtmxRequest
from exports.views.list_address import with_address

# The part of the page that is replaced when a filter changes.
REGION = "history"


@require_safe
def list_runs(request: HtmxRequest) -> HttpResponse:
    found = _found(request)
    rows = SearchedRunRows if found.has_words else RunRows
    table = RunTable(rows(found.qs))
    table.region = "history-rows"
    RequestConfig(request, paginate={"paginator_class": RunPages}).configure(table)
    chips = found.chips()
    # Asked of a few runs alone, as of many it would take longer than the page.
    files = Run.objects.none() if table.data.is_cut else _with_file(found)
    context = {
        "filter": found,
        "chips": chips,
        "table": table,
        "run_count": table.paginator.count,
        "is_cut": table.data.is_cut,
        "csv_query": found.query("page", "sort"),
        "file_count": files.order_by()[: MAX_FILES + 1].count(),
        "most_files": MAX_FILES,
        "sort": request.GET.get("sort", ""),
        "run_chart": of_runs.runs_of(found.qs),
        "day_chart": of_runs.days_of(found.qs),
    }
    response = render(request, "exports/history/history.html", context)
    return with_address(request, response, found, "run-list")


@require_safe
def export_runs(request: HttpRequest) -> HttpResponseBase:
    """The filtered list as CSV; an unreadable filter redirects to the page with its error."""
    found = _found(request)
    if not found.is_valid():
        return redirect(reverse("run-list") + found.query())
    if request.method != "HEAD":
        record_action(AuditAction.HISTORY_EXPORTED, None, {"filter": [None, found.query()]})
    response = StreamingHttpResponse(
        run_csv.lines(found.qs), content_type="text/csv; charset=utf-8; header=present"
    )
    return as_attachment(response, f"runs-{timezone.localdate():%Y-%m-%d}.csv")


@require_safe
def download_files(request: HttpRequest) -> HttpResponseBase:
    """The files of the filtered runs as one ZIP, with their hashes."""
    found = _found(request)
    if not found.is_valid():
        return redirect(reverse("run-list") + found.query())
    runs = list(_with_file(found)[: MAX_FILES + 1])
    if not runs or len(runs) > MAX_FILES:
        sentence = _("Choose runs with 1 to %(most)s files: filter by task or by day.")
        messages.error(request, sentence % {"most": MAX_FILES})
        return redirect(reverse("run-list") + found.query())
    if request.method != "HEAD":
        for run in runs:
            changes = {"sha256": [None, run.file_sha256]}
            record_action(AuditAction.FILE_DOWNLOADED, run, changes)
    response = StreamingHttpResponse(zipped(runs), content_type="application/zip")
    return as_attachment(response, f"runs-{timezone.localdate():%Y-%m-%d}.zip")


def _with_file(found: RunFilter) -> RunQuerySet:
    runs: RunQuerySet = found.qs.exclude(file_path="").filter(pruned_at=None)
    return runs


def _found(request: HttpRequest) -> RunFilter:
    return RunFilter(request.GET, queryset=Run.objects.newest_first(), request=request)
