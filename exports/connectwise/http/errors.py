"""What can go wrong between us and ConnectWise, drawn once, with the words for it (H3).

ConnectWiseError
├── StoppedError             a cancel or a shutdown was obeyed (H4)
├── AddressBlockedError      the address may not be called (C6)
├── CertificateError         the other side could not prove who it is
├── UnreachableError         no answer, or only a part of one      retried
├── AuthenticationError      401
├── ForbiddenError           403
├── RejectedError            400, every other 4xx, a redirect
│   └── NotFoundError        404
├── ThrottledError           429                                   retried
├── ServerFailedError        5xx                    500, 502 to 504 retried
├── WrongShapeError          200, but not what was asked for       retried
└── AnswerTooLargeError      more than a page may hold
"""

from __future__ import annotations

import re
import unicodedata
from typing import ClassVar, Final

from exports.connectwise.json_numbers import JSONShapeError, decode_json
from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop, ngettext

MESSAGE_LENGTH: Final = 300

_STEPS: Final = {
    "address": gettext_noop("Reaching the address"),
    "batches": gettext_noop("Reading batches"),
    "count": gettext_noop("Counting batches"),
    "company": gettext_noop("Looking up the company"),
    "credentials": gettext_noop("Checking the credentials"),
}


class ConnectWiseError(Exception):
    """A request that did not bring what was asked for; `str()` is for the user.

    `step` is what was being done ("batches", "count", "company", "credentials", "address"),
    `status` the HTTP status if there was an answer, `remote_message` ConnectWise's own words
    (cleaned, up to 300 characters, any markup still in it as text), `request_id` what its support
    asks for. `code` is for programs and never changes.
    """

    code: ClassVar[str] = "connectwise.error"

    def __init__(
        self,
        problem: str,
        advice: str,
        *,
        step: str,
        status: int | None = None,
        remote_message: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(problem, advice)
        self.problem = problem
        self.advice = advice
        self.step = step
        self.status = status
        self.remote_message = remote_message
        self.request_id = request_id
        self.attempt_count = 1

    def __str__(self) -> str:
        what = {"step": _(_STEPS.get(self.step, self.step)), "problem": self.problem}
        if self.remote_message:
            what["said"] = self.remote_message
            first = _("%(step)s: %(problem)s (“%(said)s”).") % what
        else:
            first = _("%(step)s: %(problem)s.") % what
        tried = ""
        if self.attempt_count > 1:
            tried = ngettext("Tried %(count)s time.", "Tried %(count)s times.", self.attempt_count)
            tried %= {"count": self.attempt_count}
        return " ".join(part for part in (first, tried, self.advice) if part)


class StoppedError(ConnectWiseError):
    """The caller asked to stop; nothing is wrong."""

    code: ClassVar[str] = "connectwise.stopped"

    def __init__(self, *, step: str) -> None:
        super().__init__(_("stopped, as asked"), _("Start it again when it suits."), step=step)


class AddressBlockedError(ConnectWiseError):
    """The address policy refused; its AddressRefusedError is the cause."""

    code: ClassVar[str] = "connectwise.address_blocked"


class CertificateError(ConnectWiseError):
    """Neither name nor authority of the certificate may be doubted; there is no way around (C6)."""

    code: ClassVar[str] = "connectwise.certificate"


class UnreachableError(ConnectWiseError):
    """No connection, no answer in time, or an answer that was cut."""

    code: ClassVar[str] = "connectwise.unreachable"


class AuthenticationError(ConnectWiseError):
    """401."""

    code: ClassVar[str] = "connectwise.authentication"


class ForbiddenError(ConnectWiseError):
    """403."""

    code: ClassVar[str] = "connectwise.forbidden"


class RejectedError(ConnectWiseError):
    """400, any 4xx without a class of its own, and redirects, which are never followed."""

    code: ClassVar[str] = "connectwise.rejected"


class NotFoundError(RejectedError):
    """404, which on cloud can also mean a wrong company or key."""

    code: ClassVar[str] = "connectwise.not_found"


class ThrottledError(ConnectWiseError):
    """429. `retry_after` is what ConnectWise asked for in seconds, None without a usable wish."""

    code: ClassVar[str] = "connectwise.throttled"

    retry_after: float | None = None


class ServerFailedError(ConnectWiseError):
    """5xx."""

    code: ClassVar[str] = "connectwise.server_failed"


class WrongShapeError(ConnectWiseError):
    """Status 200 and still no answer; never to be read as "no batches" (H5)."""

    code: ClassVar[str] = "connectwise.wrong_shape"


class AnswerTooLargeError(ConnectWiseError):
    """The decoded body passed the limit of H1."""

    code: ClassVar[str] = "connectwise.answer_too_large"


def error_for_status(
    status: int,
    *,
    step: str,
    is_cloud: bool,
    remote_message: str = "",
    request_id: str = "",
    location: str = "",
) -> ConnectWiseError:
    """The error of any answer that is not a plain 200, going by its status alone, never by `code`.

    `location` is where a redirect points to.
    """
    kind, advice = _kind_and_advice(status, is_cloud=is_cloud)
    if location and kind is RejectedError:
        problem = _("ConnectWise answered %(status)s and points to %(location)s")
    else:
        problem = _("ConnectWise answered %(status)s")
    return kind(
        problem % {"status": status, "location": location},
        _(advice),
        step=step,
        status=status,
        remote_message=remote_message,
        request_id=request_id,
    )


def clean_text(text: str, limit: int = MESSAGE_LENGTH) -> str:
    """One line without control, direction or surrogate characters, at most `limit` characters."""
    visible = "".join(
        " " if unicodedata.category(character).startswith(("C", "Z")) else character
        for character in text[: 4 * limit]
    )
    line = " ".join(visible.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def message_in(body: bytes) -> str:
    """ConnectWise's own words in the body of an error: its JSON, an HTML title or plain text."""
    if not body.strip():
        return ""
    try:
        decoded = decode_json(body)
    except JSONShapeError:
        return _message_in_text(body.decode("utf-8", "replace"))
    if not isinstance(decoded, dict):
        return decoded if isinstance(decoded, str) else ""
    details = decoded.get("errors")
    members = [decoded, *(details if isinstance(details, list) else [])]
    messages = [member.get("message") for member in members if isinstance(member, dict)]
    return " ".join(message for message in messages if isinstance(message, str))


def _message_in_text(text: str) -> str:
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith(("[", "{")):
        return ""  # cut JSON: data, not a message
    if not text.startswith("<"):
        return text
    title = re.search(r"<title[^>]*>([^<]{1,300})", text[:10_000], re.IGNORECASE)
    if title is None:
        return _("a web page")
    return _("a web page titled %(title)s") % {"title": " ".join(title[1].split())}


def _kind_and_advice(status: int, *, is_cloud: bool) -> tuple[type[ConnectWiseError], str]:
    if status == 404 and is_cloud:
        return NotFoundError, gettext_noop(
            "On the ConnectWise cloud this is also the answer to a wrong company or wrong keys: "
            "check the site, the company and both keys of the connection."
        )
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return _BY_CLASS.get(status // 100, _BY_CLASS[2])


_BY_STATUS: Final[dict[int, tuple[type[ConnectWiseError], str]]] = {
    400: (
        RejectedError,
        gettext_noop("Check the conditions, and the company and Client ID of the connection."),
    ),
    401: (
        AuthenticationError,
        gettext_noop(
            "Check the company, the public key, the private key and the Client ID of the "
            "connection; the keys may have expired or belong to another company."
        ),
    ),
    403: (
        ForbiddenError,
        gettext_noop(
            "The security role of the API member needs Finance > Accounting Interface: Inquire = "
            "All."
        ),
    ),
    404: (NotFoundError, gettext_noop("Check the site: it is the host that people log in to.")),
    429: (
        ThrottledError,
        gettext_noop(
            "Too many requests reach ConnectWise: run again later, or let other programs that use "
            "it pause meanwhile."
        ),
    ),
}
_BY_CLASS: Final[dict[int, tuple[type[ConnectWiseError], str]]] = {
    2: (
        WrongShapeError,
        gettext_noop("Check that the site is a ConnectWise server, then run again."),
    ),
    3: (
        RejectedError,
        gettext_noop(
            "Redirects are never followed, as they could lead the keys elsewhere: check the site, "
            "and whether a proxy or a login page stands before it."
        ),
    ),
    4: (RejectedError, gettext_noop("Check the site and the connection.")),
    5: (
        ServerFailedError,
        gettext_noop("ConnectWise fails or is under maintenance: run again later."),
    ),
}
