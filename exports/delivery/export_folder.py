"""The export folder, where other programs pick up the newest file of each task (rule O4).

A picked-up file never comes back, an older run's file never replaces a newer one, and no task
replaces another task's file. Each worker checks this and renames its file under a lock.
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
    """Put the run file into the export folder unless it is superseded; returns the end state.

    `checkpoint` is called between chunks of the file. Raises DeliveryError, OSError, and what
    `checkpoint` raises.
    """
    run = delivery.run
    target = files.folder_for("exports") / run.file_name
    _check_encoding(target)
    # If a try that died noted its copy and the copy is gone, it was already renamed.
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
    """Remove copies older than an hour: their workers are dead."""
    noted = set(Delivery.objects.open().exclude(temp_name="").values_list("temp_name", flat=True))
    for temp in files.folder_for("exports").glob(_TEMP_FILES):
        with suppress(FileNotFoundError):
            # The absolute difference, as the clock may have been set back.
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
    """Copy the run file and check it against the recorded SHA-256."""
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
        # If the copy is gone it was renamed before, and may have been picked up: do not copy again.
        with suppress(FileNotFoundError):
            temp.replace(target)
    else:
        delivery.note_temp_name(temp.name)
        temp.replace(target)


def _check_name_is_free(delivery: Delivery) -> None:
    """Raises DeliveryError when another task owns the name; two templates may give the same name.

    The owner is the task that last put a file there, unless it was archived or its Output File
    changed since.
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
    """Whether a newer run's file has this name or is about to get it."""
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
    """Hold a lock against other processes delivering files. Raises DeliveryError.

    Locks the folder of runs instead of the export folder, which other programs may lock.
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
            # No locks on this file system (as NFS without its lock service); reported at start.
            return
        else:
            return
