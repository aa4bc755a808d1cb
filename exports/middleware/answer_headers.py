"""Keeps pages out of the browser's cache, so that *Back* after a logout asks the server again."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class NoStoreMiddleware:
    """Covers pages, fragments, downloads and errors; static files are served before it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        response["Cache-Control"] = "no-store, private"
        response.headers.pop("Expires", None)
        return response
