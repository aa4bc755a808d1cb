"""Where run files are stored; a file gets its final name only when whole (rules O2 to O4).

In the data folder, `runs/` holds the run files, `exports/` the newest file of each task under its
Output File name for other programs, `orphaned/` whole files that belong to no run.
"""

import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from exports.connectwise.plain_files import create_plain, open_plain
from exports.models import Run

PART = ".part"
_NOT_OFFERED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
PRIVATE_FOLDER, PUBLIC_FOLDER = 0o700, 0o755
_RUN_FILE = re.compile(
    r"run-(?P<run>\d+)-(?P<attempt>\d+)(-[0-9a-f]{8})?\.(?P<ending>xml|part|json|json\.part)"
)


@dataclass(frozen=True)
class FoundFile:
    """A file in the folder of runs; `is_whole` when it is XML under its final name."""

    path: Path
    run_id: int
    attempt: int
    is_whole: bool


def run_file(run: Run) -> Path:
    """The absolute path of a succeeded run's file."""
    return Path(settings.CWEXPORT_DATA_DIR) / run.file_path


def part_file(run: Run) -> Path:
    """The part file of the run's current attempt; its folder exists."""
    return folder_for("runs") / f"run-{run.pk}-{run.attempt}{PART}"


def checked_beginning(run: Run) -> Path | None:
    """The earlier attempt's part file if it still matches the recorded hash, else None (R4)."""
    if not run.part_name or run.part_size is None:
        return None
    part = folder_for("runs") / run.part_name
    beginning = hashlib.sha256()
    left = run.part_size
    try:
        with open_plain(part) as stream:
            while left and (chunk := stream.read(min(1 << 20, left))):
                beginning.update(chunk)
                left -= len(chunk)
    except FileNotFoundError:
        return None
    return part if beginning.hexdigest() == run.part_sha256 else None


def manifest_file(run: Run) -> Path:
    """The absolute path of the manifest beside a succeeded run's file."""
    return run_file(run).with_suffix(".json")


def publish(part: Path, run: Run, manifest: bytes) -> str:
    """Give a checked file a final name never used before; returns it relative to the data folder.

    The caller has flushed the content and this flushes the folder: after a crash the name exists
    with the whole content or not at all. The manifest is written first, so that no file is ever
    without one. Raises OSError, after removing the final name.
    """
    final = part.with_name(f"run-{run.pk}-{run.attempt}-{secrets.token_hex(4)}.xml")
    if final.exists():
        raise FileExistsError(_("%(file)s is already there.") % {"file": final.name})
    proof = final.with_suffix(".json")
    try:
        _write_whole(proof, BytesIO(manifest))
        part.rename(final)
        flush_folder(final.parent)
    except OSError:
        # The run will fail, so no file may have the name of a success.
        for path in (final, proof, _temp_name_of(proof)):
            with suppress(OSError):
                remove(path)
        raise
    return str(final.relative_to(settings.CWEXPORT_DATA_DIR))


def found_files() -> Iterator[FoundFile]:
    """All files in the folder of runs whose name is that of a run."""
    with os.scandir(folder_for("runs")) as entries:
        for entry in entries:
            if match := _RUN_FILE.fullmatch(entry.name):
                numbers = int(match["run"]), int(match["attempt"])
                yield FoundFile(Path(entry.path), *numbers, match["ending"] == "xml")


def set_aside(found: FoundFile) -> Path:
    """Move a whole file that no run owns to `orphaned/`, where nothing deletes it."""
    target = folder_for("orphaned") / found.path.name
    if target.exists():
        target = target.with_name(f"{target.stem}-{secrets.token_hex(4)}.xml")
    proof = found.path.with_suffix(".json")
    # The manifest first: if moving the file then fails, the next round tries again.
    with suppress(FileNotFoundError):
        _move(proof, target.with_suffix(".json"))
    _move(found.path, target)
    flush_folder(target.parent)
    return target


def remove(path: Path) -> None:
    """Remove a temporary file; it may be gone already."""
    with suppress(FileNotFoundError):
        path.unlink()


def folder_for(name: str) -> Path:
    """A folder in the data folder, or the configured export folder; created if missing."""
    folder = Path(settings.CWEXPORT_DATA_DIR) / name
    if name == "exports":
        folder = Path(settings.CWEXPORT_EXPORT_DIR or folder)
    if not folder.is_dir():
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        if name == "exports":
            # Other programs read this folder only.
            folder.chmod(PUBLIC_FOLDER)
        flush_folder(folder.parent)
    return folder


def _move(source: Path, target: Path) -> None:
    """Rename; on another file system copy the whole file, then delete the source."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with open_plain(source) as stream:
            _write_whole(target, stream)
        source.unlink()


def _write_whole(path: Path, content: BinaryIO) -> None:
    temp = _temp_name_of(path)
    # Remove the half-written file of a dead worker.
    remove(temp)
    with create_plain(temp, is_new=True) as stream:
        shutil.copyfileobj(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
    temp.rename(path)


def _temp_name_of(path: Path) -> Path:
    return path.with_name(f"{path.name}{PART}")


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
