"""The product's addresses, and those of pages that only an error shows."""

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.urls import path

from cwexport.urls import urlpatterns as product
from exports.access.rights import RIGHTS

RIGHTS["faults"] = RIGHTS["home"]


def misunderstand(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("For the page of a 400")


def refuse(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied("For the page of a 403")


def break_down(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("For the page of a 500")


urlpatterns = [
    path("faults/400/", misunderstand, name="faults"),
    path("faults/403/", refuse, name="faults"),
    path("faults/500/", break_down, name="faults"),
    *product,
]
