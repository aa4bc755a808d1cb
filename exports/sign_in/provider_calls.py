"""Every call to the provider: by our own transport, so addresses are judged (rule C6), nothing is
followed, and a deadline holds for the whole answer."""

import json
from typing import Any, Final

import requests
from django.conf import settings
from requests.adapters import BaseAdapter

from exports.connectwise.http.addresses import AddressRefusedError
from exports.connectwise.http.errors import AnswerTooLargeError, ConnectWiseError
from exports.connectwise.http.sites import SiteError
from exports.connectwise.http.transport import Limits, Response, Transport
from exports.models.addresses import address_policy, read_callable_site
from exports.product import user_agent
from exports.sign_in.errors import SignOnError, SignOnErrorCode

# Somebody is waiting for the page.
LIMITS: Final = Limits(connect=5, read=8, total=10, max_body_bytes=500_000)


def get_object(url: str) -> dict[str, Any]:
    """The JSON object at an address of the provider. Raises SignOnError."""
    with provider_session() as session:
        return read_object(session.get(url, headers={"Accept": "application/json"}))


def read_object(response: requests.Response) -> dict[str, Any]:
    if response.status_code != 200:
        raise SignOnError(SignOnErrorCode.NONSENSE, f"status {response.status_code}")
    try:
        answer = json.loads(response.content)
    except (ValueError, RecursionError):
        raise SignOnError(SignOnErrorCode.NONSENSE, "no JSON") from None
    if not isinstance(answer, dict):
        raise SignOnError(SignOnErrorCode.NONSENSE, "no JSON object")
    return answer


def provider_session() -> requests.Session:
    """For django-allauth: a session of requests that has no way out but ours."""
    session = requests.Session()
    session.trust_env = False
    session.adapters.clear()
    session.mount("http", _TransportAdapter())
    return session


class _TransportAdapter(BaseAdapter):
    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        url = request.url or ""
        try:
            read_callable_site("/".join(url.split("/", 3)[:3]))
            answer = _ask(url, request)
        except (SiteError, AddressRefusedError) as error:
            raise SignOnError(SignOnErrorCode.UNREACHABLE, str(error)) from None
        except ConnectWiseError as error:
            raise SignOnError(_code_of(error), str(error.problem)) from None
        if 300 <= answer.status < 400:
            raise SignOnError(SignOnErrorCode.NONSENSE, f"redirected with {answer.status}")
        return _for_requests(answer, request)

    def close(self) -> None:
        """Each request closes its own connection."""


def _ask(url: str, request: requests.PreparedRequest) -> Response:
    transport = Transport(
        policy=address_policy(),
        stop=lambda: False,
        limits=LIMITS,
        ca_file=settings.CWEXPORT_CA_FILE or None,
        route=settings.CWEXPORT_ROUTE,
    )
    kept = ("Accept", "Authorization", "Content-Type")
    headers = {name: str(request.headers[name]) for name in kept if name in request.headers}
    headers["User-Agent"] = user_agent()
    try:
        if request.method == "GET":
            return transport.get(url, headers, step="address")
        body = request.body or b""
        sent = body.encode() if isinstance(body, str) else bytes(body)
        return transport.post(url, headers, sent, step="address")
    finally:
        transport.close()


def _for_requests(answer: Response, request: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers.update({"content-type": "", **answer.headers})
    response._content = answer.body
    response.url = answer.url
    response.request = request
    return response


def _code_of(error: ConnectWiseError) -> SignOnErrorCode:
    if isinstance(error, AnswerTooLargeError):
        return SignOnErrorCode.NONSENSE
    return SignOnErrorCode.NO_ANSWER if _is_late(error) else SignOnErrorCode.UNREACHABLE


def _is_late(error: BaseException | None) -> bool:
    while error is not None:
        if any(word in type(error).__name__ for word in ("Timeout", "Deadline")):
            return True
        error = error.__cause__ or error.__context__
    return False
