"""What every place for run files can do, be it a folder or a bucket (rules O2, Q1).

A file is named by its path in the place, for example `runs/run-42-1-1f9a3c55.xml`. It is there
whole or not at all, and never changes: no name is used twice.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final

from exports.connectwise.language import gettext as _
from exports.models.codes import ErrorCode

RUNS, ORPHANED = "runs", "orphaned"
ID_FILE: Final = "installation_id"
# Where the files went, so that nothing starts with the place they were moved away from.
MOVED_FILE: Final = "files_moved_to"

_is_over: ContextVar[Callable[[], bool]] = ContextVar("is_over", default=lambda: False)


@contextmanager
def stopped_by(is_over: Callable[[], bool]) -> Iterator[None]:
    """In this thread, break off calls to a storage elsewhere with StoppedError once it is over."""
    token = _is_over.set(is_over)
    try:
        yield
    finally:
        _is_over.reset(token)


def is_over() -> bool:
    return _is_over.get()()


class StorageError(OSError):
    """The place for run files refused, or did not answer; `str()` says which and what to do."""

    code = ErrorCode.STORAGE_REFUSED

    def __init__(self, sentence: str) -> None:
        super().__init__(None, sentence)

    def __str__(self) -> str:
        return str(self.strerror)


class StorageUnreachableError(StorageError):
    """It did not answer: the same may succeed in a moment."""

    code = ErrorCode.STORAGE_UNREACHABLE


class FileChangedError(StorageError):
    """The file is there, but not as it was written."""

    def __init__(self, name: str) -> None:
        super().__init__(_("%(file)s is not what was written.") % {"file": name})


class FileStore(ABC):
    """A place for run files. All methods raise OSError; FileNotFoundError for a missing file."""

    @abstractmethod
    def where(self, name: str = "") -> str:
        """Where a file is, in words that an operator can look up."""

    @abstractmethod
    def take_part(self, part: Path, name: str, *, size: int, sha256: str) -> None:
        """Publish a flushed part file; it may be moved, and else stays.

        Raises FileExistsError for a name that another content has.
        """

    @abstractmethod
    def put(self, name: str, content: BinaryIO, *, size: int, sha256: str) -> None:
        """Write a whole file and verify it; one of the same content may be there already.

        Raises FileExistsError for a name that another content has.
        """

    @abstractmethod
    def open(self, name: str) -> BufferedReader:
        """The file at its beginning, to be read and searched."""

    @abstractmethod
    def open_checked(self, name: str, *, size: int, sha256: str) -> BinaryIO:
        """The file, only as it was written. Raises FileChangedError.

        What can be compared is compared before the first byte; else reading the last one raises.
        """

    @abstractmethod
    def is_as_written(self, name: str, *, size: int, sha256: str) -> bool:
        """Whether the file is as it was written, as far as can be told without reading it twice."""

    @abstractmethod
    def sha256(self, name: str) -> str:
        """Of the file as it is now."""

    @abstractmethod
    def size(self, name: str) -> int:
        """In bytes."""

    @abstractmethod
    def names(self, folder: str) -> Iterator[str]:
        """The names of all files in `runs` or `orphaned`, without the folder."""

    @abstractmethod
    def move(self, name: str, target: str) -> None:
        """Give the file another name; killed in between, doing it again finishes it."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Delete the file; it may be gone already."""

    @abstractmethod
    def flush(self, folder: str) -> None:
        """Make what was moved or removed there survive a crash."""

    @abstractmethod
    def local_copy(self, name: str) -> AbstractContextManager[Path]:
        """The file under a path of this machine, for what needs one."""

    @abstractmethod
    def read_note(self, name: str) -> str | None:
        """A small text beside the folders, such as the installation's id; None without one."""

    @abstractmethod
    def write_note(self, name: str, text: str, *, is_new: bool = False) -> None:
        """Replace the note; when `is_new`, one that is there already stays where possible."""

    @abstractmethod
    def check(self) -> None:
        """Write and remove a file as runs do. Raises StorageError with what to do."""

    def exists(self, name: str) -> bool:
        try:
            self.size(name)
        except FileNotFoundError:
            return False
        return True
