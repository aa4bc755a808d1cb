"""The page of the API for people, made from its own description."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from exports.api.openapi import description
from exports.api.problems import ProblemCode

_NULL: Final = {"type": "null"}


@dataclass(frozen=True)
class Field:
    name: str
    kind: str
    text: str
    is_required: bool = False


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    summary: str
    text: str
    scope: str
    parameters: list[Field]
    body: list[Field]
    answer: list[Field]
    statuses: list[str]


@require_safe
def show_reference(request: HttpRequest) -> HttpResponse:
    document = description(reverse("api:unknown").lstrip("/"))
    groups: dict[str, list[Operation]] = {}
    for tag, operation in _operations(document):
        groups.setdefault(tag, []).append(operation)
    context = {
        "groups": groups,
        "problems": [(code.value, code.status.value, code.label) for code in ProblemCode],
        "origin": f"{request.scheme}://{request.get_host()}",
        "tasks_path": reverse("api:task-list"),
    }
    return render(request, "exports/api/reference.html", context)


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, found in methods.items():
            yield (
                found["tags"][0],
                Operation(
                    name=found["operationId"],
                    method=method.upper(),
                    path=path,
                    summary=found["summary"],
                    text=_with_code(found.get("description", "")),
                    scope=found["x-scope"],
                    parameters=[_parameter(one) for one in found["parameters"]],
                    body=_fields(_content(found.get("requestBody", {})), schemas),
                    answer=_fields(_first_answer(found), schemas),
                    statuses=[str(status) for status in found["responses"]],
                ),
            )


def _first_answer(operation: dict[str, Any]) -> dict[str, Any]:
    return _content(next(iter(operation["responses"].values())))


def _content(holder: dict[str, Any]) -> dict[str, Any]:
    for content in holder.get("content", {}).values():
        found: dict[str, Any] = content.get("schema", {})
        return found
    return {}


def _parameter(found: dict[str, Any]) -> Field:
    text = _with_code(found.get("description", ""))
    kind = f"{_kind(found['schema'], {})} ({found['in']})"
    return Field(found["name"], kind, text, found["required"])


def _fields(schema: dict[str, Any], schemas: dict[str, Any]) -> list[Field]:
    """The fields of an object, or of the rows of a list."""
    found = _referred(schema, schemas)
    properties = found.get("properties", {})
    if "items" in properties:
        return _fields(properties["items"]["items"], schemas)
    return [
        Field(name, _kind(one, schemas), _with_code(one.get("description", "")))
        for name, one in properties.items()
    ]


def _referred(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref") or next(
        (one["$ref"] for one in schema.get("anyOf", ()) if "$ref" in one), ""
    )
    found: dict[str, Any] = schemas.get(reference.rpartition("/")[2], {})
    return found


def _kind(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    """`integer or null`, `one of queued, running`, or what is in an object."""
    if kinds := schema.get("anyOf"):
        shared = {name: value for name, value in schema.items() if name != "anyOf"}
        found = [_kind({**shared, **one}, schemas) for one in kinds if one != _NULL]
        return " or ".join([*found, "null"][: len(kinds)])
    if "enum" in schema:
        return f"one of {', '.join(str(value) for value in schema['enum'] if value is not None)}"
    if properties := _referred(schema, schemas).get("properties"):
        return f"object with {', '.join(properties)}"
    if schema.get("type") == "array":
        return f"list, each: {_kind(schema['items'], schemas)}"
    return str(schema.get("format") or schema.get("type", "object"))


def _with_code(text: str) -> SafeString:
    """What stands between backticks, as code."""
    parts = text.split("`")
    return format_html_join(
        "",
        "{}",
        (
            (format_html("<code>{}</code>", one) if number % 2 else one,)
            for number, one in enumerate(parts)
        ),
    )
