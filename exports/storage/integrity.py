"""Checks a stored file against its recorded SHA-256."""

import hashlib
from functools import lru_cache
from pathlib import Path

from exports.connectwise.plain_files import open_plain


def is_as_written(path: Path, sha256: str) -> bool:
    """Whether the file has this hash; cached until the file is changed. Raises OSError."""
    stat = path.stat(follow_symlinks=False)
    # Includes the ctime, which unlike the mtime cannot be set back.
    touched = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    return _sha256(path, touched) == sha256


@lru_cache(maxsize=256)
def _sha256(path: Path, touched: tuple[int, ...]) -> str:
    with open_plain(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
