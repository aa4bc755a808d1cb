"""Folders of this machine: names that survive a crash, files that are whole or not there."""

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from django.conf import settings

from exports.connectwise.regular_files import create_plain, open_regular

PART: Final = ".part"
PRIVATE_FOLDER, PUBLIC_FOLDER = 0o700, 0o755
_NOT_OFFERED: Final = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


def folder_for(name: str) -> Path:
    """A folder in the data folder, or the configured export folder; created if missing."""
    folder = Path(settings.CWEXPORT_DATA_DIR) / name
    if name == "exports":
        folder = Path(settings.CWEXPORT_EXPORT_DIR or folder)
    if not folder.is_dir():
        made = make_folder(folder)
        if name == "exports":
            # Other programs read this folder only.
            made.chmod(PUBLIC_FOLDER)
    return folder


def make_folder(folder: Path) -> Path:
    """The folder, created if missing so that its name survives a crash. Raises OSError."""
    if not folder.is_dir():
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        flush_folder(folder.parent)
    return folder


def flush_folder(folder: Path) -> None:
    """Make the names in the folder survive a crash. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems (CIFS, FUSE) cannot flush folders; the start checks report it.
        if error.errno not in _NOT_OFFERED:
            raise
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file; it may be gone already."""
    with suppress(FileNotFoundError):
        path.unlink()


def move(source: Path, target: Path) -> None:
    """Rename; on another file system copy the whole file, then delete the source."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with open_regular(source) as stream:
            write_whole(target, stream)
        source.unlink()


def write_whole(path: Path, content: BinaryIO) -> None:
    """Write a file that has its name only once it is whole and flushed. Raises OSError."""
    temp = temp_name_of(path)
    # Remove the half-written file of a dead worker.
    remove(temp)
    with create_plain(temp, is_new=True) as stream:
        shutil.copyfileobj(content, stream, 1 << 20)
        stream.flush()
        os.fsync(stream.fileno())
    temp.rename(path)


def temp_name_of(path: Path) -> Path:
    return path.with_name(f"{path.name}{PART}")
