"""Moves the files of an installation to another place; killed anywhere, nothing is lost.

All files are copied and compared first. Only then the old place is marked as moved away from, so
that nothing starts with it any more, and its files are deleted. Doing it again goes on where it
stopped.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from exports.connectwise.language import gettext as _
from exports.models import Run
from exports.models.installations import Installation
from exports.storage import files
from exports.storage.belonging import check_place_is_free
from exports.storage.store import ID_FILE, MOVED_FILE, ORPHANED, RUNS, FileStore

_FOLDERS: Final = (RUNS, ORPHANED)


class MoveRefusedError(Exception):
    """The files stay where they are; `str()` says why."""


@dataclass
class Moved:
    """What was moved; `changed` names files that are not what their run recorded."""

    copied_count: int = 0
    copied_bytes: int = 0
    there_count: int = 0
    changed: list[str] = field(default_factory=list)


def move_files(
    source: FileStore, target: FileStore, tell: Callable[[str], object] = lambda sentence: None
) -> Moved:
    """Raises MoveRefusedError, ForeignFolderError, OSError."""
    _check_places(source, target)
    names = list(_names_in(source))
    tell(_("Copying and comparing %(count)s files.") % {"count": len(names)})
    moved = Moved()
    # The id first: whoever else looks at the new place meanwhile finds it taken.
    target.write_note(ID_FILE, Installation.objects.own_id(), is_new=True)
    check_place_is_free(target)
    for name in names:
        _copy(source, target, name, moved)
    for folder in _FOLDERS:
        target.flush(folder)
    target.remove(MOVED_FILE)
    source.write_note(MOVED_FILE, target.where())
    tell(_("All are there. Deleting them in %(place)s.") % {"place": source.where()})
    for name in names:
        source.remove(name)
    return moved


def _check_places(source: FileStore, target: FileStore) -> None:
    if source.where() == target.where():
        message = _("The files are in %(place)s already: CWEXPORT_FILES names it.")
        raise MoveRefusedError(message % {"place": source.where()})
    moved_to = source.read_note(MOVED_FILE)
    if moved_to and moved_to != target.where():
        message = _("The files of %(place)s were moved to %(target)s before.")
        raise MoveRefusedError(message % {"place": source.where(), "target": moved_to})
    check_place_is_free(target)
    target.check()


def _names_in(place: FileStore) -> Iterator[str]:
    """Proofs before their files, so that no file is ever without one."""
    for folder in _FOLDERS:
        names = [name for name in place.names(folder) if files.is_run_file_name(name)]
        for name in sorted(names, key=lambda name: (not name.endswith(".json"), name)):
            yield f"{folder}/{name}"


def _copy(source: FileStore, target: FileStore, name: str, moved: Moved) -> None:
    """Copy one file, unless it is there. Raises FileExistsError where another one is."""
    with source.open(name) as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        size = content.seek(0, 2)
        if target.exists(name) and target.sha256(name) == sha256:
            moved.there_count += 1
        else:
            content.seek(0)
            target.put(name, content, size=size, sha256=sha256)
            moved.copied_count += 1
            moved.copied_bytes += size
    recorded = Run.objects.filter(file_path=name).values_list("file_sha256", flat=True).first()
    if recorded and recorded != sha256:
        moved.changed.append(name)
