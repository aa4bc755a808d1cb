"""SFTP: password or key; the host key is pinned at the first test (rules D1, D4)."""

import hashlib
import secrets
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from posixpath import join
from typing import Any

import paramiko
from django.utils.translation import gettext_lazy

from exports.connectwise.language import gettext as _
from exports.delivery.errors import DeliveryError, DeliveryStoppedError
from exports.delivery.hosts import read_host, read_port
from exports.delivery.kind import (
    Address,
    Checkpoint,
    DestinationKind,
    Receipt,
    Session,
    Target,
    TestStep,
)
from exports.delivery.parcel import Parcel
from exports.delivery.sftp_connection import SftpConnection, is_unsupported, read_key
from exports.kind_modules import FormField
from exports.models import Delivery
from exports.models.codes import DeliveryErrorCode
from exports.storage.folders import PART

# Larger pieces are cut into requests by the library, which are sent without waiting for each.
_CHUNK = 256 * 1024
_TEST_CONTENT = b"cwexport test\n"


class SftpKind(DestinationKind):
    code = "sftp"
    label = gettext_lazy("SFTP")
    lead = gettext_lazy("A server that takes files over SSH, with a password or a key.")
    has_host_key = True
    fields = (
        FormField(
            "host",
            gettext_lazy("Host"),
            gettext_lazy("The server's name, for example sftp.example.com."),
            is_bound=True,
            required_sentence=gettext_lazy("Type the server's name, e.g. sftp.example.com."),
        ),
        FormField("port", gettext_lazy("Port"), type="number", initial=22, is_bound=True),
        FormField(
            "user",
            gettext_lazy("User"),
            is_bound=True,
            required_sentence=gettext_lazy("Type the user that the server knows."),
        ),
        FormField(
            "password",
            gettext_lazy("Password"),
            gettext_lazy("The user's password, or the passphrase of the key below."),
            is_required=False,
            is_secret=True,
        ),
        FormField(
            "private_key",
            gettext_lazy("Private Key"),
            gettext_lazy(
                "Instead of a password: the whole text of an OpenSSH or PEM key, from BEGIN to END."
            ),
            type="lines",
            is_required=False,
            is_secret=True,
            max_length=20_000,
        ),
        FormField(
            "folder",
            gettext_lazy("Folder"),
            gettext_lazy("Where files go, for example /upload. Blank: where the login leads."),
            is_required=False,
        ),
    )

    def where(self, address: Address) -> str:
        port = "" if address.get("port", 22) == 22 else f":{address['port']}"
        host = f"[{address['host']}]" if ":" in address["host"] else address["host"]
        folder = address.get("folder") or ""
        return f"sftp://{address['user']}@{host}{port}/{folder.lstrip('/')}"

    def clean(self, values: dict[str, Any]) -> dict[str, Any]:
        cleaned = {
            **values,
            "host": read_host("host", values["host"]),
            "port": read_port("port", values["port"]),
            "folder": values.get("folder", "").rstrip("/") or values.get("folder", ""),
        }
        if key := values.get("private_key"):
            read_key(key, values.get("password", ""))
        return cleaned

    def session(
        self, target: Target, checkpoint: Checkpoint, is_over: Callable[[], bool]
    ) -> Session:
        return _SftpSession(target, checkpoint, is_over)


