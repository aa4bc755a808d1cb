"""The archive: a gzipped tar, written and read in one pass with flat memory.

First `about.json`, then the members, last `manifest.json` with the SHA-256 of each: an archive that
was cut off has no end.
"""

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

from django.utils.translation import gettext as _

from exports.backups.errors import BackupError
from exports.backups.sealing import MAGIC, OpeningReader, SealingWriter, truncated
from exports.connectwise.regular_files import open_regular

ABOUT: Final = "about.json"
MANIFEST: Final = "manifest.json"
DATABASES: Final = {"sqlite": "database.sqlite3", "postgresql": "database.sql"}
KEYS: Final = ("keys/encryption_keys", "keys/secret_key")
_RUN_FILE: Final = r"(runs|orphaned)/run-\d{1,18}-\d{1,9}(-[0-9a-f]{8}){0,2}\.(xml|json)"
_KNOWN: Final = re.compile("|".join([*map(re.escape, [*DATABASES.values(), *KEYS]), _RUN_FILE]))
_SMALL: Final = 16 << 20
_CHUNK: Final = 1 << 20
_GZIP: Final = b"\x1f\x8b"


@dataclass
class Written:
    """What is in the archive so far."""

    members: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def file_count(self) -> int:
        return sum(row["name"].endswith(".xml") for row in self.members)


class ArchiveWriter:
    """Adds members one after another; `finish` ends the archive."""

    def __init__(self, target: BinaryIO, about: dict[str, Any], passphrase: str = "") -> None:
        self._sealing = SealingWriter(target, passphrase) if passphrase else None
        # Level 3 takes a third of the time of 9 for a few per cent more bytes.
        inner: Any = self._sealing or target
        self._gzip = gzip.GzipFile(fileobj=inner, mode="wb", compresslevel=3, filename="")
        self._tar = tarfile.TarFile.open(fileobj=self._gzip, mode="w|", format=tarfile.PAX_FORMAT)
        self.written = Written()
        self._add_bytes(ABOUT, _json(about))

    def add_file(self, name: str, path: Path) -> str:
        """Returns its SHA-256."""
        with open_regular(path) as stream:
            return self.add_stream(name, stream)

    def add_stream(self, name: str, stream: BinaryIO) -> str:
        """Returns the SHA-256 of all that it holds."""
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        return self._add(name, stream, size)

    def add_text(self, name: str, text: str) -> None:
        self._add_bytes(name, text.encode())

    def finish(self) -> None:
        content = _json({"members": self.written.members, "missing": self.written.missing})
        self._add_bytes(MANIFEST, content)
        self._tar.close()
        self._gzip.close()
        if self._sealing is not None:
            self._sealing.finish()

    def _add_bytes(self, name: str, content: bytes) -> None:
        self._add(name, io.BytesIO(content), len(content))

    def _add(self, name: str, stream: IO[bytes], size: int) -> str:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        hashed = _Hashed(stream)
        # Raises OSError where the file is shorter than it was a moment ago.
        self._tar.addfile(entry, hashed)
        sha256 = hashed.sha256.hexdigest()
        self.written.members.append({"name": name, "size": size, "sha256": sha256})
        return sha256


class _Hashed:
    """Hashes what is read through it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.sha256 = hashlib.sha256()
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self.sha256.update(chunk)
        return chunk


@dataclass(frozen=True)
class Content:
    """A whole archive's: what it says of itself, and what is in it."""

    about: dict[str, Any]
    members: list[dict[str, Any]]
    missing: list[str]


# Called with the name of each member; returns where its content goes, None for nowhere.
Sink = Callable[[str], BinaryIO | None]


def is_encrypted(path: Path) -> bool:
    """Raises BackupError for a file that is no backup or cannot be read."""
    with _opened(path) as stream:
        start = stream.read(len(MAGIC))
    if start == MAGIC:
        return True
    if start[:2] != _GZIP:
        raise BackupError(_("%(file)s is no backup of cwexport.") % {"file": path})
    return False


