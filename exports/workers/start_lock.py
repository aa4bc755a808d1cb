"""One process at a time brings the database up to date; what starts meanwhile waits for it.

Two that migrated an empty database at once would each make the same tables, and one would die. The
lock goes with its process, however that ends: in PostgreSQL it belongs to the connection, for
SQLite to an open file in the data folder, which all who use such a database share.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import Error, connection
from django.utils.translation import gettext as _

from exports.storage.folders import make_folder

_FILE: Final = "start.lock"
# Any number, as long as all versions use the same: locks are apart for each database.
_KEY: Final = 0x6377_6578

Tell = Callable[[str], object]
# Whether this process holds the lock: `serve` migrates and checks while it does.
_held = False


@contextmanager
def alone(tell: Tell) -> Iterator[None]:
    """Hold the lock; `tell` hears when another process has it. Within itself it does nothing."""
    global _held
    if _held:
        yield
        return
    with _locked(tell, is_shared=False):
        _held = True
        try:
            yield
        finally:
            _held = False


def await_others(tell: Tell) -> None:
    """Wait while another process brings the database up to date."""
    if not _held:
        with _locked(tell, is_shared=True):
            pass


def _locked(tell: Tell, *, is_shared: bool) -> AbstractContextManager[None]:
    if connection.vendor == "sqlite":
        return _locked_file(tell, fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX)
    return _locked_database(tell, "_shared" if is_shared else "")


@contextmanager
def _locked_database(tell: Tell, shared: str) -> Iterator[None]:
    def call(function: str) -> object:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_{function}{shared}(%s)", [_KEY])
            return cursor.fetchone()[0]

    if not call("try_advisory_lock"):
        tell(_waits())
        call("advisory_lock")
    try:
        yield
    finally:
        # A connection that is lost has lost the lock as well.
        with suppress(Error):
            call("advisory_unlock")


@contextmanager
def _locked_file(tell: Tell, kind: int) -> Iterator[None]:
    folder = make_folder(Path(settings.CWEXPORT_DATA_DIR))
    descriptor = os.open(folder / _FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(_waits())
            fcntl.flock(descriptor, kind)
        except OSError:
            # Where a file system knows no locks, `serve` says so at its start.
            pass
        yield
    finally:
        os.close(descriptor)


def _waits() -> str:
    return _("Another process is bringing the database up to date. Waiting for it to end.")
