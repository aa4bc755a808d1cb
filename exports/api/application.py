"""The API as one application of django-ninja: its parts, and how each error is answered."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from exports.api.bodies import StrictParser
from exports.api.problems import ProblemCode, ProblemError
from exports.api.resources import (
    deliveries,
    ledger,
    places,
    runs,
    schedules,
    tasks,
    workflows,
)
from exports.api.tokens import NAMESPACE
from exports.product import product_version

_OWN_WORDS = "Value error, "

# Tokens are checked by TokenMiddleware, against the same table of rights as every page.
api = NinjaAPI(
    title="cwexport",
    version=product_version(),
    description="Run exports of accounting batches, follow them and fetch their files.",
    urls_namespace=NAMESPACE,
    docs_url=None,
    openapi_url=None,
    parser=StrictParser(),
)
api.add_router("/tasks", tasks.router)
api.add_router("/tasks", ledger.router)
api.add_router("/runs", runs.router)
api.add_router("/runs", deliveries.of_runs_router)
api.add_router("/workflows", workflows.router)
api.add_router("/workflow-runs", workflows.runs_router)
api.add_router("/schedules", schedules.router)
api.add_router("/due-times", schedules.due_times_router)
api.add_router("/deliveries", deliveries.router)
api.add_router("", places.router)


@api.exception_handler(ProblemError)
def answer_problem(request: HttpRequest, error: ProblemError) -> HttpResponse:
    return error.response()


@api.exception_handler(Http404)
def answer_not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return ProblemError(ProblemCode.NOT_FOUND, str(error)).response()


@api.exception_handler(HttpError)
def answer_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """What ninja raises; it wraps what the parser of bodies raises."""
    cause = error.__cause__
    if isinstance(cause, ProblemError):
        return cause.response()
    return ProblemError(ProblemCode.of_status(error.status_code)).response()


@api.exception_handler(ValidationError)
def answer_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [_field_error(one) for one in error.errors]
    first = errors[0]
    detail = f"{first['field']}: {first['message']}" if first["field"] else first["message"]
    return ProblemError(ProblemCode.INVALID, detail, errors=errors).response()


@api.exception_handler(Exception)
def raise_on(request: HttpRequest, error: Exception) -> HttpResponse:
    """A bug: logged like any other, and answered by the middleware."""
    raise error


def _field_error(error: dict[str, Any]) -> dict[str, str]:
    place, *names = (str(part) for part in error["loc"])
    if place == "body":
        # The name of the parameter in the code.
        names = names[1:]
    return {
        "in": place,
        "field": ".".join(names)[:100],
        "message": str(error["msg"]).removeprefix(_OWN_WORDS),
    }
