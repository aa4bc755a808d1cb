"""Lets monitors ask by address: a probe inside a container or a scraper knows no public name."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics"})


class MonitorHostMiddleware:
    """There any host may be named: these answers hold no link that it could lead astray."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in PATHS:
            setattr(request, "get_host", lambda: "localhost")  # noqa: B010 - a method of its class
        return self._get_response(request)
