"""Where run files are kept; a file gets its final name only when whole (rules O2 to O4).

Part files are written and checked on this machine, in `runs/` of the data folder. Whole files are
where `CWEXPORT_FILES` says, by default in the data folder: `runs/` holds those of runs, `orphaned/`
those that belong to no run. `exports/` in the data folder, or the export folder, holds the newest
file of each task under its Output File name for other programs.
"""

import hashlib
import logging
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from django.conf import settings

from exports.connectwise.language import gettext as _
from exports.connectwise.regular_files import open_regular
from exports.models import Run
from exports.storage.folder_store import FolderStore
from exports.storage.folders import PART, folder_for, remove
from exports.storage.places import Place
from exports.storage.store import ORPHANED, RUNS, FileStore

logger = logging.getLogger(__name__)

_RUN_FILE = re.compile(
    r"run-(?P<run>\d+)-(?P<attempt>\d+)(-[0-9a-f]{8})?\.(?P<ending>xml|part|json|json\.part|xml\.part)"
)
_WHOLE_FILE = re.compile(r"run-(?P<run>\d+)-\d+(-[0-9a-f]{8}){0,2}\.(xml|json)")


@dataclass(frozen=True)
class FoundFile:
    """A file among those of runs; `is_whole` when it is XML under its final name.

    `is_part` when it is a part file of this machine.
    """

    name: str
    run_id: int
    attempt: int
    is_whole: bool
    is_part: bool = False


def store() -> FileStore:
    """The place for run files that the settings name."""
    return store_at(settings.CWEXPORT_FILES or Path(settings.CWEXPORT_DATA_DIR))


def store_at(place: Place) -> FileStore:
    if isinstance(place, Path):
        return FolderStore(place, is_own=place == Path(settings.CWEXPORT_DATA_DIR))
    # boto3 takes a second to load: only for who uses it.
    from exports.storage.s3_store import S3Store

    return S3Store(place)


def manifest_name(file_path: str) -> str:
    """The name of the manifest beside a run's file."""
    return str(PurePosixPath(file_path).with_suffix(".json"))


def open_file(run: Run) -> BinaryIO:
    """A succeeded run's file at its beginning, unchecked. Raises OSError."""
    return store().open(run.file_path)


def part_file(run: Run) -> Path:
    """The part file of the run's current attempt; its folder exists."""
    return folder_for(RUNS) / f"run-{run.pk}-{run.attempt}{PART}"


def checked_beginning(run: Run) -> Path | None:
    """The earlier attempt's part file on this machine if it matches the recorded hash (R4)."""
    if not run.part_name or run.part_size is None:
        return None
    part = folder_for(RUNS) / run.part_name
    beginning = hashlib.sha256()
    left = run.part_size
    try:
        with open_regular(part) as stream:
            while left and (chunk := stream.read(min(1 << 20, left))):
                beginning.update(chunk)
                left -= len(chunk)
    except FileNotFoundError:
        return None
    except OSError:
        logger.exception(_("The part file of %(run)s cannot be read."), {"run": run})
        return None
    return part if beginning.hexdigest() == run.part_sha256 else None


def new_name(run: Run) -> str:
    """A final name never used before."""
    return f"{RUNS}/run-{run.pk}-{run.attempt}-{secrets.token_hex(4)}.xml"


def publish(part: Path, name: str, manifest: bytes, *, size: int, sha256: str) -> None:
    """Give a checked and flushed part file its final name; doing it again finishes it.

    The manifest is written first, so that no file is ever without one. Raises OSError.
    """
    proof = hashlib.sha256(manifest).hexdigest()
    place = store()
    place.put(manifest_name(name), BytesIO(manifest), size=len(manifest), sha256=proof)
    place.take_part(part, name, size=size, sha256=sha256)


def withdraw(name: str) -> None:
    """The run will fail, so no file may have the name of a success."""
    for one in (name, manifest_name(name)):
        with suppress(OSError):
            store().remove(one)


def found_files() -> Iterator[FoundFile]:
    """All files whose name is that of a run: those kept, and the part files of this machine."""
    place = store()
    parts = folder_for(RUNS)
    yield from _found(place.names(RUNS))
    if place.where(RUNS) != str(parts):
        with os.scandir(parts) as entries:
            yield from _found(entry.name for entry in entries)


def _found(names: Iterator[str]) -> Iterator[FoundFile]:
    for name in names:
        if match := _RUN_FILE.fullmatch(name):
            numbers = int(match["run"]), int(match["attempt"])
            ending = match["ending"]
            yield FoundFile(name, *numbers, ending == "xml", is_part=ending == "part")


def is_run_file_name(name: str) -> bool:
    """Whether a whole run file, or the manifest of one, may be named so; also one set aside."""
    return _WHOLE_FILE.fullmatch(name) is not None


def remove_found(found: FoundFile) -> None:
    """Remove what is not whole; it may be gone already. Raises OSError."""
    if found.is_part:
        remove(folder_for(RUNS) / found.name)
    else:
        store().remove(f"{RUNS}/{found.name}")


def set_aside(found: FoundFile) -> str:
    """Move a whole file that no run owns to `orphaned/`, where nothing deletes it."""
    place = store()
    source = f"{RUNS}/{found.name}"
    target = f"{ORPHANED}/{found.name}"
    if place.exists(target):
        target = f"{target.removesuffix('.xml')}-{secrets.token_hex(4)}.xml"
    # The manifest first: if moving the file then fails, the next round tries again.
    with suppress(FileNotFoundError):
        place.move(manifest_name(source), manifest_name(target))
    place.move(source, target)
    place.flush(ORPHANED)
    return place.where(target)
