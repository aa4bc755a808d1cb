"""Types of what comes in and goes out: ids, codes, and rows named by id and name."""

import re
from datetime import date
from typing import Annotated, Any

from django.db.models import TextChoices
from ninja import Schema
from pydantic import BeforeValidator, Field

from exports.outside_numbers import LARGEST_ID, read_number


def _number(value: Any) -> Any:
    """Digits alone: no sign, blank, point or digit of another script."""
    if isinstance(value, str):
        number = read_number(value)
        if number is None:
            raise ValueError("write a whole number in digits")
        return number
    return value


Id = Annotated[int, Field(ge=1, le=LARGEST_ID), BeforeValidator(_number)]
Limit = Annotated[int, Field(ge=1, le=200), BeforeValidator(_number)]


def _whole(value: Any) -> Any:
    """In JSON `3.0` is a whole number too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# In a body numbers are numbers.
BodyId = Annotated[int, Field(strict=True, ge=1, le=LARGEST_ID), BeforeValidator(_whole)]


def code(choices: type[TextChoices], *others: str | None, **options: Any) -> Any:
    """A field with the codes of `choices`, which the schema lists."""
    values: list[Any] = [*(value for value in choices.values if value), *others]
    return Field(json_schema_extra={"enum": values}, **options)


def _day(value: Any) -> Any:
    """As pages write days; not the seconds or times of day that could also be read as one."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("write a day as 2026-01-31")
    return value


Day = Annotated[date, BeforeValidator(_day)]


class Named(Schema):
    """A row of another list."""

    id: int
    name: str


class Fault(Schema):
    """A stable code for programs and a sentence for people."""

    code: str
    message: str


def fault(code: str, message: Any) -> dict[str, str] | None:
    return {"code": code, "message": str(message)} if code or message else None


def named(row: Any, name: str | None = None) -> dict[str, Any] | None:
    return None if row is None else {"id": row.pk, "name": row.name if name is None else name}