def read_archive(
    path: Path,
    passphrase: str,
    *,
    on_about: Callable[[dict[str, Any]], None],
    sink: Sink = lambda name: None,
) -> Content:
    """Read the archive to its end and compare all hashes. Raises BackupError.

    `on_about` gets its first member and may raise BackupError before anything else is read.
    """
    is_sealed = is_encrypted(path)
    if is_sealed and not passphrase:
        raise BackupError(
            _(
                "This backup is encrypted: name the file with its passphrase by --passphrase-file, "
                "or set CWEXPORT_BACKUP_PASSPHRASE."
            )
        )
    with _opened(path) as stream:
        source: Any = stream
        if is_sealed:
            stream.read(len(MAGIC))
            source = OpeningReader(stream, passphrase)
        try:
            return _read(source, on_about, sink)
        except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError, ValueError, KeyError):
            raise truncated() from None


def _read(source: BinaryIO, on_about: Callable[[dict[str, Any]], None], sink: Sink) -> Content:
    found: dict[str, tuple[int, str]] = {}
    about: dict[str, Any] | None = None
    manifest: dict[str, Any] | None = None
    unzipped = gzip.GzipFile(fileobj=source, mode="rb")
    with tarfile.open(fileobj=unzipped, mode="r|") as tar:
        for entry, stream in _entries(tar):
            if manifest is not None:
                raise truncated()
            if entry.name == MANIFEST:
                manifest = json.loads(stream.read())
            elif about is None:
                about = _about(entry, stream, found)
                on_about(about)
            else:
                found[entry.name] = _copied(stream, sink(entry.name))
    # To the very end, so that the check sums of gzip and the last sealed chunk are looked at.
    while unzipped.read(_CHUNK):
        pass
    if manifest is None or about is None:
        raise truncated()
    _compare(manifest["members"], found)
    return Content(about, manifest["members"], [str(name) for name in manifest["missing"]])


def _entries(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """The members; refuses whatever this program does not write (links, foreign names)."""
    for entry in tar:
        stream = tar.extractfile(entry) if entry.isreg() else None
        is_known = entry.name in (ABOUT, MANIFEST) or _KNOWN.fullmatch(entry.name)
        if stream is None or not is_known:
            message = _("The backup holds %(name)s, which this version does not know.")
            raise BackupError(message % {"name": repr(entry.name[:200])})
        yield entry, stream


def _about(
    entry: tarfile.TarInfo, stream: IO[bytes], found: dict[str, tuple[int, str]]
) -> dict[str, Any]:
    if entry.name != ABOUT or entry.size > _SMALL:
        raise truncated()
    content = stream.read(_SMALL)
    found[ABOUT] = (len(content), hashlib.sha256(content).hexdigest())
    about = json.loads(content)
    if not isinstance(about, dict):
        raise truncated()
    return about


def _copied(stream: IO[bytes], target: BinaryIO | None) -> tuple[int, str]:
    size, sha256 = 0, hashlib.sha256()
    try:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            sha256.update(chunk)
            if target is not None:
                target.write(chunk)
    finally:
        if target is not None:
            target.close()
    return size, sha256.hexdigest()


def _compare(members: list[dict[str, Any]], found: dict[str, tuple[int, str]]) -> None:
    listed = {row["name"]: (row["size"], row["sha256"]) for row in members}
    if listed != found:
        wrong = sorted(name for name in {*listed, *found} if listed.get(name) != found.get(name))
        message = _("The backup is damaged: %(name)s is not what was backed up.")
        raise BackupError(message % {"name": wrong[0]})


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        stream = path.open("rb")
    except OSError as error:
        message = _("%(file)s cannot be read: %(reason)s.")
        raise BackupError(message % {"file": path, "reason": error.strerror}) from None
    with stream:
        yield stream


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False).encode()
