"""States of the installation itself that people are told about (rule N2)."""

import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from django.conf import settings

from exports.connectwise.language import gettext as _
from exports.models import Worker, record_event
from exports.models.codes import EventCode
from exports.number_formats import grouped
from exports.storage.disk_room import DiskRoom

# A little more must be free before the state is over, so that it does not flicker.
_MARGIN: Final = 1.2

Usage = tuple[int, int]


def watch_disk(usage_of: Callable[[Path], Usage] = lambda path: _usage(path)) -> None:
    """Record for each folder of data whether its disk has room; `usage_of`: total and free."""
    for folder in _folders():
        if folder.exists():
            _judge_disk(folder, *usage_of(folder))


def watch_workers() -> bool:
    """Record whether a worker is alive, and return it. Called where no worker is needed."""
    is_alive = Worker.objects.alive().exists()
    record_event(EventCode.WORKER_BACK if is_alive else EventCode.NO_WORKER_ALIVE)
    return is_alive


def _folders() -> list[Path]:
    found = [settings.CWEXPORT_DATA_DIR, settings.CWEXPORT_EXPORT_DIR, settings.CWEXPORT_FILES]
    return [folder for folder in found if isinstance(folder, Path)]


def _judge_disk(folder: Path, total: int, free: int) -> None:
    # Hosts have disks of their own.
    about = f"{socket.gethostname()[:60]}: {folder}"[:140]
    if _is_little(total, free):
        reason = _("%(percent)s %% (%(free)s MB) are free.") % {
            "percent": f"{100 * free / max(total, 1):.1f}",
            "free": grouped(free // 1_000_000),
        }
        record_event(EventCode.DISK_NEARLY_FULL, about=about, reason=reason)
    elif not _is_little(total, int(free / _MARGIN)):
        record_event(EventCode.DISK_OK, about=about)


def _is_little(total: int, free: int) -> bool:
    return DiskRoom(free, total).is_nearly_full


def _usage(folder: Path) -> Usage:
    found = shutil.disk_usage(folder)
    return found.total, found.free
