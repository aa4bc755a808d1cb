"""A row in every table that has none, for any version of the models.

`python -m tests.upgrades.filling 0039_run_marks` fills the database of that state of the models.
"""

import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from django.db import models

MOMENT: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
# In `chosen`: the first row of the other table.
FIRST: Final = object()
_BY_TYPE: Final[dict[str, Any]] = {
    "BigIntegerField": 1,
    "BinaryField": b"1",
    "BooleanField": False,
    "DateField": date(2026, 3, 1),
    "DateTimeField": MOMENT,
    "FloatField": 1.0,
    "GenericIPAddressField": "192.0.2.1",
    "IntegerField": 1,
    "JSONField": {},
    "PositiveBigIntegerField": 1,
    "PositiveIntegerField": 1,
    "PositiveSmallIntegerField": 1,
    "SmallIntegerField": 1,
    "TimeField": None,
    "UUIDField": UUID(int=1),
}


def fill(found: Iterable[type[models.Model]], chosen: dict[str, dict[str, Any]]) -> None:
    """One row in each empty table; `chosen` holds values by table and field."""
    left = [model for model in found if not model._base_manager.exists()]
    while left:
        ready = [model for model in left if not _needed(model) & set(left)]
        for model in ready or left[:1]:
            values = {field.name: _value(field) for field in _own_fields(model)}
            for name, value in chosen.get(model._meta.db_table, {}).items():
                values[name] = _value(model._meta.get_field(name)) if value is FIRST else value
            model._base_manager.create(**values)
            left.remove(model)


def _own_fields(model: type[models.Model]) -> list[Any]:
    """The fields that nothing else fills in."""
    return [
        field
        for field in model._meta.local_concrete_fields
        if not (
            field.null or field.blank or field.has_default() or isinstance(field, models.AutoField)
        )
    ]


def _needed(model: type[models.Model]) -> set[type[models.Model]]:
    related = [field.related_model for field in _own_fields(model) if field.is_relation]
    return {other for other in related if other is not model}


def _value(field: Any) -> Any:
    if field.is_relation:
        return field.related_model._base_manager.order_by("pk").first()
    if field.choices:
        return field.choices[0][0]
    kind = field.get_internal_type()
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    return "invented"[: field.max_length]


# Where constraints of the tables leave less choice.
CHOSEN: Final[dict[str, dict[str, Any]]] = {
    "exports_schedule": {"task": FIRST, "cron": "0 6 * * *", "zone": "UTC"},
    "exports_duetime": {"state": "fired", "run": FIRST},
}


def main() -> None:
    import django

    django.setup()
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    state = MigrationExecutor(connection).loader.project_state(("exports", sys.argv[1]))
    known = set(connection.introspection.table_names())
    found = [
        model
        for model in state.apps.get_models(include_auto_created=True)
        if model._meta.managed and model._meta.db_table in known
    ]
    fill(found, CHOSEN)


if __name__ == "__main__":
    main()
