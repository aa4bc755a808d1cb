"""Run files in a folder: by default the data folder, or one that several machines share."""

import errno
import hashlib
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final

from exports.connectwise.language import gettext as _
from exports.connectwise.regular_files import create_plain, open_regular
from exports.storage.folders import (
    flush_folder,
    make_folder,
    move,
    remove,
    temp_name_of,
    write_whole,
)
from exports.storage.made_once import made_once
from exports.storage.store import (
    ID_FILE,
    RUNS,
    FileChangedError,
    FileStore,
    StorageError,
    StorageUnreachableError,
)

_MOST_OF_A_NOTE: Final = 1_000


class FolderStore(FileStore):
    def __init__(self, folder: Path, *, is_own: bool = True) -> None:
        """`is_own`: the data folder, which is there while this program runs; no share."""
        self.folder = folder
        self._is_own = is_own

    def where(self, name: str = "") -> str:
        return str(self.folder / name)

    def take_part(self, part: Path, name: str, *, size: int, sha256: str) -> None:
        if part.parent == (self.folder / name).parent:
            target = self._new(name)
            part.rename(target)
            flush_folder(target.parent)
            return
        self._check_mounted()
        with open_regular(part) as content:
            self.put(name, content, size=size, sha256=sha256)
        remove(part)

    def put(self, name: str, content: BinaryIO, *, size: int, sha256: str) -> None:
        try:
            target = self._new(name)
        except FileExistsError:
            if self.sha256(name) != sha256:
                raise
            return
        try:
            write_whole(target, content)
            if self.size(name) != size or self.sha256(name) != sha256:
                raise FileChangedError(name)
            flush_folder(target.parent)
        except OSError:
            for path in (target, temp_name_of(target)):
                with suppress(OSError):
                    remove(path)
            raise

    def open(self, name: str) -> BufferedReader:
        return open_regular(self.folder / name)

    def open_checked(self, name: str, *, size: int, sha256: str) -> BinaryIO:
        content = self.open(name)
        if hashlib.file_digest(content, "sha256").hexdigest() != sha256:
            content.close()
            raise FileChangedError(name)
        content.seek(0)
        return content

    def is_as_written(self, name: str, *, size: int, sha256: str) -> bool:
        """Cached until the file is changed."""
        path = self.folder / name
        stat = path.stat(follow_symlinks=False)
        # Includes the ctime, which unlike the mtime cannot be set back.
        touched = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        return _sha256(path, touched) == sha256

    def sha256(self, name: str) -> str:
        with self.open(name) as content:
            return hashlib.file_digest(content, "sha256").hexdigest()

    def size(self, name: str) -> int:
        return (self.folder / name).stat(follow_symlinks=False).st_size

    def names(self, folder: str) -> Iterator[str]:
        with suppress(FileNotFoundError), os.scandir(self.folder / folder) as entries:
            for entry in entries:
                yield entry.name

    def move(self, name: str, target: str) -> None:
        make_folder((self.folder / target).parent)
        move(self.folder / name, self.folder / target)

    def remove(self, name: str) -> None:
        remove(self.folder / name)

    def flush(self, folder: str) -> None:
        flush_folder(make_folder(self.folder / folder))

    @contextmanager
    def local_copy(self, name: str) -> Iterator[Path]:
        yield self.folder / name

    def read_note(self, name: str) -> str | None:
        try:
            with self.open(name) as stream:
                return stream.read(_MOST_OF_A_NOTE).decode("utf-8", "replace").strip()
        except FileNotFoundError:
            return None

    def write_note(self, name: str, text: str, *, is_new: bool = False) -> None:
        """Whole at once, as several processes may start at the same moment."""
        # A share is made by whoever mounts it.
        folder = make_folder(self.folder) if self._is_own else self.folder
        path = folder / name
        if is_new:
            made_once(path, f"{text}\n")
            return
        temp = path.with_name(f".{name}.{os.getpid()}")
        with create_plain(temp) as stream:
            stream.write(f"{text}\n".encode())
            stream.flush()
            os.fsync(stream.fileno())
        temp.replace(path)
        with suppress(OSError):
            flush_folder(path.parent)

    def check(self) -> None:
        """The data folder has checks of its own (`capabilities`)."""
        if self._is_own:
            return
        name = f"{RUNS}/.start-{secrets.token_hex(4)}.tried"
        content, sha256 = b"<Batches/>", hashlib.sha256(b"<Batches/>").hexdigest()
        try:
            if not self.folder.is_dir():
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            self.put(name, io.BytesIO(content), size=len(content), sha256=sha256)
            self.remove(name)
        except OSError as error:
            message = _(
                "No file can be written in %(folder)s, which CWEXPORT_FILES names: %(reason)s. "
                "Create or mount it, let the user of this program write there, or name another "
                "folder."
            )
            reason = error.strerror or error
            raise StorageError(message % {"folder": self.folder, "reason": reason}) from None

    def _new(self, name: str) -> Path:
        """The path of a file to be written. Raises FileExistsError."""
        target = self.folder / name
        make_folder(target.parent)
        if target.exists():
            message = _("%(file)s is already there.")
            raise FileExistsError(errno.EEXIST, message % {"file": target.name})
        return target

    def _check_mounted(self) -> None:
        """Without its id a share is not mounted, and its mount point must not get the files."""
        if not self._is_own and not (self.folder / ID_FILE).exists():
            message = _(
                "The folder %(folder)s does not hold the files of this installation: is it mounted?"
            )
            raise StorageUnreachableError(message % {"folder": self.folder})


@lru_cache(maxsize=256)
def _sha256(path: Path, touched: tuple[int, ...]) -> str:
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
