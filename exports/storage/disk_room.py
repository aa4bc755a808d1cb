"""How much room the disk of a folder has."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

# Nearly full: less than this in any case, or less than a twentieth of a disk and below the second.
TOO_LITTLE: Final = 1_000_000_000
LITTLE: Final = 10 * TOO_LITTLE


@dataclass(frozen=True)
class DiskRoom:
    """In bytes."""

    free: int
    total: int

    @property
    def used(self) -> int:
        return self.total - self.free

    @property
    def is_nearly_full(self) -> bool:
        is_little = self.free < LITTLE and self.free < self.total / 20
        return self.free < TOO_LITTLE or is_little


def disk_room(folder: Path | None = None) -> DiskRoom:
    """Of the data folder's disk unless another one is named. Raises OSError."""
    folder = folder or Path(settings.CWEXPORT_DATA_DIR)
    used = shutil.disk_usage(folder if folder.is_dir() else folder.parent)
    return DiskRoom(free=used.free, total=used.total)
