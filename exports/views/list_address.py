"""The address of a filtered list, as the browser shows and stores it."""

from django.http import HttpResponse
from django.urls import reverse

from exports.reporting.list_filters import ListFilter
from exports.views.htmx_request import HtmxRequest


def with_address(
    request: HtmxRequest, response: HttpResponse, found: ListFilter, url_name: str
) -> HttpResponse:
    """A submitted form includes its blank fields: the address leaves them out."""
    if request.htmx.trigger == "filters":
        response["HX-Push-Url"] = reverse(url_name) + found.query()
    return response
