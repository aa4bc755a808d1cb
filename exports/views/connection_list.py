"""The list of connections: searched, filtered, sorted and paged by its address (rule C1)."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from exports.models import Connection, Task
from exports.reporting.connection_filters import ConnectionFilter
from exports.reporting.tables import TALL_ROWS_A_PAGE
from exports.views.htmx_request import HtmxRequest
from exports.views.list_address import with_address

# Of the tasks that use a connection, in its row.
_SHOWN_TASKS = 3


@require_GET
def list_connections(request: HtmxRequest) -> HttpResponse:
    found = ConnectionFilter(
        request.GET, queryset=Connection.objects.order_by("name"), request=request
    )
    page = Paginator(_with_tasks(found.qs), TALL_ROWS_A_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "filter": found,
        "chips": found.chips(),
        "page": page,
        "connections": list(page),
        "connection_count": page.paginator.count,
        "page_query": found.query("page"),
    }
    response = render(request, "exports/connections/connection_list.html", context)
    return with_address(request, response, found, "connection-list")


def _with_tasks(connections: QuerySet[Connection]) -> QuerySet[Any]:
    """With `first_tasks` and `task_count`, which are asked for the shown rows alone."""
    used = Task.objects.filter(archived_at=None)
    own = used.filter(connection=OuterRef("pk")).order_by().values("connection")
    first = used.order_by("name").only("name", "connection")[:_SHOWN_TASKS]
    return connections.annotate(
        task_count=Subquery(own.annotate(number=Count("pk")).values("number"))
    ).prefetch_related(Prefetch("tasks", first, to_attr="first_tasks"))
