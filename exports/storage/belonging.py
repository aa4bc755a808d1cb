"""Checks that data folder and database belong together, by an id stored in both (O2).

With another database, all files in the folder would look orphaned. Several machines may share a
database, each with a data folder of its own.
"""

import os
from contextlib import suppress
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from exports.connectwise.plain_files import create_plain, open_plain
from exports.models import Run
from exports.models.installations import Installation
from exports.storage import files

ID_FILE = "installation_id"
_AT_ONCE = 500


class ForeignFolderError(Exception):
    """The data folder belongs to another database; `str()` says what to do."""


def check_folder_belongs() -> None:
    """Raises ForeignFolderError; stores the id at first use of a new folder or database."""
    in_folder, in_database = _folder_id(), Installation.objects.known_id()
    if in_folder is not None and in_folder == in_database:
        return
    # Old installations and backups may lack an id; a run file known to both shows the link.
    if in_folder is not None and (in_database is not None or not _has_known_file()):
        raise ForeignFolderError(_foreign_message())
    if in_folder is None and _has_files() and not _has_known_file():
        raise ForeignFolderError(_foreign_message())
    if in_folder is not None:
        Installation.objects.take_id(in_folder)
    else:
        _write_id(Installation.objects.own_id())


def adopt_folder() -> None:
    """Make the data folder belong to this database, whatever it belonged to before."""
    files.remove(_id_file())
    _write_id(Installation.objects.own_id())


def _has_known_file() -> bool:
    """Whether the folder holds the file of a run in this database; run file names are unique."""
    names = (f"runs/{path.name}" for path in _run_files())
    while some := list(islice(names, _AT_ONCE)):
        if Run.objects.filter(file_path__in=some).exists():
            return True
    return False


def _has_files() -> bool:
    return next(iter(_run_files()), None) is not None


def _run_files() -> list[Path]:
    return [found.path for found in files.found_files() if found.is_whole]


def _folder_id() -> str | None:
    try:
        with open_plain(_id_file()) as stream:
            return stream.read(100).decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None


def _write_id(folder_id: str) -> None:
    """Written by renaming a whole file, as several processes may start at once."""
    path = _id_file()
    temp = path.with_name(f".{ID_FILE}.{os.getpid()}")
    with create_plain(temp) as stream:
        stream.write(f"{folder_id}\n".encode())
        stream.flush()
        os.fsync(stream.fileno())
    temp.replace(path)
    with suppress(OSError):
        files.flush_folder(path.parent)


def _id_file() -> Path:
    return Path(settings.CWEXPORT_DATA_DIR) / ID_FILE


def _foreign_message() -> str:
    return _(
        "The data folder %(folder)s belongs to another database than %(database)s. Set "
        "CWEXPORT_DATA_DIR and DATABASE_URL to a folder and a "
        "database that belong together. If this database is to have the folder all the same, run "
        "`manage.py adopt_data_folder`: files of runs it does not know are then moved to orphaned/."
    ) % {"folder": settings.CWEXPORT_DATA_DIR, "database": database_name()}


def database_name() -> str:
    """The database in use, for display: without user and password."""
    used = settings.DATABASES["default"]
    if used["ENGINE"].endswith("sqlite3"):
        return str(used["NAME"])
    port = f":{used['PORT']}" if used["PORT"] else ""
    return f"postgres://{used['HOST'] or 'localhost'}{port}/{used['NAME']}"
