"""The errors of a request to ConnectWise, and their messages (H3).

ConnectWiseError
├── StoppedError             a cancel or a shutdown ended it (H4)
├── AddressBlockedError      the address may not be called (C6)
├── CertificateError         the certificate is not valid for the site
├── UnreachableError         no response, or only a part of it    retried
├── AuthenticationError      401
├── ForbiddenError           403
├── RejectedError            400, every other 4xx, a redirect
│   └── NotFoundError        404
├── ThrottledError           429                                   retried
├── ServerFailedError        5xx                    500, 502 to 504 retried
├── WrongShapeError          200, but not the expected content     retried
└── AnswerTooLargeError      larger than a page may be
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from exports.connectwise.language import Message, gettext_noop, joined, ngettext
from exports.connectwise.language import gettext as _

_STEPS: Final = {
    "address": gettext_noop("Reaching the address"),
    "batches": gettext_noop("Reading batches"),
    "count": gettext_noop("Counting batches"),
    "company": gettext_noop("Looking up the company"),
    "credentials": gettext_noop("Checking the credentials"),
}


class ConnectWiseError(Exception):
    """A failed request; `str()` is for the user.

    `step` is what was requested ("batches", "count", "company", "credentials", "address"),
    `status` the HTTP status if there was a response, `remote_message` ConnectWise's own message
    (cleaned, up to 300 characters, markup kept as text), `request_id` the id that its support asks
    for. `code` is for programs and never changes.
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
        # True when a retry would give the same result, even for a class that is retried.
        self.is_lasting = False

    @property
    def message(self) -> Message:
        """Step, problem, ConnectWise's own message, number of tries and advice, as sentences."""
        sentences: list[str] = [*self._problem_sentences()]
        if self.attempt_count > 1:
            tried = ngettext("Tried %(count)s time.", "Tried %(count)s times.", self.attempt_count)
            sentences.append(tried % {"count": self.attempt_count})
        return joined([*sentences, *filter(None, [self.advice])])

    def _problem_sentences(self) -> Iterator[str]:
        params = {"step": _(_STEPS.get(self.step, self.step)), "problem": self.problem}
        said = {"said": self.remote_message}
        if self.problem.endswith("."):  # whole sentences already
            yield _("%(step)s: %(problem)s") % params
            if self.remote_message:
                yield _("It sent “%(said)s”.") % said
        elif self.remote_message:
            yield _("%(step)s: %(problem)s (“%(said)s”).") % {**params, **said}
        else:
            yield _("%(step)s: %(problem)s.") % params

    def __str__(self) -> str:
        return str(self.message)


class StoppedError(ConnectWiseError):
    """The caller asked to stop; nothing is wrong."""

    code: ClassVar[str] = "connectwise.stopped"

    def __init__(self, *, step: str) -> None:
        super().__init__(_("stopped, as asked"), _("Start it again when it suits."), step=step)


class AddressBlockedError(ConnectWiseError):
    """The address policy refused the address; the AddressRefusedError is the cause."""

    code: ClassVar[str] = "connectwise.address_blocked"


class CertificateError(ConnectWiseError):
    """The certificate has a wrong name or unknown authority; this cannot be overridden (C6)."""

    code: ClassVar[str] = "connectwise.certificate"


class UnreachableError(ConnectWiseError):
    """No connection, no response in time, or an incomplete one."""

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
    """429. `retry_after` is the pause ConnectWise asked for in seconds, None if unusable."""

    code: ClassVar[str] = "connectwise.throttled"

    retry_after: float | None = None


class ServerFailedError(ConnectWiseError):
    """5xx."""

    code: ClassVar[str] = "connectwise.server_failed"


class WrongShapeError(ConnectWiseError):
    """Status 200 with unexpected content; never treated as "no batches" (H5)."""

    code: ClassVar[str] = "connectwise.wrong_shape"


class AnswerTooLargeError(ConnectWiseError):
    """The decoded body is larger than a page may be (H1)."""

    code: ClassVar[str] = "connectwise.answer_too_large"
