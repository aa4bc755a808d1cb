"""Upload by HTTPS: one PUT or POST with the file as its body (rule D1)."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from django.utils.translation import gettext_lazy

from exports.connectwise.language import gettext as _
from exports.delivery.hosts import read_url
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
from exports.delivery.web_session import LOGIN_FIELDS, WebCaller, in_folder
from exports.kind_modules import FormField
from exports.models import Delivery

_TEST_NAME = "cwexport-test.xml"
_TEST_CONTENT = b'<?xml version="1.0" encoding="UTF-8"?>\n<test/>\n'
_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x21-\x7e][\x20-\x7e]*)?")
# What the request itself says.
_OURS = frozenset({"authorization", "content-length", "host", "transfer-encoding", "connection"})


class HttpsUploadKind(DestinationKind):
    code = "https"
    label = gettext_lazy("HTTPS upload")
    lead = gettext_lazy("A web address that takes each file as one PUT or POST.")
    fields = (
        FormField(
            "url",
            gettext_lazy("Address"),
            gettext_lazy(
                "With PUT the file's name is added at the end; {file} stands for it elsewhere, as "
                "in https://in.example.com/upload?name={file}."
            ),
            is_bound=True,
            required_sentence=gettext_lazy("Type the address, beginning with https://."),
        ),
        FormField(
            "method",
            gettext_lazy("Method"),
            type="choice",
            initial="PUT",
            choices=(("PUT", "PUT"), ("POST", "POST")),
        ),
        *LOGIN_FIELDS,
        FormField(
            "headers",
            gettext_lazy("Own headers"),
            gettext_lazy("One a line, as X-Customer: acme. They are stored as secrets are."),
            type="lines",
            is_required=False,
            is_secret=True,
            max_length=5_000,
        ),
        FormField(
            "tests_by_upload",
            gettext_lazy("Upload a file as a test"),
            gettext_lazy(
                "The test sends the small file cwexport-test.xml, and removes it with DELETE where "
                "that is possible. Without, it only sees whether the address answers."
            ),
            type="yes",
            is_required=False,
            initial=True,
        ),
    )

    def where(self, address: Address) -> str:
        return str(address["url"])

    def clean(self, values: dict[str, Any]) -> dict[str, Any]:
        url = read_url("url", values["url"].replace("{file}", "file-name-here"))
        if headers := values.get("headers"):
            read_headers(headers)
        return {**values, "url": url.replace("file-name-here", "{file}")}

    def session(
        self, target: Target, checkpoint: Checkpoint, is_over: Callable[[], bool]
    ) -> Session:
        return _UploadSession(target, is_over)


class _UploadSession(Session):
    def __init__(self, target: Target, is_over: Callable[[], bool]) -> None:
        self._url: str = target.address["url"]
        self._method: str = target.address.get("method", "PUT")
        self._tests_by_upload = target.address.get("tests_by_upload", True)
        self._own_headers = read_headers(target.secrets.get("headers", ""))
        self._caller = WebCaller(self._url, target, is_over)

    def steps(self) -> Sequence[TestStep]:
        found = TestStep(gettext_lazy("Address"), self._find)
        if not self._tests_by_upload:
            return (found,)
        return (
            found,
            TestStep(gettext_lazy("Upload a test file"), self._upload_test),
            TestStep(gettext_lazy("Remove the test file"), self._remove_test),
        )

    def put(self, parcel: Parcel) -> Receipt:
        parcel.check_turn()
        url = self._at(parcel.file_name)
        headers = {
            **self._own_headers,
            **_content(parcel.file_name),
            # The same for each try, so that the other side can tell a repetition.
            "Idempotency-Key": f"cwexport-{parcel.delivery.pk}-{parcel.sha256[:16]}",
            "Content-SHA256": parcel.sha256,
        }
        with parcel.open() as source:
            self._caller.demand(self._method, url, headers, source)
        return Receipt(url, Delivery.Compared.NOTHING)

    def close(self) -> None:
        self._caller.close()

    def _find(self) -> str:
        """Any answer shows the address and TLS; only the upload shows the rest."""
        answer = self._caller.send("HEAD", self._at(_TEST_NAME), self._own_headers)
        if answer.status == 401 or answer.status // 100 == 3:
            raise self._caller.refusal(answer.status)
        params = {"host": self._caller.host, "status": answer.status}
        return _("%(host)s answers (%(status)s).") % params

    def _upload_test(self) -> str:
        headers = {**self._own_headers, **_content(_TEST_NAME)}
        answer = self._caller.demand(self._method, self._at(_TEST_NAME), headers, _TEST_CONTENT)
        params = {"file": _TEST_NAME, "status": answer.status}
        return _("%(file)s was taken (%(status)s).") % params

    def _remove_test(self) -> str:
        answer = self._caller.send("DELETE", self._at(_TEST_NAME), self._own_headers)
        if answer.status // 100 == 2:
            return _("It was removed.")
        message = _("The server removes no files (%(status)s): %(file)s stays there.")
        return message % {"status": answer.status, "file": _TEST_NAME}

    def _at(self, name: str) -> str:
        if "{file}" in self._url:
            return self._url.replace("{file}", in_folder("", name)[1:])
        return in_folder(self._url, name) if self._method == "PUT" else self._url


def read_headers(text: str) -> dict[str, str]:
    """Headers as typed, one a line. Raises FieldError."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _HEADER.fullmatch(line)
        if not match:
            message = _("Write each header on a line of its own, as X-Customer: acme.")
            raise FieldError("headers", message)
        if match[1].lower() in _OURS:
            message = _("%(header)s is set by the upload itself.")
            raise FieldError("headers", message % {"header": match[1]})
        found[match[1]] = match[2] or ""
    return found


def _content(name: str) -> dict[str, str]:
    quoted = in_folder("", name)[1:]
    return {
        "Content-Type": "application/xml",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quoted}",
    }


KIND = HttpsUploadKind()
