"""Sends a dump of pg_dump to the server as it is, without psql.

psql would carry out what it finds in a dump: a line `\\! command` of an altered one runs on this
machine. The server takes such a line for wrong SQL and refuses all of it.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import psycopg
from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from exports.backups.errors import BackupError

_COPY: Final = re.compile(rb"COPY [^;]+ FROM stdin;\n")
_END_OF_COPY: Final = b"\\.\n"
# Lines that pg_dump writes for psql alone.
_FOR_PSQL: Final = re.compile(rb"\\(un)?restrict [0-9A-Za-z]+\n")
# Of a server's roles those by which SQL reaches programs and files of its machine.
_OUTSIDE: Final = ("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files")


def load_dump(file: Path, *, afterwards: str) -> None:
    """Load the SQL of `file`, then `afterwards`, in one transaction. Raises BackupError."""
    try:
        with file.open("rb") as source, transaction.atomic(), connection.cursor() as cursor:
            for statements in _parts(source):
                _send(cursor, statements, source)
            cursor.execute(afterwards)
    except (DatabaseError, psycopg.Error, UnicodeDecodeError) as error:
        message = _("PostgreSQL refused the backup: %(reason)s")
        reason = (str(error).splitlines() or ["?"])[0][:500]
        raise BackupError(message % {"reason": reason}) from None
    finally:
        # The dump has changed settings of this session.
        connection.close()


def check_account() -> None:
    """Refuse to load what anybody may have written with rights beyond the database.

    Raises BackupError.
    """
    with connection.cursor() as cursor:
        mighty = " OR ".join(f"pg_has_role('{name}', 'member')" for name in _OUTSIDE)
        cursor.execute(f"SELECT current_user, {mighty}")
        name, is_mighty = cursor.fetchone()
    if is_mighty:
        message = _(
            "The backup is not encrypted, so anybody may have changed it, and %(name)s may run "
            "programs on the database server: so could what is in the backup. Name an account in "
            "DATABASE_URL that owns this database and is no superuser, or restore an encrypted "
            "backup."
        )
        raise BackupError(message % {"name": name})


def _parts(source: BinaryIO) -> Iterator[bytes]:
    """The SQL up to each COPY, whose rows the caller reads before it goes on."""
    lines: list[bytes] = []
    for line in iter(source.readline, b""):
        if _FOR_PSQL.fullmatch(line):
            continue
        lines.append(line)
        if _COPY.fullmatch(line):
            yield b"".join(lines)
            lines = []
    yield b"".join(lines)


def _send(cursor: Any, statements: bytes, source: BinaryIO) -> None:
    before, copy = _split(statements)
    if before.strip():
        # Without parameters several statements go in one message, and none has to be cut out.
        cursor.execute(before.decode())
    if copy:
        with cursor.cursor.copy(copy.decode()) as rows:
            for line in iter(source.readline, b""):
                if line == _END_OF_COPY:
                    return
                rows.write(line)
            raise BackupError(_("The backup is damaged: its database has no end."))


def _split(statements: bytes) -> tuple[bytes, bytes]:
    start = statements.rfind(b"\n", 0, -1) + 1
    last = statements[start:]
    return (statements[:start], last) if _COPY.fullmatch(last) else (statements, b"")
