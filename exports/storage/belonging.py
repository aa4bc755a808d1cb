"""Checks that data folder, run files and database belong together, by an id stored in all (O2).

With another database, all files would look orphaned. Several machines may share a database, each
with a data folder of its own; the place that `CWEXPORT_FILES` names is one for all of them.
"""

from itertools import islice
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from exports.models import Run
from exports.models.installations import Installation
from exports.storage import files
from exports.storage.folder_store import FolderStore
from exports.storage.store import ID_FILE, MOVED_FILE, RUNS, FileStore, StorageError

_AT_ONCE = 500


class ForeignFolderError(Exception):
    """The data folder, or the run files, belong to another database; `str()` says what to do."""


def check_folder_belongs(*, may_be_moved: bool = False) -> None:
    """Raises ForeignFolderError; stores the id at first use of a new folder or database.

    `may_be_moved`: the files may have been moved away, as a move may be finished.
    """
    data_folder, place = _data_folder(), files.store()
    try:
        if not may_be_moved and (moved_to := place.read_note(MOVED_FILE)):
            raise ForeignFolderError(_moved_message(place, moved_to))
        _check(data_folder, _foreign_message())
        if place.where() != data_folder.where():
            has_history = Run.objects.exclude(file_path="").filter(pruned_at=None).exists()
            _check(place, _foreign_files_message(place), needs_id=has_history)
    except OSError as error:
        raise ForeignFolderError(_unreadable_message(place, error)) from None


def adopt_folder() -> None:
    """Make folder and run files belong to this database, whatever they belonged to before."""
    own_id = Installation.objects.own_id()
    for place in (_data_folder(), files.store()):
        place.write_note(ID_FILE, own_id)


def check_place_is_free(place: FileStore) -> None:
    """Raises ForeignFolderError unless the place is new, or already this installation's."""
    found = place.read_note(ID_FILE)
    if found is None and not _has_files(place):
        return
    if found != Installation.objects.own_id():
        raise ForeignFolderError(_foreign_files_message(place))


def _check(place: FileStore, message: str, *, needs_id: bool = False) -> None:
    found, known = place.read_note(ID_FILE), Installation.objects.known_id()
    if found is not None and found == known:
        return
    # Old installations and backups may lack an id; a run file known to both shows the link.
    if found is not None and (known is not None or not _has_known_file(place)):
        raise ForeignFolderError(message)
    if found is None and _has_files(place) and not _has_known_file(place):
        raise ForeignFolderError(message)
    if found is None and needs_id and not _has_known_file(place):
        raise ForeignFolderError(_empty_message(place))
    if found is not None:
        Installation.objects.take_id(found)
        return
    own_id = Installation.objects.own_id()
    place.write_note(ID_FILE, own_id, is_new=True)
    if place.read_note(ID_FILE) != own_id:
        # Another installation took the same new place in this moment.
        raise ForeignFolderError(message)


def _has_known_file(place: FileStore) -> bool:
    """Whether it holds the file of a run in this database; run file names are unique."""
    names = (f"{RUNS}/{name}" for name in _run_files(place))
    while some := list(islice(names, _AT_ONCE)):
        if Run.objects.filter(file_path__in=some).exists():
            return True
    return False


def _has_files(place: FileStore) -> bool:
    return next(iter(_run_files(place)), None) is not None


def _run_files(place: FileStore) -> list[str]:
    names = place.names(RUNS)
    return [name for name in names if name.endswith(".xml") and files.is_run_file_name(name)]


def _data_folder() -> FolderStore:
    return FolderStore(Path(settings.CWEXPORT_DATA_DIR))


def _foreign_message() -> str:
    return _(
        "The data folder %(folder)s belongs to another database than %(database)s. Set "
        "CWEXPORT_DATA_DIR and DATABASE_URL to a folder and a "
        "database that belong together. If this database is to have the folder all the same, run "
        "`manage.py adopt_data_folder`: files of runs it does not know are then moved to orphaned/."
    ) % {"folder": settings.CWEXPORT_DATA_DIR, "database": database_name()}


def _foreign_files_message(place: FileStore) -> str:
    return _(
        "The files in %(place)s belong to another installation than the database %(database)s. "
        "Name a folder, or a bucket and prefix, of its own in CWEXPORT_FILES. If this database is "
        "to have these files all the same, run `manage.py adopt_data_folder`: files of runs it "
        "does not know are then moved to orphaned/."
    ) % {"place": place.where(), "database": database_name()}


def _empty_message(place: FileStore) -> str:
    return _(
        "This installation has files of runs, but %(place)s, which CWEXPORT_FILES names, holds "
        "none of them. Mount it if it is a share, or set CWEXPORT_FILES back and bring the files "
        "there with `manage.py move_files`. To begin there without them, run "
        "`manage.py adopt_data_folder`."
    ) % {"place": place.where()}


def _unreadable_message(place: FileStore, error: OSError) -> str:
    if isinstance(error, StorageError):
        return str(error)
    message = _(
        "%(place)s cannot be used: %(reason)s. Create or mount it, let the user of this program "
        "write there, or name another place in CWEXPORT_FILES."
    )
    return message % {"place": place.where(), "reason": error.strerror or error}


def _moved_message(place: FileStore, moved_to: str) -> str:
    return _(
        "The files of this installation were moved from %(place)s to %(target)s: set "
        "CWEXPORT_FILES to that on every machine, then start again."
    ) % {"place": place.where(), "target": moved_to}


def database_name() -> str:
    """The database in use, for display: without user and password."""
    used = settings.DATABASES["default"]
    if used["ENGINE"].endswith("sqlite3"):
        return str(used["NAME"])
    port = f":{used['PORT']}" if used["PORT"] else ""
    return f"postgres://{used['HOST'] or 'localhost'}{port}/{used['NAME']}"
