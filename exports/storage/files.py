"""Where run files live and how one appears under its name only when whole (rules O2 to O4).

Below the data folder: `runs/` holds every run's own file, `exports/` the newest of each task
under its Output File name for programs that pick it up, `orphaned/` whole files that the history
does not know.
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
    """A file in the folder of runs; `is_whole` when an XML file stands under its final name."""

    path: Path
    run_id: int
    attempt: int
    is_whole: bool


def run_file(run: Run) -> Path:
    """The absolute path of a succeeded run's own file."""
    return Path(settings.CWEXPORT_DATA_DIR) / run.file_path


def part_file(run: Run) -> Path:
    """Where this attempt of a run writes until its file is whole; the folder exists."""
    return folder_for("runs") / f"run-{run.pk}-{run.attempt}{PART}"


def checked_beginning(run: Run) -> Path | None:
    """The part file of an earlier attempt whose beginning is as recorded; None without one (R4)."""
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
    """The absolute path of the proof beside a succeeded run's own file."""
    return run_file(run).with_suffix(".json")


def publish(part: Path, run: Run, manifest: bytes) -> str:
    """Give a checked file a final name never used before; returns it relative to the data folder.

    The caller has flushed the content; the folder is flushed here, so that after a crash the
    name is either there with the whole content or not there. The manifest comes first, so that no
    file ever stands there without its proof. Raises OSError, and leaves no final name then.
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
        # What the history will call a failure must not be found under the name of a success.
        for path in (final, proof, _temp_name_of(proof)):
            with suppress(OSError):
                remove(path)
        raise
    return str(final.relative_to(settings.CWEXPORT_DATA_DIR))


def found_files() -> Iterator[FoundFile]:
    """The files in the folder of runs that carry a run's name, one after the other."""
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
    # First, so that a move that fails half way goes on where it was.
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
    """A folder below the data folder, or the one the operator chose for `exports`; it exists."""
    folder = Path(settings.CWEXPORT_DATA_DIR) / name
    if name == "exports":
        folder = Path(settings.CWEXPORT_EXPORT_DIR or folder)
    if not folder.is_dir():
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        if name == "exports":
            # Other programs pick up from here; what else there is concerns nobody else.
            folder.chmod(PUBLIC_FOLDER)
        flush_folder(folder.parent)
    return folder


def _move(source: Path, target: Path) -> None:
    """Rename; to another file system by a whole copy, after which the source goes."""
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
    # What a worker that died has left there is half of something.
    remove(temp)
    with create_plain(temp, is_new=True) as stream:
        shutil.copyfileobj(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
    temp.rename(path)


def _temp_name_of(path: Path) -> Path:
    return path.with_name(f"{path.name}{PART}")


def flush_folder(folder: Path) -> None:
    """After a crash its names are as they are now. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems (CIFS, FUSE) flush no folders; the start of the program says so.
        if error.errno not in _NOT_OFFERED:
            raise
    finally:
        os.close(descriptor)
