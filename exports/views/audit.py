"""The audit log: who did what, filtered, a page at a time, and as CSV (rule L2)."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from exports.models import AuditAction, AuditEntry, record_action
from exports.models.audit import AuditEntryQuerySet
from exports.outside_numbers import read_id
from exports.reporting import audit_csv
from exports.reporting.audit_filters import AuditFilter, older_than, people
from exports.reporting.audit_words import AuditLine
from exports.reporting.downloads import as_attachment
from exports.views.htmx_request import HtmxRequest

ROWS_A_PAGE = 50


@require_safe
def list_audit_entries(request: HtmxRequest) -> HttpResponse:
    found = _found(request)
    rows = _from_place(found.qs, request)
    entries = list(rows[: ROWS_A_PAGE + 1])
    has_older = len(entries) > ROWS_A_PAGE
    entries = entries[:ROWS_A_PAGE]
    context = {
        "filter": found,
        "chips": found.chips(),
        "people": people(),
        "lines": [AuditLine(entry) for entry in entries],
        "older": _page_before(found, entries[-1]) if has_older else "",
        "first_page": found.query("before") if "before" in request.GET else None,
        "csv_query": found.query("before"),
    }
    response = render(request, "exports/audit/audit_list.html", context)
    if request.htmx:
        # A submitted form includes its blank fields.
        response["HX-Push-Url"] = reverse("audit-list") + found.query("before")
    return response


@require_safe
def export_audit_entries(request: HttpRequest) -> HttpResponseBase:
    """The filtered log as CSV; an unreadable filter redirects to the page with its error."""
    found = _found(request)
    if not found.is_valid():
        return redirect(reverse("audit-list") + found.query())
    if request.method != "HEAD":
        record_action(AuditAction.AUDIT_EXPORTED, None, {"filter": [None, found.query()]})
    response = StreamingHttpResponse(
        audit_csv.lines(found.qs), content_type="text/csv; charset=utf-8; header=present"
    )
    return as_attachment(response, f"audit-log-{timezone.localdate():%Y-%m-%d}.csv")


def _found(request: HttpRequest) -> AuditFilter:
    return AuditFilter(request.GET, queryset=AuditEntry.objects.newest_first(), request=request)


def _from_place(rows: AuditEntryQuerySet, request: HttpRequest) -> AuditEntryQuerySet:
    before = read_id(request.GET.get("before", ""))
    last = AuditEntry.objects.filter(pk=before).first() if before else None
    return older_than(rows, last) if last else rows


def _page_before(found: AuditFilter, last: AuditEntry) -> str:
    kept = found.query("before")
    return f"{kept}{'&' if kept else '?'}before={last.pk}"
