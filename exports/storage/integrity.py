"""Whether a file is still the one that was written, by its SHA-256."""

import hashlib
from functools import lru_cache
from pathlib import Path

from exports.connectwise.plain_files import open_plain


def is_as_written(path: Path, sha256: str) -> bool:
    """Raises OSError. A large file is read once for as long as nobody touches it."""
    stat = path.stat(follow_symlinks=False)
    # The time of the last change of its entry, which nobody can set back, as the file's own can be.
    touched = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    return _sha256(path, touched) == sha256


@lru_cache(maxsize=256)
def _sha256(path: Path, touched: tuple[int, ...]) -> str:
    with open_plain(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
