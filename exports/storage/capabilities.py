"""Tests at start what the file system of the data folder can do.

Network folders, FUSE and memory cards lack some operations. Writing, flushing and renaming files is
required; locks and flushing a folder are not, so their lack is only reported.
"""

import errno
import fcntl
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from pwd import getpwuid

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.connectwise.regular_files import create_plain
from exports.storage.folders import PART, folder_for

_READ_ONLY = gettext_noop(
    "%(path)s is on a file system that cannot be written to: set CWEXPORT_DATA_DIR to a folder on "
    "one that can, in a container to a volume."
)
_OTHER_OWNER = gettext_noop(
    "%(path)s belongs to the user %(owner)s, and this program runs as %(user)s, who may not write "
    "there. Make it that user's, e.g. chown -R %(user)s %(folder)s."
)
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class FolderUnusableError(Exception):
    """The data folder cannot do what every run needs; `str()` says what, and the remedy."""


def check_capabilities() -> list[str]:
    """Raises FolderUnusableError; returns a sentence for each optional capability it lacks."""
    _check_database()
    sentences = _written("runs", is_needed=True) + _written("exports", is_needed=False)
    folder = folder_for("runs")
    if not _can(_lock, folder):
        sentences.append(
            _(
                "The file system of %(folder)s refuses locks (flock), so two workers can put a "
                "file into the export folder at once. Start `serve` with --workers 1, or put the "
                "data folder on a local disk."
            )
            % {"folder": folder}
        )
    if not _can(os.fsync, folder):
        sentences.append(
            _(
                "The file system of %(folder)s cannot flush a folder: after a power failure the "
                "newest files may be missing there. Put the data folder on a local disk."
            )
            % {"folder": folder}
        )
    return sentences


def _check_database() -> None:
    """SQLite must be able to write its file and that file's folder, for its other files there."""
    used = settings.DATABASES["default"]
    if not used["ENGINE"].endswith("sqlite3"):
        return
    database = Path(used["NAME"])
    for path in (database, database.parent):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            message = _(_READ_ONLY if _is_read_only(path) else _OTHER_OWNER)
            params = {
                "path": path,
                "owner": _user_name(path.stat().st_uid),
                "user": _user_name(os.geteuid()),
                "folder": database.parent,
            }
            raise FolderUnusableError(message % params)


def _written(name: str, *, is_needed: bool) -> list[str]:
    """Write and rename a file as runs do; on failure raise if that is needed, else return why."""
    try:
        folder = folder_for(name)
        _write_and_rename(folder)
    except OSError as error:
        place = Path(settings.CWEXPORT_DATA_DIR) / name
        if name == "exports" and settings.CWEXPORT_EXPORT_DIR:
            place = Path(settings.CWEXPORT_EXPORT_DIR)
        message = _(
            "No file can be written, flushed and renamed in %(folder)s: %(reason)s. Let the user "
            "%(user)s write there, or set another folder."
        )
        params = {
            "folder": place,
            "reason": error.strerror or error,
            "user": _user_name(os.geteuid()),
        }
        # Start even with a full disk: space may become free, and the pages say what to delete.
        if is_needed and error.errno not in _NO_SPACE:
            raise FolderUnusableError(message % params) from None
        return [message % params]
    return []


def _write_and_rename(folder: Path) -> None:
    temp = folder / f".start-{secrets.token_hex(4)}{PART}"
    final = temp.with_suffix(".tried")
    try:
        with create_plain(temp, is_new=True) as stream:
            stream.write(b"<Batches/>")
            stream.flush()
            os.fsync(stream.fileno())
        temp.rename(final)
    finally:
        for path in (temp, final):
            with suppress(OSError):
                path.unlink()


def _can(do: Callable[[int], object], folder: Path) -> bool:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        do(descriptor)
    except BlockingIOError:
        return True  # locks work: another process holds one
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _lock(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_read_only(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _user_name(number: int) -> str:
    try:
        return getpwuid(number).pw_name
    except KeyError:
        return str(number)  # in containers users often have no name
