"""Run files below a prefix of a bucket (rules O2, Q1, Q3).

A file is put in one request, which leaves the whole object or none. The server compares its SHA-256
while it arrives, and refuses to replace an object; one that knows neither is asked for what it has.
"""

import base64
import errno
import hashlib
import io
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, Final

from exports.connectwise.language import gettext as _
from exports.storage.folders import folder_for
from exports.storage.places import S3Place
from exports.storage.s3_calls import S3Calls, calls_of
from exports.storage.s3_checksums import checksum_of, told_checksum
from exports.storage.s3_reader import Body, CheckedReader, HashedReader, S3Reader
from exports.storage.store import (
    RUNS,
    FileChangedError,
    FileStore,
    StorageError,
)

# More than this no server takes in one request.
LARGEST: Final = 5 << 30
_BUFFER: Final = 1 << 18
_XML, _JSON = "application/xml", "application/json"


class S3Store(FileStore):
    def __init__(self, place: S3Place) -> None:
        self._place = place

    def where(self, name: str = "") -> str:
        return f"s3://{self._place.bucket}/{self._place.prefix}{name}".rstrip("/")

    def take_part(self, part: Path, name: str, *, size: int, sha256: str) -> None:
        with part.open("rb") as content:
            self.put(name, content, size=size, sha256=sha256)
        part.unlink(missing_ok=True)

    def put(self, name: str, content: BinaryIO, *, size: int, sha256: str) -> None:
        if size > LARGEST:
            raise StorageError(_("The storage takes no file of more than 5 GB."))
        sent = HashedReader(content)
        try:
            self._calls.put_new(
                self._key(name),
                sent,
                ContentLength=size,
                ContentType=_JSON if name.endswith(".json") else _XML,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=checksum_of(sha256),
            )
        except FileExistsError:
            # A try whose answer was lost may have put it.
            if not self._is_there(name, size, sha256):
                message = _("%(file)s is already there.") % {"file": self.where(name)}
                raise FileExistsError(errno.EEXIST, message) from None
            return
        # The first is about what was read here, the second about what arrived there.
        if sent.sha256 != sha256 or not self._is_there(name, size, sha256):
            self.remove(name)
            raise FileChangedError(name)

    def open(self, name: str) -> BufferedReader:
        return self._opened(name)[0]

    def open_checked(self, name: str, *, size: int, sha256: str) -> BinaryIO:
        content, found = self._opened(name)
        if found["ContentLength"] != size or not _may_be(found, sha256):
            content.close()
            raise FileChangedError(name)
        checked = CheckedReader(content, self.where(name), sha256)
        return BufferedReader(checked, _BUFFER)

    def is_as_written(self, name: str, *, size: int, sha256: str) -> bool:
        found = self._head(name)
        return _may_be(found, sha256) and bool(found["ContentLength"] == size)

    def sha256(self, name: str) -> str:
        told = told_checksum(self._head(name))
        return self._read_sha256(name) if told is None else base64.b64decode(told).hex()

    def size(self, name: str) -> int:
        return int(self._head(name)["ContentLength"])

    def names(self, folder: str) -> Iterator[str]:
        start = self._key(f"{folder}/")
        for key in self._calls.keys(start):
            yield key.removeprefix(start)

    def move(self, name: str, target: str) -> None:
        """A copy inside the storage, then the original goes; a killed move is done again."""
        source = {"Bucket": self._place.bucket, "Key": self._key(name)}
        self._head(name)
        self._calls.call(
            "copy_object", Key=self._key(target), CopySource=source, ChecksumAlgorithm="SHA256"
        )
        if self.size(target) != self.size(name):
            raise FileChangedError(target)
        self.remove(name)

    def remove(self, name: str) -> None:
        self._calls.call("delete_object", Key=self._key(name))

    def flush(self, folder: str) -> None:
        """What was answered is stored."""

    @contextmanager
    def local_copy(self, name: str) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile(dir=folder_for("tmp"), prefix=".stored-") as copy:
            with self.open(name) as content:
                while chunk := content.read(_BUFFER):
                    copy.write(chunk)
            copy.flush()
            yield Path(copy.name)

    def read_note(self, name: str) -> str | None:
        try:
            with self.open(name) as content:
                return content.read(1_000).decode("utf-8", "replace").strip()
        except FileNotFoundError:
            return None

    def write_note(self, name: str, text: str, *, is_new: bool = False) -> None:
        content = io.BytesIO(f"{text}\n".encode())
        if not is_new:
            self._calls.call("put_object", Key=self._key(name), Body=content)
            return
        with suppress(FileExistsError):
            self._calls.put_new(self._key(name), content)

    def check(self) -> None:
        name = f"{RUNS}/.start-{secrets.token_hex(4)}"
        content = b"<Batches/>"
        sha256 = hashlib.sha256(content).hexdigest()
        next(iter(self.names(RUNS)), None)
        self.put(name, io.BytesIO(content), size=len(content), sha256=sha256)
        self.remove(name)

    @property
    def _calls(self) -> S3Calls:
        return calls_of(self._place)

    def _key(self, name: str) -> str:
        return f"{self._place.prefix}{name}"

    def _head(self, name: str) -> dict[str, Any]:
        return self._calls.call("head_object", Key=self._key(name), ChecksumMode="ENABLED")

    def _is_there(self, name: str, size: int, sha256: str) -> bool:
        """Whether the whole content is stored; a server without checksums has to send it back."""
        found = self._head(name)
        if found["ContentLength"] != size:
            return False
        if told_checksum(found) is None:
            return self._read_sha256(name) == sha256
        return _may_be(found, sha256)

    def _read_sha256(self, name: str) -> str:
        with self.open(name) as content:
            return hashlib.file_digest(content, "sha256").hexdigest()

    def _opened(self, name: str) -> tuple[BufferedReader, dict[str, Any]]:
        key = self._key(name)
        found = self._calls.call("get_object", Key=key, ChecksumMode="ENABLED")
        open_from = partial(self._body_from, key, found["ETag"])
        body = self._calls.body(found)
        reader = S3Reader(open_from, int(found["ContentLength"]), body)
        return BufferedReader(reader, _BUFFER), found

    def _body_from(self, key: str, etag: str, position: int) -> Body:
        found = self._calls.call("get_object", Key=key, IfMatch=etag, Range=f"bytes={position}-")
        return self._calls.body(found)


def _may_be(found: dict[str, Any], sha256: str) -> bool:
    """Whether the server tells this SHA-256, or none."""
    return told_checksum(found) in (checksum_of(sha256), None)
