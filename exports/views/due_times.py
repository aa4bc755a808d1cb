"""The history of due times, and the calendar of those to come."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_tables2 import RequestConfig

from exports import clock
from exports.models import DueTime
from exports.reporting.due_time_filters import DueTimeFilter
from exports.reporting.schedules import MAX_SCHEDULES, days_ahead, soonest_first
from exports.reporting.tables import DueTimeRows, DueTimeTable, RunPages
from exports.views.htmx_request import HtmxRequest


@require_safe
def list_due_times(request: HtmxRequest) -> HttpResponse:
    found = DueTimeFilter(request.GET, queryset=DueTime.objects.newest_first(), request=request)
    table = DueTimeTable(DueTimeRows(found.qs))
    table.region = "due-time-rows"
    RequestConfig(request, paginate={"paginator_class": RunPages}).configure(table)
    context = {
        "filter": found,
        "chips": found.chips(),
        "table": table,
        "due_time_count": table.paginator.count,
        "is_cut": table.data.is_cut,
    }
    response = render(request, "exports/due_times/due_time_list.html", context)
    if request.htmx:
        # A submitted form includes its blank fields.
        response["HX-Push-Url"] = reverse("due-time-list") + found.query()
    return response


@require_safe
def show_calendar(request: HttpRequest) -> HttpResponse:
    days = days_ahead(clock.now(), timezone.get_current_timezone())
    context = {
        "days": days,
        "has_entries": any(day.entries for day in days),
        "most_schedules": MAX_SCHEDULES,
        "is_cut": len(soonest_first().filter(next_due_at__isnull=False)[MAX_SCHEDULES:][:1]) > 0,
    }
    return render(request, "exports/schedules/calendar.html", context)
