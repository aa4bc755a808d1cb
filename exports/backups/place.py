"""The empty place that a backup is restored into; what is there already is never overwritten."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.db import connection
from django.utils.translation import gettext as _

from exports.backups import postgresql
from exports.backups.errors import BackupError
from exports.connectwise.regular_files import open_regular
from exports.storage import files
from exports.storage.folders import flush_folder
from exports.storage.store import ORPHANED, RUNS

_LOGS: Final = ("", "-wal", "-shm", "-journal")
_FOLDERS: Final = (RUNS, ORPHANED)


def check_place(kind: str) -> None:
    """Raises BackupError unless the settings' database is empty, and fits the backup's."""
    if kind != connection.vendor:
        message = _(
            "The backup is of a database of %(kind)s, but DATABASE_URL names one of %(other)s. It "
            "can be restored into %(kind)s alone."
        )
        raise BackupError(message % {"kind": kind, "other": connection.vendor})
    if kind == "postgresql":
        _check_postgresql()
    else:
        _check_sqlite(database_file())


def database_file() -> Path:
    return Path(str(connection.settings_dict["NAME"]))


def _check_sqlite(file: Path) -> None:
    there = [f"{file}{ending}" for ending in _LOGS if Path(f"{file}{ending}").exists()]
    if there:
        message = _(
            "Nothing was restored: %(files)s is there. A backup is restored into an empty place "
            "only. Stop everything and move it away, or name another place in CWEXPORT_DATA_DIR."
        )
        raise BackupError(message % {"files": ", ".join(there)})


def _check_postgresql() -> None:
    count = postgresql.table_count()
    if count:
        message = _(
            "Nothing was restored: the database %(name)s has %(count)s tables, views and sequences "
            "already. A backup is restored into an empty database only: make one with createdb, "
            "and name it in DATABASE_URL."
        )
        raise BackupError(message % {"name": connection.settings_dict["NAME"], "count": count})


def check_files(members: dict[str, str], *, keeps_files: bool) -> None:
    """Refuse files that would be mixed with the backup's; `members` holds the SHA-256 of each.

    What is the same as in the backup, as after an interrupted restore, is no hindrance. With
    `keeps_files` others may stay: they are set aside as unknown. Raises BackupError.
    """
    others = []
    store = files.store()
    for name in _there():
        if name in members:
            if store.sha256(name) != members[name]:
                message = _(
                    "Nothing was restored: %(file)s is there, with other content than in the "
                    "backup. Move it away."
                )
                raise BackupError(message % {"file": store.where(name)})
        elif name.endswith(".xml"):
            others.append(name)
    if others and not keeps_files:
        message = _(
            "Nothing was restored: %(folder)s has %(count)s files of runs that are not in the "
            "backup, such as %(file)s. Name an empty place in CWEXPORT_DATA_DIR or CWEXPORT_FILES; "
            "or, if they were exported after the backup, use --keep-files, which sets them aside."
        )
        params = {"folder": store.where(), "count": len(others), "file": others[0]}
        raise BackupError(message % params)


def _there() -> Iterator[str]:
    for folder in _FOLDERS:
        for name in sorted(files.store().names(folder)):
            if files.is_run_file_name(name):
                yield f"{folder}/{name}"


def put_files(source: Path) -> None:
    """Move the unpacked files of runs to their places, those that are not there yet."""
    for name in _FOLDERS:
        if not (source / name).is_dir():
            continue
        for path in (source / name).iterdir():
            _put(path, f"{name}/{path.name}")
        files.store().flush(name)


def _put(path: Path, name: str) -> None:
    with open_regular(path) as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        content.seek(0)
        size = path.stat().st_size
        # What is there already is the same: it was compared before.
        files.store().put(name, content, size=size, sha256=sha256)
    path.unlink()


def put_database(source: Path) -> None:
    """Give the whole database its name: the step that makes the restore count."""
    target = database_file()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError:
        _check_sqlite(target)
    except OSError:
        # Another file system, or one without hard links.
        _check_sqlite(target)
        temp = target.with_name(f".{target.name}.{os.getpid()}")
        temp.write_bytes(source.read_bytes())
        temp.rename(target)
    flush_folder(target.parent)
