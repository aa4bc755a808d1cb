"""WebDAV: PUT under a temporary name, then MOVE onto the final one (rules D1, D4)."""

import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from django.utils.translation import gettext_lazy

from exports.connectwise.language import gettext as _
from exports.delivery.errors import DeliveryError
from exports.delivery.hosts import read_url
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
from exports.delivery.web_session import LOGIN_FIELDS, WebCaller, in_folder
from exports.kind_modules import FormField
from exports.models import Delivery
from exports.models.codes import DeliveryErrorCode
from exports.storage.folders import PART

_TEST_CONTENT = b"cwexport test\n"
_XML = {"Content-Type": "application/xml"}
_MULTI_STATUS = 207
_INNER_STATUS = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})")


class WebdavKind(DestinationKind):
    code = "webdav"
    label = gettext_lazy("WebDAV")
    lead = gettext_lazy("A folder of a web server, such as Nextcloud or SharePoint.")
    fields = (
        FormField(
            "url",
            gettext_lazy("Folder's address"),
            gettext_lazy("For example https://cloud.example.com/remote.php/dav/files/acme/in/."),
            is_bound=True,
            required_sentence=gettext_lazy("Type the folder's address, beginning with https://."),
        ),
        *LOGIN_FIELDS,
    )

    def where(self, address: Address) -> str:
        return str(address["url"])

    def clean(self, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "url": read_url("url", values["url"]).rstrip("/") + "/"}

    def session(
        self, target: Target, checkpoint: Checkpoint, is_over: Callable[[], bool]
    ) -> Session:
        return _WebdavSession(target, is_over)


class _WebdavSession(Session):
    def __init__(self, target: Target, is_over: Callable[[], bool]) -> None:
        self._url: str = target.address["url"]
        self._caller = WebCaller(self._url, target, is_over)
        self._test_url = self._at(f".cwexport-test-{secrets.token_hex(4)}{PART}")
        self._has_test_file = False

    def steps(self) -> Sequence[TestStep]:
        return (
            TestStep(gettext_lazy("Address, login and folder"), self._find, is_preparation=True),
            TestStep(gettext_lazy("Write a test file"), self._write_test),
            TestStep(gettext_lazy("Read its size back"), self._measure_test),
            TestStep(gettext_lazy("Remove the test file"), self._remove_test),
        )

    def put(self, parcel: Parcel) -> Receipt:
        noted, final = parcel.noted_temp_name, self._at(parcel.file_name)
        if noted and self._caller.send("HEAD", self._at(noted)).status == 404:
            # It was renamed by a try that did not live to record it; it may be picked up.
            return Receipt(final, Delivery.Compared.NOTHING)
        if parcel.is_retry and not noted:
            self._remove_leftovers(parcel.temp_prefix)
        name = noted or parcel.new_temp_name()
        compared = ""
        try:
            if not noted:
                compared = self._upload(parcel, self._at(name))
            parcel.check_turn()
            if not noted:
                parcel.note(name)
            self._move(self._at(name), final)
        except BaseException:
            if not parcel.noted_temp_name:
                self._try_to_remove(self._at(name))
            raise
        return Receipt(final, compared)

    def close(self) -> None:
        if self._has_test_file:
            self._try_to_remove(self._test_url)
        self._caller.close()

    def _find(self) -> str:
        self._caller.demand("PROPFIND", self._url, {"Depth": "0"})
        return _("%(host)s answers and shows the folder.") % {"host": self._caller.host}

    def _write_test(self) -> str:
        self._has_test_file = True
        self._caller.demand("PUT", self._test_url, _XML, _TEST_CONTENT)
        return _("%(file)s was written.") % {"file": self._test_url}

    def _measure_test(self) -> str:
        if self._compare(self._test_url, len(_TEST_CONTENT)):
            return _("It has the size that was written.")
        return _("The server tells no size, so none will be compared.")

    def _remove_test(self) -> str:
        self._caller.demand("DELETE", self._test_url)
        self._has_test_file = False
        return _("It was removed.")

    def _upload(self, parcel: Parcel, temp: str) -> str:
        """Write it under the temporary name and compare; returns what was compared."""
        with parcel.open() as source:
            self._caller.demand("PUT", temp, _XML, source)
        return self._compare(temp, parcel.size)

    def _compare(self, url: str, size: int) -> str:
        headers = self._caller.demand("HEAD", url, {"Accept-Encoding": "identity"}).headers
        found = headers.get("Content-Length", "")
        if not found:
            return Delivery.Compared.NOTHING
        if found != str(size):
            message = _("The server says %(found)s bytes, %(size)s were sent.")
            raise DeliveryError(
                DeliveryErrorCode.NOT_AS_SENT, message % {"found": found, "size": size}
            )
        return Delivery.Compared.SIZE

    def _move(self, temp: str, final: str) -> None:
        answer = self._caller.demand("MOVE", temp, {"Destination": final, "Overwrite": "T"})
        if answer.status == _MULTI_STATUS:
            # Not moved: a status within the answer says why (RFC 4918, 9.9.4).
            told = _INNER_STATUS.search(answer.body)
            raise self._caller.refusal(int(told[1]) if told else _MULTI_STATUS)

    def _remove_leftovers(self, prefix: str) -> None:
        """Delete what killed tries left. The names need no quoting, so any listing shows them."""
        with suppress(DeliveryError):
            listing = self._caller.demand("PROPFIND", self._url, {"Depth": "1"}).body
            leftovers = re.findall(
                rf"{re.escape(prefix)}[0-9a-f]+{re.escape(PART)}".encode(), listing
            )
            for name in sorted(set(leftovers)):
                self._try_to_remove(self._at(name.decode()))

    def _try_to_remove(self, url: str) -> None:
        with suppress(DeliveryError):
            self._caller.send("DELETE", url)

    def _at(self, name: str) -> str:
        return in_folder(self._url, name)


KIND = WebdavKind()
