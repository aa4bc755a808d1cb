"""Views for buttons that have no page of their own: they act on POST and redirect."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, get_script_prefix, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

_View = TypeVar("_View", bound=Callable[..., Any])
_MARK = "is_for_a_button"


def button(view: _View) -> _View:
    """Mark a view as a button: it only takes POST and has no page of its own."""
    wrapped = require_POST(view)
    setattr(wrapped, _MARK, True)
    return wrapped


def page_with_button(request: HttpRequest) -> str:
    """The page that sent the request; Home if that is unknown."""
    referer = request.headers.get("Referer", "")
    host, is_secure = request.get_host(), request.is_secure()
    if not url_has_allowed_host_and_scheme(referer, {host}, require_https=is_secure):
        return reverse("home")
    parts, above = urlsplit(referer), get_script_prefix()
    if not parts.path.startswith(above):
        return reverse("home")
    address = _address(f"/{parts.path.removeprefix(above)}")
    return f"{address}?{parts.query}" if parts.query and address == parts.path else address


def _address(path: str) -> str:
    """The public address of the page at `path`, or of the nearest page above it."""
    return f"{get_script_prefix().rstrip('/')}{_page(path)}"


def _page(path: str) -> str:
    """`path` if it is a page, else the nearest page above it: `/tasks/7/` for `/tasks/7/run/`."""
    while path != "/":
        try:
            if not hasattr(resolve(path).func, _MARK):
                return path
        except Resolver404:
            pass
        path = _above(path)
    return path


def _above(path: str) -> str:
    return path.rstrip("/").rpartition("/")[0] + "/"


class MethodMiddleware:
    """Explains, instead of an empty page, that a button's address cannot be opened by hand."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        is_bare = response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and not response.content
        if not is_bare or request.method != "GET":
            return response
        context = {"page": _address(_above(request.path_info))}
        page = render(request, "405.html", context, status=response.status_code)
        page["Allow"] = response["Allow"]
        return page
