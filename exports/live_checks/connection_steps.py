"""The steps of a connection test: the requests, and what their responses mean."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from exports import clock
from exports.connectwise.filter import conditions
from exports.connectwise.http.client import CompanyInfo, ConnectWiseClient
from exports.connectwise.http.errors import (
    AddressBlockedError,
    AuthenticationError,
    CertificateError,
    ConnectWiseError,
    ForbiddenError,
    NotFoundError,
    RejectedError,
    StoppedError,
    UnreachableError,
    WrongShapeError,
)
from exports.number_formats import grouped

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

PASSED, WARNING, FAILED, SKIPPED = "passed", "warning", "failed", "skipped"
# Shown while a step is in progress, never stored.
RUNNING, WAITING = "running", "waiting"
LARGEST_CLOCK_DIFFERENCE = timedelta(seconds=60)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Step:
    """One step: `outcome` is passed, warning, failed, or skipped after a failed step.

    `sentence` says what was found and, unless it passed, what to do about it; `code` is the code of
    the error it failed with.
    """

    name: str
    outcome: str
    sentence: str
    code: str = ""


class ConnectionSteps:
    """The checks in order; each can use what the earlier ones found."""

    def __init__(
        self, client: ConnectWiseClient, company: str, *, seconds: float, now: datetime | None
    ) -> None:
        self._client = client
        self._company_name = company
        self._now = now
        self._seconds = seconds
        self._refusal: ConnectWiseError | None = None
        self._count: int | None = None
        self._difference: timedelta | None = None

    def steps(self) -> Iterator[Step]:
        """Each step when it begins and when it ends, up to and including the first failed one."""
        checks: tuple[Callable[[], tuple[str, str]], ...] = (
            self._address,
            self._company,
            self._credentials,
            self._batches,
            self._created_dates,
            self._clock,
        )
        for name, check in zip(NAMES, checks, strict=True):
            yield Step(str(name), RUNNING, "")
            code = ""
            try:
                outcome, sentence = check()
            except StoppedError:
                outcome, sentence, code = FAILED, _too_slow(self._seconds), StoppedError.code
            except ConnectWiseError as error:
                outcome, sentence, code = FAILED, str(error), error.code
            yield Step(str(name), outcome, sentence, code)
            if outcome == FAILED:
                break

    def _address(self) -> tuple[str, str]:
        """Fails only if the API cannot be reached; refused credentials fail in a later step."""
        site = self._client.site
        try:
            self._client.system_info()
        except ConnectWiseError as error:
            if _keeps_from_reaching(error):
                error.step = "address"  # the request has the credentials, but does not test them
                raise
            self._refusal = error
        if site.scheme == "http":
            message = _("%(address)s answers over plain http, as this installation allows.")
        else:
            message = _("%(address)s answers, and its certificate proves who it is.")
        return PASSED, message % {"address": site.api_url}

    def _company(self) -> tuple[str, str]:
        try:
            found = self._client.company(self._company_name)
        except StoppedError:
            raise
        except ConnectWiseError as error:
            message = _("This could not be checked, the next steps will tell. %(error)s")
            return WARNING, message % {"error": error}
        if found is not None:
            return PASSED, _known(self._company_name, found)
        if self._refusal is None:
            message = _(
                "The login page does not know %(company)s, but the API accepted it: nothing to do."
            )
            return WARNING, message % {"company": self._company_name}
        return FAILED, _(
            "%(site)s does not know the company %(company)s. Type it as on the ConnectWise login "
            "page, and check that the site is the one you log in to."
        ) % {"site": self._client.site, "company": self._company_name}

    def _credentials(self) -> tuple[str, str]:
        error = self._refusal
        if error is None:
            return PASSED, _("ConnectWise accepts the company, both keys and the Client ID.")
        if isinstance(error, AuthenticationError | NotFoundError) or error.status == 400:
            raise error
        return WARNING, _(
            "System information was refused, which no export needs: the next step decides. "
            "ConnectWise answered %(status)s."
        ) % {"status": error.status}

    def _batches(self) -> tuple[str, str]:
        page = self._client.batches("", page_size=1)
        if page.server_date is not None:
            self._difference = page.server_date - (self._now or clock.now())
        try:
            self._count = self._client.batch_count("")
        except (ForbiddenError, RejectedError) as error:
            message = _("Batches can be read, but not counted. %(error)s")
            return WARNING, message % {"error": error}
        if not self._count:
            return WARNING, _(
                "Batches may be read, but there are none. If ConnectWise shows you some, the API "
                "member sees less than you: raise its Level to the top of the structure."
            )
        if not page.ids:
            return FAILED, _(
                "ConnectWise counts %(count)s batches but shows none. Check the security role of "
                "the API member: Finance > Accounting Interface: Inquire = All."
            ) % {"count": grouped(self._count)}
        message = ngettext(
            "%(count)s batch can be read.", "%(count)s batches can be read.", self._count
        )
        return PASSED, message % {"count": grouped(self._count)}

    def _created_dates(self) -> tuple[str, str]:
        if not self._count:
            return WARNING, _(
                "Without batches this cannot be told. Test again once there are some."
            )
        try:
            dated = self._client.batch_count(conditions.created_after(_EPOCH))
        except (ForbiddenError, RejectedError):
            dated = 0
        if dated == self._count:
            return PASSED, _("Every batch carries one, so New starts exactly at Date Created.")
        return WARNING, _(
            "%(dated)s of %(count)s batches carry one. After a typed Date Created, New starts by "
            "the last update instead and may include older batches that were changed since; from "
            "then on it goes by id, which is exact."
        ) % {"dated": grouped(dated), "count": grouped(self._count)}

    def _clock(self) -> tuple[str, str]:
        if self._difference is None:
            return WARNING, _(
                "ConnectWise does not tell its time, so this server's clock sets the dates. Keep "
                "it synchronised."
            )
        seconds = round(self._difference.total_seconds())
        if abs(self._difference) <= LARGEST_CLOCK_DIFFERENCE:
            return PASSED, _("ConnectWise's clock and this server's agree within a minute.")
        if seconds > 0:
            message = _(
                "ConnectWise's clock is %(seconds)s seconds ahead of this server's. Dates follow "
                "ConnectWise's, so nothing is lost; synchronise this server's clock."
            )
        else:
            message = _(
                "ConnectWise's clock is %(seconds)s seconds behind this server's. Dates follow "
                "ConnectWise's, so nothing is lost; synchronise this server's clock."
            )
        return WARNING, message % {"seconds": grouped(abs(seconds))}


def _keeps_from_reaching(error: ConnectWiseError) -> bool:
    """Whether the API was not reached at all, as opposed to refusing the request."""
    if isinstance(error, AddressBlockedError | CertificateError | StoppedError):
        return True
    is_redirect = (error.status or 0) // 100 == 3
    return isinstance(error, UnreachableError | WrongShapeError) or is_redirect


def _known(company: str, found: CompanyInfo) -> str:
    if not found.version:
        return _("ConnectWise knows %(company)s.") % {"company": company}
    message = _("ConnectWise knows %(company)s and runs version %(version)s.")
    return message % {"company": company, "version": found.version}


def _too_slow(seconds: float) -> str:
    return _(
        "ConnectWise did not answer everything within %(seconds)s seconds, so the test stopped "
        "here. Try again; if it stays slow, ask who runs the server."
    ) % {"seconds": f"{seconds:.0f}"}


def skipped(name: "StrPromise | str") -> Step:
    return Step(str(name), SKIPPED, _("Not tried, because a step before it failed."))


ADDRESS = gettext_lazy("Address and TLS")
COMPANY = gettext_lazy("Company known")
CREDENTIALS = gettext_lazy("Credentials accepted")
NAMES = (
    ADDRESS,
    COMPANY,
    CREDENTIALS,
    gettext_lazy("Batches readable"),
    gettext_lazy("Created date on batches"),
    gettext_lazy("Clock difference"),
)
