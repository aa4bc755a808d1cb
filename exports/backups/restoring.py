"""Restores a backup into an empty place: looked at to its end first, then all of it or nothing.

Files go to their places before the database: until that has its name (SQLite) or its transaction
is committed (PostgreSQL) there is no installation, and the same command begins again.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils.translation import gettext as _

from exports.backups import keys, place
from exports.backups.archive import DATABASES, Content, is_encrypted, read_archive
from exports.backups.dump_loading import check_account, load_dump
from exports.backups.errors import BackupError
from exports.backups.own_folder import own_folder
from exports.backups.settling import (
    MARK,
    is_unsettled,
    mark_statement,
    settle,
    unfinished_sentence,
)
from exports.backups.versions import FORMAT, unknown_migrations
from exports.product import product_version

_TEMPORARY: Final = ".restore-"


@dataclass(frozen=True)
class Restored:
    """What was restored: what the backup says of itself, and the files it lacks."""

    about: dict[str, Any]
    made_at: datetime
    missing: list[str]


def verify(file: Path, passphrase: str) -> Content:
    """Read a backup to its end and compare all hashes. Raises BackupError."""
    return read_archive(file, passphrase, on_about=check_version)


def restore(
    file: Path,
    passphrase: str,
    *,
    keeps_files: bool = False,
    tell: Callable[[str], object] = lambda sentence: None,
) -> Restored:
    """Raises BackupError; nothing is there then that was not before, but for equal files."""
    folder = Path(settings.CWEXPORT_DATA_DIR)

    def check_first(about: dict[str, Any]) -> None:
        check_version(about)
        with _unfinished_named():
            place.check_place(str(about["database"]))
            if about["database"] == "postgresql" and not is_encrypted(file):
                check_account()
        _check_room(folder, int(about["database_bytes"]))

    try:
        with own_folder(folder, _TEMPORARY) as unpacked:
            tell(_("Unpacking and verifying."))
            sink = _sink(unpacked)
            content = read_archive(file, passphrase, on_about=check_first, sink=sink)
            members = {row["name"]: str(row["sha256"]) for row in content.members}
            place.check_files(members, keeps_files=keeps_files)
            made_at = datetime.fromisoformat(str(content.about["made_at"]))
            tell(_("Restoring."))
            _restore(unpacked, str(content.about["database"]), made_at)
    except OSError as error:
        message = _("The backup could not be restored: %(reason)s.")
        raise BackupError(message % {"reason": error}) from None
    return Restored(content.about, made_at, content.missing)


def finish() -> bool:
    """Finish a restore that was interrupted after the database was there; False without one."""
    if not is_unsettled():
        return False
    call_command("migrate", verbosity=0, interactive=False)
    settle()
    return True


def check_version(about: dict[str, Any]) -> None:
    """Raises BackupError for a backup of a newer version."""
    migrations = [(app, name) for app, name in about.get("migrations", [])]
    stated = about.get("format")
    is_newer = isinstance(stated, int) and stated > FORMAT
    if is_newer or unknown_migrations(migrations):
        product = about.get("product") or {}
        message = _(
            "The backup was made by a newer version of cwexport (%(version)s) than this one "
            "(%(ours)s). Install that version, then restore."
        )
        params = {"version": product.get("version", "?"), "ours": product_version()}
        raise BackupError(message % params)
    if about.get("database") not in DATABASES:
        raise BackupError(_("The backup does not say what database it holds."))


def _check_room(folder: Path, database_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < 2 * database_bytes:
        message = _(
            "The disk of %(folder)s has %(free)s MB free, but the database alone needs %(needed)s."
        )
        params = {"folder": folder, "free": free >> 20, "needed": 2 * database_bytes >> 20}
        raise BackupError(message % params)


def _sink(folder: Path) -> Callable[[str], BinaryIO]:
    def create(name: str) -> BinaryIO:
        """Names are those of `archive._KNOWN`, so none leads out of the folder."""
        path = folder / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        return _Flushed(os.fdopen(descriptor, "wb", buffering=1 << 20))  # type: ignore[return-value]

    return create


class _Flushed:
    """A file that is on the disk once it is closed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.write = stream.write

    def close(self) -> None:
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()


def _restore(unpacked: Path, kind: str, made_at: datetime) -> None:
    database = unpacked / DATABASES[kind]
    if not database.exists():
        raise BackupError(_("The backup holds no database."))
    if kind == "postgresql":
        place.put_files(unpacked)
        keys.put_keys(unpacked)
        _load(database, made_at)
        finish()
        return
    _mark(database, made_at)
    # Files first, as numbers are left out by what is on the disk.
    place.put_files(unpacked)
    keys.put_keys(unpacked)
    with _connected_to(database):
        finish()
    _close_up(database)
    place.put_database(database)


def _load(dump: Path, made_at: datetime) -> None:
    # The dump leaves no search path behind.
    mark = f"RESET search_path; DROP TABLE IF EXISTS {MARK}; {mark_statement(made_at)}"
    with _unfinished_named():
        load_dump(dump, afterwards=mark)


@contextmanager
def _unfinished_named() -> Iterator[None]:
    """Name a restore to finish where that is why the database is not empty.

    Asked after the refusal: what a killed restore sent last may be committed after its end.
    """
    try:
        yield
    except BackupError:
        if connection.vendor == "postgresql" and is_unsettled():
            raise BackupError(unfinished_sentence()) from None
        raise


def _mark(database: Path, made_at: datetime) -> None:
    with closing(sqlite3.connect(database)) as copy:
        # A backup of a database that was restored and not settled has one already.
        copy.execute(f"DROP TABLE IF EXISTS {MARK}")
        copy.execute(mark_statement(made_at))
        copy.commit()


@contextmanager
def _connected_to(database: Path) -> Iterator[None]:
    """Let this process work on the unpacked database, before it has its name."""
    connection.close()
    named = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = str(database)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = named


def _close_up(database: Path) -> None:
    """Bring the write-ahead log into the file, so that the file alone is the database."""
    with closing(sqlite3.connect(database)) as copy:
        copy.execute("PRAGMA journal_mode=DELETE")
    descriptor = os.open(database, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
