"""Opens regular files only, never a link or pipe put in their place."""

import errno
import os
import stat
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final

from exports.connectwise.language import gettext as _

PRIVATE: Final = 0o600
# Without O_NONBLOCK, opening a pipe in place of a file would wait for ever.
_SAFE: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_regular(path: Path) -> BufferedReader:
    """Open for reading. Raises OSError, also for anything but a regular file."""
    return os.fdopen(_regular(path, os.O_RDONLY), "rb")


def create_plain(path: Path, *, is_new: bool = False, mode: int = PRIVATE) -> BinaryIO:
    """Open an empty file for writing, with exactly `mode` whatever the umask.

    With `is_new` the path must not exist yet. Raises OSError.
    """
    flags = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if is_new else 0)
    descriptor = _regular(path, flags, mode)
    try:
        _set_mode(descriptor, mode)
        os.ftruncate(descriptor, 0)
    except OSError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "wb", buffering=1 << 20)


def _regular(path: Path, flags: int, mode: int = PRIVATE) -> int:
    descriptor = os.open(path, flags | _SAFE, mode)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, _("%(file)s is not a file.") % {"file": path.name})
    return descriptor


def _set_mode(descriptor: int, mode: int) -> None:
    if stat.S_IMODE(os.fstat(descriptor).st_mode) == mode:
        return
    # Some network folders have one mode for all files; the start checks report it.
    with suppress(PermissionError):
        os.fchmod(descriptor, mode)
