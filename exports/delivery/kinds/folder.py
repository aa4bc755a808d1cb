"""A folder of this machine: the export folder, or one that the operator lists (rules O4, D1).

A picked-up file never comes back, an older run's file never replaces a newer one, and no task
replaces another task's file. Each worker checks this and renames its file under a lock.
"""

import errno
import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy

from exports.connectwise.language import gettext as _
from exports.connectwise.regular_files import create_plain, open_regular
from exports.delivery.errors import DeliveryError, SupersededError
from exports.delivery.kind import (
    Address,
    Checkpoint,
    DestinationKind,
    FieldError,
    Receipt,
    Session,
    Target,
    TestStep,
)
from exports.delivery.parcel import Parcel
from exports.kind_modules import FormField
from exports.models import Delivery, Destination
from exports.models.codes import DeliveryErrorCode
from exports.storage.data_folder_id import data_folder_id
from exports.storage.folders import PART, flush_folder, folder_for

_READABLE_BY_OTHERS = 0o644
_WAIT_FOR_OTHERS = 2.0  # seconds
_TEST_CONTENT = b"cwexport test\n"
# Of this version and of earlier ones.
_TEMP_FILES = (f".cwexport-*{PART}", f".run-*{PART}")
_KEEP_TEMP_FILES_FOR = 3600.0
# The name of a copy tells the data folder of the host that made it.
_MARKED = re.compile(r"-[0-9a-f]{8}-(?P<mark>[0-9a-f]{8})-[0-9a-f]{8}\.part$")


class FolderKind(DestinationKind):
    code = "folder"
    label = gettext_lazy("Folder")
    lead = gettext_lazy("A folder of this server, where other programs pick the files up.")
    fields = (
        FormField(
            "path",
            gettext_lazy("Folder"),
            gettext_lazy(
                "The whole path, in or below a folder that the operator lists in "
                "CWEXPORT_DELIVERY_FOLDERS, for example /srv/pickup/acme."
            ),
            required_sentence=gettext_lazy("Type the folder's whole path, e.g. /srv/pickup/acme."),
        ),
    )

    def where(self, address: Address) -> str:
        return str(address.get("path") or folder_for("exports"))

    def target_key(self, address: Address) -> str:
        return f"folder:{address.get('path', '')}"

    def clean(self, values: dict[str, Any]) -> dict[str, Any]:
        path = Path(values["path"])
        if not path.is_absolute() or ".." in path.parts:
            raise FieldError("path", _("Type the folder's whole path, e.g. /srv/pickup/acme."))
        roots = [Path(root) for root in settings.CWEXPORT_DELIVERY_FOLDERS]
        if not any(path.resolve().is_relative_to(root.resolve()) for root in roots):
            listed = ", ".join(map(str, roots)) or _("none so far")
            message = _(
                "Files go only into folders that the operator lists in CWEXPORT_DELIVERY_FOLDERS "
                "(%(listed)s), and below them."
            )
            raise FieldError("path", message % {"listed": listed})
        return {"path": str(path)}

    def sees(self, address: Address, temp_name: str) -> bool:
        folder = Path(address.get("path") or folder_for("exports"))
        return not temp_name or _is_ours(temp_name) or (folder / temp_name).exists()

    def session(
        self, target: Target, checkpoint: Checkpoint, is_over: Callable[[], bool]
    ) -> Session:
        return _FolderSession(target)


