"""Makes a backup while the product runs: the database first, then the files its runs name."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from django.conf import settings
from django.db import DatabaseError
from django.utils.translation import gettext as _

from exports import clock
from exports.backups.archive import KEYS, ArchiveWriter
from exports.backups.errors import BackupError
from exports.backups.own_folder import own_folder
from exports.backups.snapshots import Snapshot, take_snapshot
from exports.backups.versions import FORMAT
from exports.models.installations import Installation
from exports.number_formats import utc_text
from exports.product import product_version
from exports.storage import files
from exports.storage.folders import flush_folder
from exports.storage.store import ORPHANED

TEMPORARY: Final = ".cwexport-backup-"


@dataclass(frozen=True)
class Wanted:
    """What goes into a backup; without a passphrase it is not encrypted."""

    with_files: bool = True
    with_keys: bool = False
    passphrase: str = ""


@dataclass(frozen=True)
class Made:
    """What is in a backup that was made."""

    made_at: datetime
    size: int
    run_file_count: int
    missing: list[str]
    # Files whose content is not what their run recorded.
    changed: list[str]


def make_backup(
    target: Path, wanted: Wanted, tell: Callable[[str], object] = lambda sentence: None
) -> Made:
    """Write the archive to `target`, whole or not at all. Raises BackupError."""
    if target.exists() or target.is_symlink():
        message = _("%(file)s is there already: name a new file.")
        raise BackupError(message % {"file": target})
    try:
        with own_folder(target.parent, TEMPORARY) as folder:
            tell(_("Copying the database."))
            made_at = clock.now()
            snapshot = take_snapshot(folder)
            part = folder / "archive"
            made = _write(part, snapshot, wanted, made_at, tell)
            _publish(part, target)
    except OSError as error:
        message = _("The backup could not be written: %(reason)s.")
        raise BackupError(message % {"reason": error}) from None
    try:
        Installation.objects.note_backup(made_at)
    except DatabaseError as error:
        # As before an upgrade, when the database lacks the columns for it.
        message = _("The backup was made, but could not be noted in the database: %(reason)s")
        tell(message % {"reason": str(error).strip().partition("\n")[0]})
    return made


def _write(
    part: Path,
    snapshot: Snapshot,
    wanted: Wanted,
    made_at: datetime,
    tell: Callable[[str], object],
) -> Made:
    changed: list[str] = []
    with _created(part) as stream:
        writer = ArchiveWriter(stream, _about(snapshot, wanted, made_at), wanted.passphrase)
        writer.add_file(snapshot.member, snapshot.file)
        snapshot.file.unlink()
        if wanted.with_keys:
            for name, text in zip(KEYS, _keys(), strict=True):
                writer.add_text(name, text)
        if wanted.with_files:
            tell(_("Adding %(count)s files of runs.") % {"count": len(snapshot.run_files)})
            changed = _add_files(writer, snapshot)
        writer.finish()
        stream.flush()
        os.fsync(stream.fileno())
    written = writer.written
    return Made(made_at, part.stat().st_size, written.file_count, written.missing, changed)


def _created(part: Path) -> BinaryIO:
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(descriptor, "wb", buffering=1 << 20)


def _about(snapshot: Snapshot, wanted: Wanted, made_at: datetime) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "product": {"name": "cwexport", "version": product_version()},
        "made_at": utc_text(made_at),
        "database": snapshot.kind,
        "migrations": snapshot.migrations,
        "counts": snapshot.counts,
        "with_files": wanted.with_files,
        "with_keys": wanted.with_keys,
        "database_bytes": snapshot.file.stat().st_size,
    }


def _keys() -> tuple[str, str]:
    """As they are in use, whether from files or from the environment; in the order of KEYS."""
    return ",".join(settings.CWEXPORT_ENCRYPTION_KEYS), settings.SECRET_KEY


def _add_files(writer: ArchiveWriter, snapshot: Snapshot) -> list[str]:
    """Add the files of runs with their proofs, and what was set aside.

    A run that ends later is not in the snapshot; one that was pruned since is missing, and named.
    """
    changed, store = [], files.store()
    for path, sha256 in snapshot.run_files:
        try:
            with store.open(path) as stream:
                found = writer.add_stream(path, stream)
        except FileNotFoundError:
            writer.written.missing.append(path)
            continue
        if found != sha256:
            changed.append(path)
        _add_if_there(writer, files.manifest_name(path))
    for path in _set_aside():
        _add_if_there(writer, path)
    return changed


def _set_aside() -> Iterator[str]:
    for name in sorted(files.store().names(ORPHANED)):
        if files.is_run_file_name(name):
            yield f"{ORPHANED}/{name}"


def _add_if_there(writer: ArchiveWriter, path: str) -> None:
    with suppress(FileNotFoundError), files.store().open(path) as stream:
        writer.add_stream(path, stream)


def _publish(part: Path, target: Path) -> None:
    """Give it its name, unless somebody has taken that meanwhile."""
    try:
        os.link(part, target)
    except FileExistsError:
        message = _("%(file)s is there already: name a new file.")
        raise BackupError(message % {"file": target}) from None
    except OSError:
        # Without hard links (exFAT).
        if target.exists():
            raise
        part.rename(target)
    flush_folder(target.parent)
