"""A run's file on its way out: read once, checked while it is read, named when it may be."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from exports.connectwise.language import gettext as _
from exports.delivery.errors import DeliveryError
from exports.models import Delivery
from exports.models.codes import DeliveryErrorCode
from exports.storage import files
from exports.storage.folders import PART
from exports.storage.run_log import RunLog

CHUNK = 1 << 20


class CheckedReader:
    """Reads a file in chunks and compares it with what was recorded, before its last chunk is out.

    So an upload of a file that was changed never becomes whole. Raises DeliveryError.
    """

    def __init__(
        self, stream: BinaryIO, *, size: int, sha256: str, checkpoint: Callable[[], None]
    ) -> None:
        self._stream = stream
        self._size = size
        self._sha256 = sha256
        self._checkpoint = checkpoint
        self._hash = hashlib.sha256()
        self._position = 0

    def __len__(self) -> int:
        """What is left to read, as HTTP libraries ask for the length of a body."""
        return self._size - self._position

    def __bool__(self) -> bool:
        # An HTTP library must not take a body that was read for none.
        return True

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(CHUNK):
            yield chunk

    def read(self, size: int = -1) -> bytes:
        self._checkpoint()
        most = CHUNK if size is None or size < 0 else min(size, CHUNK)
        chunk = self._stream.read(most) if size else b""
        self._position += len(chunk)
        self._hash.update(chunk)
        if chunk and self._position < self._size:
            return chunk
        if size and not self._is_as_recorded():
            raise DeliveryError(
                DeliveryErrorCode.FILE_CHANGED,
                _("The run's own file is no longer what was recorded; restore it from a backup."),
            )
        return chunk

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        """Back to the beginning, or to the end as some libraries measure; nothing else."""
        if (offset, whence) == (0, 0):
            self._stream.seek(0)
            self._hash, self._position = hashlib.sha256(), 0
        elif (offset, whence) == (0, 2):
            self._position = self._size
        return self._position

    def _is_as_recorded(self) -> bool:
        return self._position == self._size and self._hash.hexdigest() == self._sha256


@dataclass(frozen=True)
class Parcel:
    """What a kind of destination gets to deliver."""

    delivery: Delivery
    checkpoint: Callable[[], None]
    # Raises SupersededError, or DeliveryError when the name belongs to another task.
    check_turn: Callable[[], None]

    @property
    def file_name(self) -> str:
        return self.delivery.file_name

    @property
    def size(self) -> int:
        return self.delivery.run.file_size or 0

    @property
    def sha256(self) -> str:
        return self.delivery.run.file_sha256

    @property
    def noted_temp_name(self) -> str:
        """The whole file under its temporary name, which an earlier try was about to rename."""
        return self.delivery.temp_name

    @property
    def is_retry(self) -> bool:
        return self.delivery.attempt_count > 1

    @property
    def temp_prefix(self) -> str:
        """How the temporary names of all tries of this delivery begin."""
        return f".cwexport-{self.delivery.pk}-{self.sha256[:8]}-"

    def new_temp_name(self, mark: str = "") -> str:
        return f"{self.temp_prefix}{mark}{secrets.token_hex(4)}{PART}"

    def note(self, temp_name: str) -> None:
        """Record that the whole file is about to be renamed. Raises DeliveryLostError."""
        self.delivery.note_temp_name(temp_name)

    @property
    def begun_upload(self) -> str:
        """The ID of the upload in parts that an earlier try began there, or ""."""
        return self.delivery.upload_id

    def note_upload(self, upload_id: str) -> None:
        """Record an upload that nothing was sent to yet. Raises DeliveryLostError."""
        self.delivery.note_upload(upload_id)

    def warn(self, sentence: str) -> None:
        """Say it in the run's log, once."""
        RunLog(self.delivery.run).warning_once(sentence)

    @contextmanager
    def open(self) -> Iterator[CheckedReader]:
        """The file from its beginning. Raises OSError, DeliveryError."""
        with self._opened() as stream:
            yield CheckedReader(
                stream, size=self.size, sha256=self.sha256, checkpoint=self.checkpoint
            )

    def _opened(self) -> BinaryIO:
        try:
            return files.open_file(self.delivery.run)
        except FileNotFoundError:
            raise DeliveryError(
                DeliveryErrorCode.FILE_MISSING,
                _(
                    "The run's own file is not on this machine: it was removed, or lies in the "
                    "data folder of another machine."
                ),
            ) from None
