"""The history: all runs, filtered, sorted and paged by the URL, as a page and as CSV."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails
from django_tables2 import RequestConfig

from exports.charts import of_runs
from exports.models import Run
from exports.reporting import run_csv
from exports.reporting.filters import RunFilter
from exports.reporting.tables import RunPages, RunRows, RunTable
from exports.views.downloads import as_attachment

# The part of the page that is replaced when a filter changes.
REGION = "history"


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails


@require_safe
def list_runs(request: HtmxRequest) -> HttpResponse:
    found = _found(request)
    table = RunTable(RunRows(found.qs))
    table.region = "history-rows"
    RequestConfig(request, paginate={"paginator_class": RunPages}).configure(table)
    chips = found.chips()
    context = {
        "filter": found,
        "chips": chips,
        "table": table,
        "run_count": table.paginator.count,
        "is_cut": table.data.is_cut,
        "csv_query": found.query("page", "sort"),
        "sort": request.GET.get("sort", ""),
        "run_chart": of_runs.runs_of(found.qs),
        "day_chart": of_runs.days_of(found.qs),
    }
    response = render(request, "exports/history/history.html", context)
    if request.htmx:
        # A submitted form includes its blank fields.
        response["HX-Push-Url"] = reverse("run-list") + found.query()
    return response


@require_safe
def export_runs(request: HttpRequest) -> HttpResponseBase:
    """The filtered list as CSV; an unreadable filter redirects to the page with its error."""
    found = _found(request)
    if not found.is_valid():
        return redirect(reverse("run-list") + found.query())
    response = StreamingHttpResponse(
        run_csv.lines(found.qs), content_type="text/csv; charset=utf-8; header=present"
    )
    return as_attachment(response, f"runs-{timezone.localdate():%Y-%m-%d}.csv")


def _found(request: HttpRequest) -> RunFilter:
    return RunFilter(request.GET, queryset=Run.objects.newest_first(), request=request)
