"""What the page of backups shows: the last backup, and what a restore left open."""

from dataclasses import dataclass
from itertools import islice
from typing import Final

from exports.backups.unknown_files import UnknownFile, unknown_files
from exports.models import Installation, Task

# Proofs are read for these alone; more files are only said to be there.
MOST_READ: Final = 200
MOST_SHOWN: Final = 20
MOST_TASKS: Final = 50


@dataclass(frozen=True)
class UnknownFiles:
    """The unknown files, the oldest first; `is_more` when there are more than were read."""

    shown: list[UnknownFile]
    file_count: int
    batch_count: int
    is_more: bool


def unknown_files_now() -> UnknownFiles:
    found = list(islice(unknown_files(), MOST_READ + 1))
    read = found[:MOST_READ]
    return UnknownFiles(
        shown=read[:MOST_SHOWN],
        file_count=len(read),
        batch_count=sum(file.batch_count or 0 for file in read),
        is_more=len(found) > MOST_READ,
    )


def installation() -> Installation | None:
    return Installation.objects.first()


def tasks_with_dates() -> list[Task]:
    """The tasks whose dates are those of the backup."""
    return list(Task.objects.filter(archived_at=None).order_by("name")[:MOST_TASKS])
