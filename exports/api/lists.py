"""Lists in pages by key: what lies beyond the last id, so that new rows shift nothing."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

import django_filters
from django.db.models import QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import Field
from pydantic.fields import FieldInfo

from exports.api.fields import Id, Limit
from exports.api.problems import ProblemCode, ProblemError
from exports.reporting.run_filters import FIRST_DAY, LAST_DAY

DEFAULT_LIMIT: Final = 50


class PageQuery(Schema):
    """What every list takes."""

    after: Id | None = Field(None, description="The id of the last row of the page before.")
    limit: Limit = Field(DEFAULT_LIMIT, description="How many rows at most.")


class Page(Schema):
    """A page of a list, and where the next one is; null at the end."""

    next: str | None = Field(description="The address of the next page.")


def page_of(
    request: HttpRequest,
    query: PageQuery,
    rows: QuerySet[Any],
    shape: Callable[[Sequence[Any]], list[dict[str, Any]]],
    *,
    newest_first: bool = True,
) -> dict[str, Any]:
    """The page that was asked for; `shape` turns its rows into what is answered."""
    ordered = rows.order_by("-pk" if newest_first else "pk")
    if query.after is not None:
        beyond = {"pk__lt" if newest_first else "pk__gt": query.after}
        ordered = ordered.filter(**beyond)
    found = list(ordered[: query.limit + 1])
    shown = found[: query.limit]
    has_more = len(found) > query.limit
    return {
        "items": shape(shown),
        "next": _next(request, shown[-1].pk, query.limit) if has_more else None,
    }


def check_query(request: HttpRequest, query: type[Schema]) -> None:
    """Refuse a misspelt filter, which would answer with everything, and an unknown code."""
    fields = {field.alias or name: field for name, field in query.model_fields.items()}
    errors: dict[str, list[str]] = {}
    for name in sorted(request.GET):
        if name not in fields:
            message = _("There is no such parameter. There are: %(known)s.")
            errors[name] = [message % {"known": ", ".join(sorted(fields))}]
        elif (codes := _codes_of(fields[name])) and request.GET[name] not in codes:
            errors[name] = [_("Write one of: %(codes)s.") % {"codes": ", ".join(codes)}]
    if errors:
        _refuse(errors)


def _codes_of(field: FieldInfo) -> list[str]:
    extra = field.json_schema_extra
    found: Any = extra.get("enum", []) if isinstance(extra, dict) else []
    return list(found)


def filtered(
    request: HttpRequest,
    query: PageQuery,
    filters: type[django_filters.FilterSet],
    rows: QuerySet[Any],
) -> QuerySet[Any]:
    """The rows that the filters of the page find, by the same names.

    None of a task or connection that does not exist, as of one without rows.
    """
    asked = {name: _asked(value) for name, value in query.model_dump(by_alias=True).items()}
    found = filters(asked, queryset=rows, request=request)
    if not found.is_valid():
        if all(isinstance(found.form.fields[name], ModelChoiceField) for name in found.form.errors):
            return rows.none()
        _refuse(found.form.errors)
    result: QuerySet[Any] = found.qs
    return result


def _asked(value: Any) -> str:
    if isinstance(value, date):
        # Nothing happened before or will after what the pages take, so this changes nothing.
        return min(max(value, FIRST_DAY), LAST_DAY).isoformat()
    return "" if value is None else str(value)


def _refuse(errors: Any) -> None:
    found = [
        {"in": "query", "field": str(name)[:100], "message": str(message)}
        for name, messages in errors.items()
        for message in messages
    ]
    raise ProblemError(ProblemCode.INVALID, found[0]["message"], errors=found)


def _next(request: HttpRequest, after: int, limit: int) -> str:
    query: QueryDict = request.GET.copy()
    query["after"], query["limit"] = str(after), str(limit)
    return f"{request.scheme}://{request.get_host()}{request.path}?{query.urlencode()}"
