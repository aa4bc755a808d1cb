"""Tells a session where its requests come from, and which of them a person made (rule A4).

An open page asks for changes every few seconds and loads its live parts anew. If that counted, a
login in a forgotten tab would never end.
"""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from exports.middleware.client_address import client_address

# In the address of a page that reloads itself where scripts are off.
RELOADED: Final = "reloaded"
_READING: Final = ("GET", "HEAD", "OPTIONS")


class PresenceMiddleware:
    """Stands right behind the sessions' own middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        session: Any = request.session
        session.address = client_address(request)
        session.browser = request.headers.get("User-Agent", "")
        if _is_made_by_person(request):
            session.be_seen()
        return self._get_response(request)


def _is_made_by_person(request: HttpRequest) -> bool:
    """Whether somebody clicked or typed: a page, a form, a button.

    What a page fetches of its own accord it only reads, and marks as its own.
    """
    if request.method not in _READING:
        return True
    return "HX-Request" not in request.headers and RELOADED not in request.GET
