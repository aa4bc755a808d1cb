"""Closes the data folder to other users, as it holds passwords, sessions and keys."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports.connectwise.regular_files import PRIVATE
from exports.storage.folders import PRIVATE_FOLDER

_OTHERS = 0o077
_OWN_FOLDERS = ("runs", "orphaned", "static")
_OWN_FILES = ("secret_key", "encryption_keys", "installation_id", "demo_password", "demo.lock")
_DATABASE_ENDINGS = ("", "-wal", "-shm", "-journal")


def close_to_others() -> list[str]:
    """Remove other users' permissions in the data folder; returns notices for the operator."""
    folder = Path(settings.CWEXPORT_DATA_DIR)
    was_open = _is_open(folder)
    sentences = [_close_folder(folder)] if was_open else []
    paths = [folder / name for name in _OWN_FOLDERS] + [folder / name for name in _OWN_FILES]
    paths += _database_files()
    if was_open:
        # Checked only now: in a closed folder nobody can reach these files, and they can be many.
        paths += [path for name in _OWN_FOLDERS for path in _below(folder / name)]
    closed = [_close(path) for path in paths if _is_open(path)]
    if any(closed):
        sentences.append(_closed_message(sum(closed)))
    return [sentence for sentence in sentences if sentence]


def _close_folder(folder: Path) -> str:
    params = {"folder": folder, "mode": f"{stat.S_IMODE(folder.stat().st_mode):04o}"}
    if _is_shared(folder):
        message = _(
            "%(folder)s is not a folder of its own, so other users can still see what is in it: "
            "set CWEXPORT_DATA_DIR to a folder that holds nothing else."
        )
    elif _close(folder):
        message = _(
            "The data folder %(folder)s was open to other users (%(mode)s); now only this user can "
            "enter it. If programs of other users pick files up, set CWEXPORT_EXPORT_DIR to a "
            "folder elsewhere."
        )
    else:
        message = _(
            "The data folder %(folder)s is open to other users (%(mode)s), and this user may not "
            "change that: chmod 700 it as its owner, or mount it with a mask of 077."
        )
    return message % params


def _close(path: Path) -> bool:
    """Remove other users' permissions; False when that did not work."""
    try:
        path.chmod(PRIVATE_FOLDER if path.is_dir() else PRIVATE)
    except OSError:
        return False
    return not _is_open(path)


def _is_open(path: Path) -> bool:
    """Whether other users have any permission; never for a link, which is not followed."""
    try:
        # The data folder itself may be a link to a larger disk, so that one is followed.
        found = path.stat() if path == Path(settings.CWEXPORT_DATA_DIR) else path.lstat()
    except OSError:
        return False
    return not stat.S_ISLNK(found.st_mode) and bool(found.st_mode & _OTHERS)


def _is_shared(folder: Path) -> bool:
    """Whether the folder also serves other purposes, as /tmp does, so that it must stay open."""
    others = [Path("/"), Path(settings.BASE_DIR)]
    with suppress(RuntimeError):  # in containers users often have no home
        others.append(Path.home())
    return bool(folder.stat().st_mode & stat.S_ISVTX) or folder.resolve() in others


def _database_files() -> list[Path]:
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return []
    return [Path(f"{database['NAME']}{ending}") for ending in _DATABASE_ENDINGS]


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        yield from (Path(place) / name for name in folders + files)


def _closed_message(count: int) -> str:
    return ngettext(
        "%(count)s file or folder in the data folder was open to other users; now it is not.",
        "%(count)s files and folders in the data folder were open to other users; now they are "
        "not.",
        count,
    ) % {"count": count}
