"""The description of the API: what the operations declare, with rights and problems added."""

from functools import cache
from http import HTTPStatus
from typing import Any, Final

from ninja.openapi import get_schema

from exports.access.rights import right_of
from exports.access.roles import Role
from exports.api.problems import MEDIA_TYPE, ProblemCode
from exports.api.tokens import NAMESPACE, SCOPE_OF_ROLE

_BEARER: Final = "token"
# What an operation that answers with a run's file declares.
FILE_ANSWERS: Final[dict[str, Any]] = {
    "responses": {
        200: {
            "description": "The file.",
            "headers": {
                "ETag": {"description": "The SHA-256, quoted.", "schema": {"type": "string"}},
            },
            "content": {"application/xml": {"schema": {"type": "string", "format": "binary"}}},
        },
        304: {"description": "The file with the SHA-256 in If-None-Match."},
    }
}


def _with_id(*operations: str) -> dict[str, Any]:
    """The operations that take the id of what was made."""
    return {
        name: {"operationId": name, "parameters": {"id": "$response.body#/id"}}
        for name in operations
    }


_LINKS: Final = {
    "run_task": _with_id("get_run", "list_run_log", "get_run_file", "cancel_run"),
    "run_workflow": _with_id("get_workflow_run", "cancel_workflow_run", "resume_workflow_run"),
    "resume_workflow_run": _with_id("get_workflow_run", "cancel_workflow_run"),
    "deliver_run": _with_id("get_delivery"),
    "deliver_again": _with_id("get_delivery"),
}
_EVERYWHERE: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
)
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "An error, as RFC 9457 describes it.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "Leads to the explanation of the code."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "For people: what is wrong, what to do."},
        "code": {"type": "string", "enum": list(ProblemCode.values)},
        "errors": {
            "type": "array",
            "description": "What is wrong with which field.",
            "items": {
                "type": "object",
                "required": ["in", "field", "message"],
                "properties": {
                    "in": {"type": "string", "enum": ["body", "query", "header", "path"]},
                    "field": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
        "run_id": {"type": "integer", "description": "The run in the way."},
        "workflow_run_id": {"type": "integer", "description": "The workflow run in the way."},
    },
}


@cache
def description(prefix: str) -> dict[str, Any]:
    """The OpenAPI document; `prefix` is where the API stands on this host."""
    from exports.api.application import api

    document = dict(get_schema(api=api, path_prefix=prefix))
    components = document["components"]
    components["schemas"]["Problem"] = _PROBLEM
    components["responses"] = {f"Problem{status.value}": _answer(status) for status in _STATUSES}
    components["securitySchemes"] = {
        _BEARER: {"type": "http", "scheme": "bearer", "description": "A token: cwx_…"}
    }
    url_names = {
        operation.operation_id: operation.url_name
        for router in api._get_bound_routers()
        for view in router.path_operations.values()
        for operation in view.operations
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, path, method.upper(), url_names)
    return document


def _complete(operation: Any, path: str, method: str, url_names: dict[Any, str]) -> None:
    right = right_of(f"{NAMESPACE}:{url_names[operation['operationId']]}")
    need = right.need(method) if right else None
    if isinstance(need, Role):
        operation["x-scope"] = SCOPE_OF_ROLE[need]
        operation["security"] = [{_BEARER: []}]
    operation["summary"] = operation["summary"].capitalize()
    for parameter in operation["parameters"]:
        parameter["schema"] = _without_null(parameter["schema"])
    statuses = list(_EVERYWHERE)
    if "/runs/{id}" in path:
        statuses.append(HTTPStatus.GONE)
    if method == "POST":
        statuses.append(HTTPStatus.CONFLICT)
    if "requestBody" in operation:
        statuses.append(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    answers = operation["responses"]
    if operation["operationId"] in _LINKS:
        answers[201]["links"] = _LINKS[operation["operationId"]]
    for status in sorted(statuses):
        answers[status.value] = {"$ref": f"#/components/responses/Problem{status.value}"}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is there or not; it cannot be null."""
    [kind] = [one for one in schema.pop("anyOf", [{}]) if one != {"type": "null"}]
    return {**schema, **kind}


_STATUSES: Final = sorted({code.status for code in ProblemCode})


def _answer(status: HTTPStatus) -> dict[str, Any]:
    codes = ", ".join(f"`{code.value}`" for code in ProblemCode if code.status == status)
    found: dict[str, Any] = {
        "description": f"{status.phrase}: {codes}",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        retry = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
        found["headers"] = {"Retry-After": retry}
    return found