class _SftpSession(Session):
    def __init__(self, target: Target, checkpoint: Checkpoint, is_over: Callable[[], bool]) -> None:
        self._target = target
        self._folder: str = target.address.get("folder") or "."
        self._connection = SftpConnection(target, is_over)
        self._test_file = join(self._folder, f".cwexport-test-{secrets.token_hex(4)}{PART}")
        self._has_test_file = False

    def steps(self) -> Sequence[TestStep]:
        connection = self._connection
        return (
            TestStep(gettext_lazy("Address and connection"), self._connect, is_preparation=True),
            TestStep(gettext_lazy("Host key"), connection.check_host_key, is_preparation=True),
            TestStep(gettext_lazy("Login"), connection.log_in, is_preparation=True),
            TestStep(gettext_lazy("Folder"), self._find_folder, is_preparation=True),
            TestStep(gettext_lazy("Write a test file"), self._write_test),
            TestStep(gettext_lazy("Read its size back"), self._measure_test),
            TestStep(gettext_lazy("Remove the test file"), self._remove_test),
        )

    def put(self, parcel: Parcel) -> Receipt:
        with self._connection.faults():
            noted = parcel.noted_temp_name
            if noted and not self._exists(noted):
                # It was renamed by a try that did not live to record it; it may be picked up.
                return self._receipt(parcel, Delivery.Compared.NOTHING)
            if parcel.is_retry and not noted:
                self._remove_leftovers(parcel.temp_prefix)
            temp = noted or parcel.new_temp_name()
            compared = ""
            try:
                if not noted:
                    compared = self._upload(parcel, self._path(temp))
                parcel.check_turn()
                if not noted:
                    parcel.note(temp)
                self._rename(self._path(temp), self._path(parcel.file_name))
            except BaseException:
                if not parcel.noted_temp_name:
                    self._try_to_remove(self._path(temp))
                raise
            # Not looked at any more: somebody may have picked it up.
            return self._receipt(parcel, compared)

    def close(self) -> None:
        if self._has_test_file:
            self._try_to_remove(self._test_file)
        self._connection.close()

    def _connect(self) -> str:
        sentence = self._connection.connect()
        self.host_key = self._connection.host_key
        return sentence

    def _find_folder(self) -> str:
        with self._connection.faults():
            mode = self._connection.sftp.stat(self._folder).st_mode
        if mode is not None and not stat.S_ISDIR(mode):
            message = _("%(folder)s is not a folder there.")
            raise DeliveryError(
                DeliveryErrorCode.FOLDER_MISSING, message % {"folder": self._folder}
            )
        if self._folder == ".":
            return _("The folder that the login leads to is there.")
        return _("%(folder)s is there.") % {"folder": self._folder}

    def _write_test(self) -> str:
        with self._connection.faults():
            self._has_test_file = True
            with self._connection.sftp.open(self._test_file, "wx") as stream:
                stream.write(_TEST_CONTENT)
        return _("%(file)s was written.") % {"file": self._test_file}

    def _measure_test(self) -> str:
        with self._connection.faults():
            self._compare(self._test_file, len(_TEST_CONTENT))
        return _("It has the size that was written.")

    def _remove_test(self) -> str:
        with self._connection.faults():
            self._connection.sftp.remove(self._test_file)
            self._has_test_file = False
        return _("It was removed.")

    def _upload(self, parcel: Parcel, path: str) -> str:
        """Write it under the temporary name and compare; returns what was compared."""
        with parcel.open() as source, self._connection.sftp.open(path, "wx") as stream:
            while chunk := source.read(_CHUNK):
                # The last piece waits for the answers to all, which tell what went wrong.
                stream.set_pipelined(len(source) > 0)
                stream.write(chunk)
        self._compare(path, parcel.size)
        return self._compare_hash(path, parcel.sha256)

    def _compare(self, path: str, size: int) -> None:
        found = self._connection.sftp.stat(path).st_size
        if found != size:
            message = _("The server says %(found)s bytes, %(size)s were sent.")
            raise DeliveryError(
                DeliveryErrorCode.NOT_AS_SENT, message % {"found": found, "size": size}
            )

    def _compare_hash(self, path: str, sha256: str) -> str:
        """Few servers tell a hash; those that do must tell the right one."""
        try:
            with self._connection.sftp.open(path, "r") as stream:
                found = stream.check("sha256", 0, 0, 0)
        except (OSError, paramiko.SSHException):
            return Delivery.Compared.SIZE
        if len(found) == hashlib.sha256().digest_size and found.hex() != sha256:
            message = _("The server tells another SHA-256 than the file has.")
            raise DeliveryError(DeliveryErrorCode.NOT_AS_SENT, message)
        is_told = found.hex() == sha256
        return Delivery.Compared.HASH if is_told else Delivery.Compared.SIZE

    def _rename(self, temp: str, final: str) -> None:
        try:
            self._connection.sftp.posix_rename(temp, final)
        except OSError as error:
            if not is_unsupported(error):
                raise
            # A server without the extension refuses to rename onto a file.
            self._try_to_remove(final)
            self._connection.sftp.rename(temp, final)

    def _exists(self, name: str) -> bool:
        try:
            self._connection.sftp.stat(self._path(name))
        except FileNotFoundError:
            return False
        return True

    def _remove_leftovers(self, prefix: str) -> None:
        for name in self._connection.sftp.listdir(self._folder):
            if name.startswith(prefix) and name.endswith(PART):
                self._try_to_remove(join(self._folder, name))

    def _try_to_remove(self, path: str) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException, DeliveryStoppedError):
            self._connection.sftp.remove(path)

    def _receipt(self, parcel: Parcel, compared: str) -> Receipt:
        where = KIND.where(self._target.address).rstrip("/")
        return Receipt(f"{where}/{parcel.file_name}", compared)

    def _path(self, name: str) -> str:
        return join(self._folder, name)


KIND = SftpKind()
