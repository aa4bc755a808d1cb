"""Refuses requests that no browser sends, before anything reads them."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# The login page's address contains this one, quoted twice, and so becomes much longer.
_LONGEST_ADDRESS: Final = 4_000
_HTMX_PAGE: Final = "HTTP_HX_CURRENT_URL"


class RequestShapeMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if status := _fault(request):
            return render(request, "400.html", status=status)
        if not _is_address(request.META.get(_HTMX_PAGE, "")):
            del request.META[_HTMX_PAGE]
        return self._get_response(request)


def _fault(request: HttpRequest) -> HTTPStatus | None:
    if len(request.get_full_path()) > _LONGEST_ADDRESS:
        return HTTPStatus.REQUEST_URI_TOO_LONG
    return HTTPStatus.BAD_REQUEST if _holds_nul(request) else None


def _holds_nul(request: HttpRequest) -> bool:
    """Whether there is a NUL: PostgreSQL cannot store it, and no file name may hold it."""
    query = request.META.get("QUERY_STRING", "")
    headers = (str(value) for name, value in request.META.items() if name.startswith("HTTP_"))
    return "%00" in query or any("\0" in text for text in (request.path_info, query, *headers))


def _is_address(text: str) -> bool:
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True
