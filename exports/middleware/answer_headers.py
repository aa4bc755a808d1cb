"""Nothing that was shown stays in a browser: after a log-out, *Back* asks the server again."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class NoStoreMiddleware:
    """For pages, fragments, downloads and errors; static files do not come this far."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        response["Cache-Control"] = "no-store, private"
        response.headers.pop("Expires", None)
        return response
