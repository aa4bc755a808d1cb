"""A consistent copy of the database while others write to it, and the files that its runs name."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction
from django.utils.translation import gettext as _

from exports.backups import postgresql
from exports.backups.archive import DATABASES
from exports.backups.errors import BackupError

_FILES: Final = "SELECT file_path, file_sha256 FROM exports_run WHERE file_path <> '' ORDER BY id"
_COUNTED: Final = {
    "connections": "exports_connection",
    "tasks": "exports_task",
    "runs": "exports_run",
    "ledger rows": "exports_ledgerentry",
    "users": "auth_user",
}
_MIGRATIONS: Final = "SELECT app, name FROM django_migrations ORDER BY id"


@dataclass(frozen=True)
class Snapshot:
    """The database as it was at one moment, in a file."""

    file: Path
    kind: str
    counts: dict[str, int]
    migrations: list[list[str]]
    # Path below the data folder and SHA-256 of each run file that it knows.
    run_files: list[tuple[str, str]]

    @property
    def member(self) -> str:
        return DATABASES[self.kind]


def take_snapshot(folder: Path) -> Snapshot:
    """Copy the database into `folder`. Raises BackupError."""
    if connection.vendor == "postgresql":
        return _of_postgresql(folder / DATABASES["postgresql"])
    return _of_sqlite(folder / DATABASES["sqlite"])


def _of_sqlite(file: Path) -> Snapshot:
    source = connection.settings_dict["NAME"]
    with (
        closing(sqlite3.connect(f"file:{_quoted(source)}?mode=rw", uri=True)) as live,
        closing(sqlite3.connect(file)) as copy,
    ):
        # In one step, which reads one state of the write-ahead log and holds up no writer. In
        # several, each write in between would make it begin again.
        live.backup(copy)
        # One file, without a log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
        answer = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        if answer != "ok":
            message = _("The database is damaged (%(reason)s): restore an earlier backup.")
            raise BackupError(message % {"reason": answer})
        return _described(copy, file, "sqlite")


def _quoted(path: object) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _of_postgresql(file: Path) -> Snapshot:
    connection.ensure_connection()
    postgresql.check_tool("pg_dump")
    with _one_state(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        postgresql.dump(file, snapshot=cursor.fetchone()[0])
        return _described(cursor, file, "postgresql")


@contextmanager
def _one_state() -> Iterator[None]:
    """A transaction that sees the database as it was at its first question."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # It holds no lock that others wait for, and waits for pg_dump.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield


def _described(asked: Any, file: Path, kind: str) -> Snapshot:
    def rows(question: str) -> list[Any]:
        found = asked.execute(question)
        # A connection of SQLite answers with a cursor, a cursor of PostgreSQL answers itself.
        return list((found or asked).fetchall())

    return Snapshot(
        file=file,
        kind=kind,
        counts={
            name: rows(f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608 - our own names
            for name, table in _COUNTED.items()
        },
        migrations=[list(row) for row in rows(_MIGRATIONS)],
        run_files=[(path, sha256) for path, sha256 in rows(_FILES)],
    )
