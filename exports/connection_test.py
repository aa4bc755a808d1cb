"""Proves, one step at a time, that a connection can do the job (rule C4)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from exports.connectwise import conditions
from exports.connectwise.addresses import AddressPolicy, Site, SiteError
from exports.connectwise.client import CompanyInfo, ConnectWiseClient, Credentials
from exports.connectwise.errors import (
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
from exports.connectwise.retries import RetryPolicy
from exports.connectwise.transport import Limits
from exports.models import Connection, SecretUnreadableError

PASSED, WARNING, FAILED, SKIPPED = "passed", "warning", "failed", "skipped"
# The test runs inside a web request, so all of it together is bounded, not only each question.
SECONDS_IN_ALL = 18.0
LIMITS = Limits(connect=5, read=6, total=8, max_body_bytes=1_000_000)
LARGEST_CLOCK_DIFFERENCE = timedelta(seconds=60)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOO_SLOW = (
    f"ConnectWise did not answer everything within {SECONDS_IN_ALL:.0f} seconds, so the test "
    "stopped here. Try again; if it stays slow, ask who runs the server."
)


@dataclass(frozen=True)
class Step:
    """One proof: `outcome` is passed, warning, failed, or skipped after a failed step.

    `sentence` says what was found and, unless it passed, what to do about it.
    """

    name: str
    outcome: str
    sentence: str


def test_connection(connection: Connection, *, now: datetime | None = None) -> list[Step]:  # noqa: PT028
    """Ask ConnectWise everything a run will ask, and store the steps on the connection.

    `now` is this machine's clock, taken when the answer is there unless given. Raises nothing
    that ConnectWise, the network or a lost encryption key can cause: each becomes a step.
    """
    deadline = time.monotonic() + SECONDS_IN_ALL
    try:
        site, credentials = connection.parsed_site(), connection.credentials()
    except SiteError as error:
        steps = [Step(_ADDRESS, FAILED, str(error))]
    except SecretUnreadableError as error:
        steps = [Step(_ADDRESS, SKIPPED, _NOT_TRIED), _skipped(_COMPANY)]
        steps.append(Step(_CREDENTIALS, FAILED, str(error)))
    else:
        with _client(site, credentials, deadline) as client:
            steps = _Test(client, connection.company, now).steps()
    steps += [_skipped(name) for name in _NAMES[len(steps) :]]
    connection.record_test([vars(step) for step in steps])
    return steps


def worst_outcome(steps: list[Step]) -> str:
    """failed before warning before passed."""
    outcomes = {step.outcome for step in steps}
    return next((outcome for outcome in (FAILED, WARNING) if outcome in outcomes), PASSED)


class _Test:
    """The questions in their order, each with what earlier answers taught."""

    def __init__(self, client: ConnectWiseClient, company: str, now: datetime | None) -> None:
        self._client = client
        self._company_name = company
        self._now = now
        self._refusal: ConnectWiseError | None = None
        self._count: int | None = None
        self._difference: timedelta | None = None

    def steps(self) -> list[Step]:
        """Up to and including the first that failed."""
        steps: list[Step] = []
        questions: tuple[Callable[[], tuple[str, str]], ...] = (
            self._address,
            self._company,
            self._credentials,
            self._batches,
            self._created_dates,
            self._clock,
        )
        for name, question in zip(_NAMES, questions, strict=True):
            try:
                outcome, sentence = question()
            except StoppedError:
                outcome, sentence = FAILED, _TOO_SLOW
            except ConnectWiseError as error:
                outcome, sentence = FAILED, str(error)
            steps.append(Step(name, outcome, sentence))
            if outcome == FAILED:
                break
        return steps

    def _address(self) -> tuple[str, str]:
        """Only what keeps the API from being reached fails here; a refusal is judged later."""
        site = self._client.site
        try:
            self._client.system_info()
        except (AddressBlockedError, CertificateError, StoppedError, UnreachableError):
            raise
        except ConnectWiseError as error:
            if isinstance(error, WrongShapeError) or (error.status or 0) // 100 == 3:
                raise
            self._refusal = error
        if site.scheme == "http":
            return PASSED, f"{site.api_url} answers over plain http, as this installation allows."
        return PASSED, f"{site.api_url} answers, and its certificate proves who it is."

    def _company(self) -> tuple[str, str]:
        try:
            found = self._client.company(self._company_name)
        except StoppedError:
            raise
        except ConnectWiseError as error:
            return WARNING, f"This could not be checked, the next steps will tell. {error}"
        if found is not None:
            return PASSED, _known(self._company_name, found)
        if self._refusal is None:
            return WARNING, (
                f"The login page does not know {self._company_name}, but the API accepted it: "
                "nothing to do."
            )
        return FAILED, (
            f"{self._client.site} does not know the company {self._company_name}. Type it as on "
            "the ConnectWise login page, and check that the site is the one you log in to."
        )

    def _credentials(self) -> tuple[str, str]:
        error = self._refusal
        if error is None:
            return PASSED, "ConnectWise accepts the company, both keys and the Client ID."
        if isinstance(error, AuthenticationError | NotFoundError) or error.status == 400:
            raise error
        return WARNING, (
            "System information was refused, which no export needs: the next step decides. "
            f"ConnectWise answered {error.status}."
        )

    def _batches(self) -> tuple[str, str]:
        page = self._client.batches("", page_size=1)
        if page.server_date is not None:
            self._difference = page.server_date - (self._now or timezone.now())
        try:
            self._count = self._client.batch_count("")
        except (ForbiddenError, RejectedError) as error:
            return WARNING, f"Batches can be read, but not counted. {error}"
        if self._count and not page.ids:
            return FAILED, (
                f"ConnectWise counts {self._count:,} batches but shows none. Check the security "
                "role of the API member: Finance > Accounting Interface: Inquire = All."
            )
        if not self._count:
            return WARNING, (
                "Batches may be read, but there are none. If ConnectWise shows you some, the API "
                "member sees less than you: raise its Level to the top of the structure."
            )
        return PASSED, f"{self._count:,} batches can be read."

    def _created_dates(self) -> tuple[str, str]:
        if not self._count:
            return WARNING, "Without batches this cannot be told. Test again once there are some."
        try:
            dated = self._client.batch_count(conditions.created_after(_EPOCH))
        except (ForbiddenError, RejectedError):
            dated = 0
        if dated == self._count:
            return PASSED, "Every batch carries one, so New starts exactly at Date Created."
        return WARNING, (
            f"{dated:,} of {self._count:,} batches carry one. After a typed Date Created, New "
            "starts by the last update instead and may include older batches that were changed "
            "since; from then on it goes by id, which is exact."
        )

    def _clock(self) -> tuple[str, str]:
        if self._difference is None:
            return WARNING, (
                "ConnectWise does not tell its time, so this server's clock sets the dates. Keep "
                "it synchronised."
            )
        seconds = round(self._difference.total_seconds())
        if abs(self._difference) > LARGEST_CLOCK_DIFFERENCE:
            direction = "ahead of" if seconds > 0 else "behind"
            return WARNING, (
                f"ConnectWise's clock is {abs(seconds):,} seconds {direction} this server's. "
                "Dates follow ConnectWise's, so nothing is lost; synchronise this server's clock."
            )
        return PASSED, "ConnectWise's clock and this server's agree within a minute."


def _client(site: Site, credentials: Credentials, deadline: float) -> ConnectWiseClient:
    return ConnectWiseClient(
        site,
        credentials,
        policy=AddressPolicy(tuple(settings.CWEXPORT_ALLOWED_NETWORKS)),
        stop=lambda: time.monotonic() > deadline,
        limits=LIMITS,
        retry=RetryPolicy(tries=1),
        ca_file=settings.CWEXPORT_CA_FILE or None,
    )


def _known(company: str, found: CompanyInfo) -> str:
    version = f" and runs version {found.version}" if found.version else ""
    return f"ConnectWise knows {company}{version}."


def _skipped(name: str) -> Step:
    return Step(name, SKIPPED, "Not tried, because a step before it failed.")


_NOT_TRIED = "Not tried, because the private key cannot be read."
_ADDRESS = "Address and TLS"
_COMPANY = "Company known"
_CREDENTIALS = "Credentials accepted"
_NAMES = (
    _ADDRESS,
    _COMPANY,
    _CREDENTIALS,
    "Batches readable",
    "Created date on batches",
    "Clock difference",
)
