"""The export folder, where other programs pick up the newest file of each task (rule O4).

A file that was picked up once never comes back, an older run never replaces a newer one's file, and
no task replaces another's: whoever is about to give a file its name asks for all that and writes it
down while nobody else can.
"""

import errno
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from django.db.models import F

from exports.connectwise.language import gettext as _
from exports.connectwise.plain_files import create_plain, open_plain
from exports.delivery.errors import DeliveryError
from exports.models import Delivery, Run
from exports.models.codes import DeliveryErrorCode
from exports.models.deliveries import DeliveryQuerySet
from exports.storage import files
from exports.storage.run_log import RunLog

_CHUNK = 1 << 20
_READABLE_BY_OTHERS = 0o644
_WAIT_FOR_OTHERS = 2.0  # seconds
_TEMP_FILES = f".run-*{files.PART}"
_KEEP_TEMP_FILES_FOR = 3600.0


def send(delivery: Delivery, log: RunLog, checkpoint: Callable[[], None]) -> Delivery.State:
    """Replace the file of this name, if it is this run's turn; returns how the delivery ends.

    `checkpoint` is called between two pieces of the file. Raises DeliveryError, OSError, and what
    `checkpoint` raises.
    """
    run = delivery.run
    target = files.folder_for("exports") / run.file_name
    _check_encoding(target)
    # A try that died had written down its copy: if that is gone, it has got its name already.
    temp = target.with_name(delivery.temp_name or f".run-{run.pk}-{secrets.token_hex(4)}.part")
    try:
        if not delivery.temp_name:
            _copy_checked(run, temp, checkpoint)
        with _one_at_a_time():
            _check_name_is_free(delivery)
            is_turn = not _is_superseded(delivery)
            if is_turn:
                _give_name(delivery, temp, target)
    finally:
        if not delivery.temp_name:
            temp.unlink(missing_ok=True)
    files.flush_folder(target.parent)
    if not is_turn:
        temp.unlink(missing_ok=True)
        return Delivery.State.SUPERSEDED
    log.info(_("%(file)s in the export folder now holds this run.") % {"file": target.name})
    return Delivery.State.DELIVERED


def remove_old_temp_files() -> None:
    """Remove copies that were begun more than an hour ago: their workers are dead."""
    noted = set(Delivery.objects.open().exclude(temp_name="").values_list("temp_name", flat=True))
    for temp in files.folder_for("exports").glob(_TEMP_FILES):
        with suppress(FileNotFoundError):
            # By its distance, as the clock may have been set back.
            age = abs(time.time() - temp.stat().st_mtime)
            if temp.name not in noted and age > _KEEP_TEMP_FILES_FOR:
                temp.unlink()


def _check_encoding(target: Path) -> None:
    """Raises OSError for a name that this system's locale cannot write."""
    try:
        os.fsencode(target)
    except UnicodeEncodeError:
        reason = _("the locale of this system cannot write this name; set LC_ALL=C.UTF-8")
        raise OSError(errno.EILSEQ, reason) from None


def _copy_checked(run: Run, temp: Path, checkpoint: Callable[[], None]) -> None:
    """Copy the run's own file, which must still be what the history says."""
    with (
        open_plain(files.run_file(run)) as source,
        create_plain(temp, is_new=True, mode=_READABLE_BY_OTHERS) as copy,
    ):
        if _copy(source, copy, checkpoint) != run.file_sha256:
            raise DeliveryError(DeliveryErrorCode.FILE_CHANGED)
        copy.flush()
        os.fsync(copy.fileno())


def _copy(source: BinaryIO, copy: BinaryIO, checkpoint: Callable[[], None]) -> str:
    copied = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        checkpoint()
        copied.update(chunk)
        copy.write(chunk)
    return copied.hexdigest()


def _give_name(delivery: Delivery, temp: Path, target: Path) -> None:
    if delivery.temp_name:
        # A file that was picked up must not come back: other programs would take it for a new one.
        with suppress(FileNotFoundError):
            temp.replace(target)
    else:
        delivery.note_temp_name(temp.name)
        temp.replace(target)


def _check_name_is_free(delivery: Delivery) -> None:
    """Raises DeliveryError when the name belongs to another task; two templates may meet in one.

    It belongs to the task whose file was put there last, as long as that task is in use and keeps
    its Output File.
    """
    last = (
        _holding_name(delivery)
        .filter(run__task__archived_at=None, run__output_file=F("run__task__output_file"))
        .select_related("run__task")
        .order_by("-id")
        .first()
    )
    if last is not None and last.run.task_id != delivery.run.task_id:
        raise DeliveryError(DeliveryErrorCode.NAME_TAKEN, last.run.task.name)


def _is_superseded(delivery: Delivery) -> bool:
    """A newer run's file stands under the name, or is about to."""
    run = delivery.run
    if _holding_name(delivery).filter(run_id__gt=run.pk).exists():
        return True
    newer = Run.objects.succeeded().filter(task_id=run.task_id, pk__gt=run.pk)
    same = newer.filter(file_name=run.file_name, batch_count__gt=0)
    return same.exclude(trigger=Run.Trigger.REEXPORT).exists()


def _holding_name(delivery: Delivery) -> DeliveryQuerySet:
    others = Delivery.objects.exclude(pk=delivery.pk)
    return others.holding_name(delivery.destination, delivery.name_key)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keeps every other process from doing the same meanwhile. Raises DeliveryError.

    Locked is the folder of runs, which is nobody else's: what other programs lock in the export
    folder must not hold us up.
    """
    descriptor = os.open(files.folder_for("runs"), os.O_RDONLY)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    deadline = time.monotonic() + _WAIT_FOR_OTHERS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DeliveryError(DeliveryErrorCode.BUSY) from None
            time.sleep(0.05)
        except OSError:
            # A file system without locks (NFS without its lock service); the start says so.
            return
        else:
            return
