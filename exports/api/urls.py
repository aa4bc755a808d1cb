"""The addresses below /api/: those of the API, its description, and a problem for all others."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from exports.api.application import api
from exports.api.openapi import description
from exports.api.problems import ProblemCode, ProblemError
from exports.api.reference import show_reference
from exports.api.tokens import NAMESPACE


@csrf_exempt
@require_safe
def show_description(request: HttpRequest) -> HttpResponse:
    """What every installation of this version says of itself; nothing of its data."""
    return JsonResponse(description(request.path.removesuffix("openapi.json").lstrip("/")))


@csrf_exempt
def show_unknown(request: HttpRequest, path: str = "") -> HttpResponse:
    detail = _("There is nothing at this address. Addresses of the API end without a slash.")
    return ProblemError(ProblemCode.NOT_FOUND, detail).response()


_patterns: list[Any] = list(api.urls[0])
_operations = [pattern for pattern in _patterns if pattern.name != "api-root"]
_v1 = (
    [
        *_operations,
        path("openapi.json", show_description, name="openapi"),
        path("docs", show_reference, name="docs"),
        path("", show_unknown, name="unknown"),
        path("<path:path>", show_unknown, name="unknown"),
    ],
    NAMESPACE,
)
urlpatterns = [
    path("api/v1/", include(_v1)),
    path("api", show_unknown, name="api-unknown"),
    path("api/", show_unknown, name="api-unknown"),
    path("api/<path:path>", show_unknown, name="api-unknown"),
]
