"""The triggers of the audit log in the test database."""

from importlib import import_module
from typing import Any

from django.db import connection

_migration: Any = import_module("exports.migrations.0034_audit_log")
_TABLE = "exports_auditentry"


class _Editor:
    """As much of a schema editor as triggers need; a real one refuses SQLite's transactions."""

    connection = connection

    def execute(self, sql: str, params: None = None) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)


def protect() -> None:
    """As in an installation."""
    _migration.protect(None, _Editor())


def permit_emptying() -> None:
    names = ("audit_refuse_delete", "audit_refuse_truncate")
    where = f" ON {_TABLE}" if connection.vendor == "postgresql" else ""
    for name in names:
        _Editor().execute(f"DROP TRIGGER IF EXISTS {name}{where}")