class _FolderSession(Session):
    def __init__(self, target: Target) -> None:
        path = target.address.get("path")
        self._folder = Path(path) if path else folder_for("exports")
        self._test_file = self._folder / f".cwexport-test-{secrets.token_hex(4)}{PART}"

    def steps(self) -> Sequence[TestStep]:
        return (
            TestStep(gettext_lazy("Folder"), self._find, is_preparation=True),
            TestStep(gettext_lazy("Write a test file"), self._write_test),
            TestStep(gettext_lazy("Read its size back"), self._measure_test),
            TestStep(gettext_lazy("Remove the test file"), self._remove_test),
        )

    def put(self, parcel: Parcel) -> Receipt:
        """Put the file under its name unless it is superseded."""
        target = self._folder / parcel.file_name
        _check_encoding(target)
        # If a try that died noted its copy and the copy is gone, it was already renamed.
        noted = parcel.noted_temp_name
        if parcel.is_retry and not noted:
            self._remove_leftovers(parcel.temp_prefix)
        temp = target.with_name(noted or parcel.new_temp_name(f"{data_folder_id()}-"))
        if noted and not _is_ours(noted):
            _check_within_sight(parcel, temp, target)
        try:
            if not noted:
                _copy_checked(parcel, temp)
            with _one_at_a_time():
                parcel.check_turn()
                _give_name(parcel, temp, target)
        except SupersededError:
            temp.unlink(missing_ok=True)
            raise
        finally:
            # A noted copy stays: the next try only renames it.
            if not parcel.noted_temp_name:
                temp.unlink(missing_ok=True)
        flush_folder(target.parent)
        return Receipt(location=str(target), compared=Delivery.Compared.HASH)

    def _remove_leftovers(self, prefix: str) -> None:
        """Delete what killed tries left."""
        for leftover in self._folder.glob(f"{prefix}*{PART}"):
            leftover.unlink(missing_ok=True)

    def _find(self) -> str:
        if not self._folder.is_dir():
            message = _("%(folder)s is not there: create it, or correct the path.")
            raise DeliveryError(
                DeliveryErrorCode.FOLDER_MISSING, message % {"folder": self._folder}
            )
        return _("%(folder)s is there.") % {"folder": self._folder}

    def _write_test(self) -> str:
        with create_plain(self._test_file, is_new=True, mode=_READABLE_BY_OTHERS) as stream:
            stream.write(_TEST_CONTENT)
            stream.flush()
            os.fsync(stream.fileno())
        return _("%(file)s was written.") % {"file": self._test_file.name}

    def _measure_test(self) -> str:
        size = self._test_file.stat().st_size
        if size != len(_TEST_CONTENT):
            raise DeliveryError(DeliveryErrorCode.NOT_AS_SENT, _("Its size is another one."))
        return _("It has the size that was written.")

    def _remove_test(self) -> str:
        self._test_file.unlink()
        return _("It was removed.")

    def close(self) -> None:
        with suppress(OSError):
            self._test_file.unlink(missing_ok=True)


def _check_encoding(target: Path) -> None:
    """Raises OSError for a name that this system's locale cannot write."""
    try:
        os.fsencode(target)
    except UnicodeEncodeError:
        reason = _("the locale of this system cannot write this name; set LC_ALL=C.UTF-8")
        raise OSError(errno.EILSEQ, reason) from None


def _is_ours(noted: str) -> bool:
    """Whether a host with this data folder noted it; earlier versions did not say."""
    marked = _MARKED.search(noted)
    return marked is None or marked["mark"] == data_folder_id()


def _check_within_sight(parcel: Parcel, temp: Path, target: Path) -> None:
    """Raises DeliveryError when nothing here tells what became of another host's copy.

    If it is gone, the other host renamed it here, and it may have been picked up; or it lies in
    that host's own folder.
    """
    if temp.exists() or _holds(target, parcel):
        return
    parcel.check_turn()
    message = _(
        "Another host was about to put it there when it ended, and its copy is not in %(folder)s "
        "of this host. A worker on that host finishes it. If that host is gone for good, press "
        "“Deliver again” on the run: then another host puts the file into its own folder."
    )
    raise DeliveryError(DeliveryErrorCode.BEGUN_ELSEWHERE, message % {"folder": target.parent})


def _holds(target: Path, parcel: Parcel) -> bool:
    try:
        with open_regular(target) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == parcel.sha256
    except FileNotFoundError:
        return False


def _copy_checked(parcel: Parcel, temp: Path) -> None:
    """Copy the run file, checked against the recorded SHA-256."""
    with (
        parcel.open() as source,
        create_plain(temp, is_new=True, mode=_READABLE_BY_OTHERS) as copy,
    ):
        for chunk in source:
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())


def _give_name(parcel: Parcel, temp: Path, target: Path) -> None:
    if parcel.noted_temp_name:
        # If the copy is gone it was renamed before, and may have been picked up: do not copy again.
        with suppress(FileNotFoundError):
            temp.replace(target)
    else:
        parcel.note(temp.name)
        temp.replace(target)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold a lock against other processes delivering files. Raises DeliveryError.

    Locks the folder of runs instead of the export folder, which other programs may lock.
    """
    descriptor = os.open(folder_for("runs"), os.O_RDONLY)
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
                message = _("Another worker is replacing a file there.")
                raise DeliveryError(DeliveryErrorCode.BUSY, message) from None
            time.sleep(0.05)
        except OSError:
            # No locks on this file system (as NFS without its lock service); reported at start.
            return
        else:
            return


def remove_old_temp_files() -> None:
    """Remove copies older than an hour: their workers are dead."""
    noted = set(Delivery.objects.open().exclude(temp_name="").values_list("temp_name", flat=True))
    addresses = Destination.objects.filter(kind=KIND.code).values_list("address", flat=True)
    folders = {folder_for("exports")}
    folders |= {Path(address["path"]) for address in addresses if address.get("path")}
    temps = [found for folder in folders for one in _TEMP_FILES for found in folder.glob(one)]
    for temp in temps:
        with suppress(FileNotFoundError):
            # The absolute difference, as the clock may have been set back.
            age = abs(time.time() - temp.stat().st_mtime)
            if temp.name not in noted and age > _KEEP_TEMP_FILES_FOR:
                temp.unlink()


KIND = FolderKind()
