"""Sends requests to ConnectWise, retries them and checks the responses (rules H1 to H5).

A client belongs to one thread and keeps its connection open; parallel requests need a client each.
Every failure is a ConnectWiseError, see the tree in `errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TypeVar

from exports.connectwise.http.addresses import AddressPolicy, AddressRefusedError
from exports.connectwise.http.credentials import Credentials
from exports.connectwise.http.errors import (
    AddressBlockedError,
    AuthenticationError,
    ConnectWiseError,
    NotFoundError,
    ThrottledError,
    WrongShapeError,
)
from exports.connectwise.http.proxy import Route
from exports.connectwise.http.remote_text import (
    MESSAGE_LENGTH,
    Clean,
    clean_text,
    is_web_page,
    message_in,
)
from exports.connectwise.http.responses import (
    CompanyInfo,
    Page,
    read_company,
    read_count,
    read_object,
    read_page,
)
from exports.connectwise.http.retries import RetryPolicy, Wait, parse_http_date, retry_after_seconds
from exports.connectwise.http.sites import Site
from exports.connectwise.http.sockets import Stop
from exports.connectwise.http.statuses import error_for_status
from exports.connectwise.http.transport import Limits, Response, Transport
from exports.connectwise.http.urls import batches_url, count_url, full_url_length
from exports.connectwise.json_numbers import JSONShapeError
from exports.connectwise.language import Message, grouped, message_of
from exports.connectwise.language import gettext as _

__all__ = [
    "CompanyInfo",
    "ConnectWiseClient",
    "ConnectWiseError",
    "Credentials",
    "Limits",
    "Page",
    "RetryPolicy",
    "Wait",
    "full_url_length",
]

_ACCEPT: Final = "application/vnd.connectwise.com+json; version=2025.8"
_T = TypeVar("_T")


class ConnectWiseClient:
    """Requests to one ConnectWise; every method retries (H2), then raises ConnectWiseError.

    `stop` is called ten times a second, also during a wait; when true, the method raises
    StoppedError (H4). `on_wait` is called before each wait. `semaphore` is held while a request is
    in flight, but not during waits or decoding.
    """

    def __init__(
        self,
        site: Site,
        credentials: Credentials,
        *,
        policy: AddressPolicy,
        stop: Stop,
        limits: Limits | None = None,
        retry: RetryPolicy | None = None,
        ca_file: str | None = None,
        route: Route | None = None,
        on_wait: Callable[[Wait], None] | None = None,
        semaphore: AbstractContextManager[object] | None = None,
        user_agent: str = "cwexport",
    ) -> None:
        self.site = site
        self._credentials = credentials
        self._policy = policy
        self._retry = retry or RetryPolicy()
        self._redactor = credentials.redactor()
        self._semaphore = semaphore or nullcontext()
        self._announce = on_wait or (lambda wait: None)
        self._agent = {"User-Agent": user_agent}
        self._transport = Transport(
            policy=policy,
            stop=stop,
            limits=limits or Limits(),
            ca_file=ca_file,
            route=route,
        )

    def __enter__(self) -> ConnectWiseClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def batches(
        self, conditions: str, *, page_size: int, order_by: str = "id asc", page: int = 1
    ) -> Page:
        """One page of the batches that meet the conditions; sends all paging parameters (P1)."""
        url = batches_url(self.site, conditions, page_size, order_by, page)
        return self._ask("batches", url, read_page)

    def batch_count(self, conditions: str) -> int:
        """How many batches meet the conditions."""
        return self._ask("count", count_url(self.site, conditions), read_count)

    def company(self, company: str) -> CompanyInfo | None:
        """What the site knows about a company, None if unknown; sends no credentials."""
        url = self.site.company_info_url(company)
        try:
            return self._ask("company", url, read_company, with_credentials=False)
        except NotFoundError:
            return None

    def system_info(self) -> Mapping[str, Any]:
        """The usual check of credentials; a role may lack this right and still read batches."""
        return self._ask("credentials", f"{self.site.api_url}/system/info", read_object)

    def _ask(
        self,
        step: str,
        url: str,
        read: Callable[[Response, Clean], _T],
        *,
        with_credentials: bool = True,
    ) -> _T:
        try:
            self._policy.check_site(self.site)
        except AddressRefusedError as error:
            problem = _("%(host)s was not called") % {"host": self.site}
            raise AddressBlockedError(problem, message_of(error), step=step) from error
        headers = self._headers(step, with_credentials=with_credentials)
        retrying = self._retry.retrying(
            pause=lambda seconds: self._transport.pause(seconds, step=step),
            announce=self._announce,
        )
        return retrying(lambda: self._attempt(step, url, headers, read))

    def _attempt(
        self, step: str, url: str, headers: Mapping[str, str], read: Callable[[Response, Clean], _T]
    ) -> _T:
        with self._semaphore:
            response = self._transport.get(url, headers, step=step)
        if response.status != 200:
            raise self._error_in(response, step)
        try:
            return read(response, self._clean)
        except JSONShapeError as error:
            raise WrongShapeError(
                self._clean_message(message_of(error)),
                "",
                step=step,
                status=200,
                remote_message=self._message(response),
            ) from None  # its cause quotes the body, which is not redacted yet

    def _headers(self, step: str, *, with_credentials: bool) -> dict[str, str]:
        if not with_credentials:
            return {**self._agent, "Accept": "application/json"}
        who = self._credentials
        if not (who.client_id.isascii() and who.client_id.isprintable()):
            raise AuthenticationError(
                _("the Client ID holds characters that cannot be sent"),
                _("Type the GUID that was registered with ConnectWise."),
                step=step,
            )
        return {
            **self._agent,
            "Accept": _ACCEPT,
            "Authorization": who.authorization(),
            "clientId": who.client_id,
        }

    def _error_in(self, response: Response, step: str) -> ConnectWiseError:
        error = error_for_status(
            response.status,
            step=step,
            is_cloud=self.site.is_cloud,
            remote_message=self._message(response),
            request_id=self._clean(response.headers.get("x-cw-request-id", "")),
            location=self._clean(response.headers.get("Location", "")),
            is_web_page=is_web_page(response.body),
        )
        if isinstance(error, ThrottledError):
            now = parse_http_date(response.headers.get("Date")) or datetime.now(UTC)
            error.retry_after = retry_after_seconds(response.headers.get("Retry-After"), now=now)
            if not self._retry.may_pass(error):
                problem = _("ConnectWise answered %(status)s and asks to wait %(seconds)s seconds")
                seconds = grouped(round(error.retry_after or 0))
                error.problem = problem % {"status": response.status, "seconds": seconds}
        return error

    def _message(self, response: Response) -> str:
        return self._clean(message_in(response.body))

    def _clean_message(self, message: str) -> str:
        """A sentence of ours that quotes the body; it stays a Message, to be translated."""
        if isinstance(message, Message):
            return message.with_params(self._clean)
        return self._clean(message)

    def _clean(self, text: str, limit: int = MESSAGE_LENGTH) -> str:
        """Redact before shortening, as half a secret would not be recognized (C3)."""
        return clean_text(self._redactor.redact(text), limit)
