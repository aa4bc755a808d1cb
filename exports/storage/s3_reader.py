"""Reads an object as a file: streamed, searchable, and never of another content half way."""

import hashlib
import io
import logging
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol

from exports.connectwise.language import gettext as _
from exports.storage.store import FileChangedError, StorageUnreachableError

logger = logging.getLogger(__name__)

# How often a download that was cut off is taken up again where it stopped.
_TIMES = 3


class Body(Protocol):
    def read(self, amount: int) -> bytes: ...
    def close(self) -> None: ...


class _Readable(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


class S3Reader(_Readable):
    """`open_from` gives the body from a position on."""

    def __init__(self, open_from: Callable[[int], Body], size: int, body: Body | None) -> None:
        """`body`, if there is one, is that from the beginning."""
        self._open_from = open_from
        self._size = size
        self._body = body
        self._position = 0

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset != self._position:
            self._drop()
            self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        if self._position >= self._size or not len(buffer):
            return 0
        chunk = self._read(min(len(buffer), self._size - self._position))
        buffer[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)

    def close(self) -> None:
        self._drop()
        super().close()

    def _read(self, amount: int) -> bytes:
        for left in reversed(range(_TIMES)):
            try:
                if self._body is None:
                    self._body = self._open_from(self._position)
                if chunk := self._body.read(amount):
                    return chunk
                raise StorageUnreachableError(_("The storage ended a file before its end."))
            except StorageUnreachableError:
                self._drop()
                if not left:
                    raise
        return b""

    def _drop(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.close()


class CheckedReader(_Readable):
    """A file whose last bytes are read only when all are as they were written.

    Raises FileChangedError in their place, so whoever reads it never gets a whole wrong file.
    """

    def __init__(self, content: io.BufferedReader, name: str, sha256: str) -> None:
        self._content = content
        self._name = name
        self._sha256 = sha256
        self._hash = hashlib.sha256()
        self._hashed = 0
        self._size = content.seek(0, io.SEEK_END)
        content.seek(0)

    def tell(self) -> int:
        return self._content.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._content.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        position = self._content.tell()
        count = self._content.readinto(buffer)
        if position == self._hashed:
            self._hash.update(memoryview(buffer)[:count])
            self._hashed += count
        is_over = self._hashed >= self._size
        if is_over and self._hash.hexdigest() != self._sha256:
            changed = FileChangedError(self._name)
            logger.error(_("%(reason)s Its transfer was broken off."), {"reason": changed})
            raise changed
        return count

    def close(self) -> None:
        self._content.close()
        super().close()


class HashedReader(_Readable):
    """Hashes a body while it is sent; sent again from its beginning, it is hashed again."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def tell(self) -> int:
        return self._content.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._hash = hashlib.sha256()
        return self._content.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        chunk = self._content.read(len(buffer))
        self._hash.update(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)
