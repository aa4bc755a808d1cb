"""`python -m tests.management.described_database own|djangos`: migrate, then tell what is there.

Prints as JSON all tables with columns, constraints and indexes, all triggers and all rows, without
the order of columns, in which the two ways differ.
"""

import json
import re
import sys
from datetime import datetime
from typing import Any

import django

# Names that Django makes up from the columns, which may have had other names then. It looks for
# what they name by the columns, so the names do not matter.
_DERIVED = re.compile(r"\b\w+(_[0-9a-f]{8}(_\w+)?|_check)\b")
_POSTGRESQL = {
    "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default, "
    "character_maximum_length, is_identity FROM information_schema.columns "
    "WHERE table_schema = 'public'",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) "
    "FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "triggers": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
}


def main(way: str) -> None:
    django.setup()
    from django.core.management import call_command
    from django.core.management.commands.migrate import Command as DjangosOwn

    command = DjangosOwn() if way == "djangos" else "migrate"
    call_command(command, verbosity=0, interactive=False)
    from django.db import connection

    look = _look_at_sqlite if connection.vendor == "sqlite" else _look_at_postgresql
    print(json.dumps({**look(), **_all_rows()}, indent=1))


def _look_at_sqlite() -> dict[str, Any]:
    found: dict[str, Any] = {}
    kinds = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%%'"
    for kind, name, sql in _ask(kinds):
        sql = re.sub(r"\s+", " ", sql)
        found[f"{kind} {name}"] = _parts(sql) if kind == "table" else sql
    return found


def _look_at_postgresql() -> dict[str, Any]:
    return {
        name: sorted(_DERIVED.sub("derived", str(row)) for row in _ask(query))
        for name, query in _POSTGRESQL.items()
    }


def _parts(sql: str) -> list[str]:
    """The columns and constraints of a table, in any order, without the spaces between."""
    inner, parts, depth = sql[sql.index("(") + 1 : sql.rindex(")")], [""], 0
    for sign in inner:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return sorted(part.strip().replace("( ", "(").replace(" )", ")") for part in parts)


def _all_rows() -> dict[str, list[str]]:
    from django.apps import apps
    from django.db.migrations.recorder import MigrationRecorder

    found: dict[str, list[str]] = {}
    for model in (*apps.get_models(), MigrationRecorder.Migration):
        names = [field.attname for field in model._meta.concrete_fields if not field.primary_key]
        rows = model._default_manager.values_list(*names)
        found[model._meta.db_table] = sorted(str(_without_moments(row)) for row in rows)
    return found


def _without_moments(row: tuple[Any, ...]) -> list[Any]:
    return ["then" if isinstance(value, datetime) else value for value in row]


def _ask(query: str) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(query, [])
        return list(cursor.fetchall())


if __name__ == "__main__":
    main(sys.argv[1])
