"""What every request below /api/ meets first and last: no cookie comes in, no HTML goes out."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from exports.api.problems import MEDIA_TYPE, ProblemCode, ProblemError

_ABOVE: Final = "/api"
# A page for people, with their session; it changes nothing.
_DOCS: Final = "/api/v1/docs"
MAX_BODY_BYTES: Final = 64 * 1024


class ApiMiddleware:
    """Stands outside of everything that knows sessions or answers with pages.

    Without cookies no page of another site can use somebody's login, and whatever refuses a request
    on its way, the answer is a problem in JSON.
    """

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        path = request.path_info
        if path != _ABOVE and not path.startswith(f"{_ABOVE}/"):
            return self._get_response(request)
        if path == _DOCS:
            return _as_problem(self._get_response(request))
        request.META.pop("HTTP_COOKIE", None)
        is_head = request.method == "HEAD"
        if is_head:
            # Answered as GET; the server leaves out the body.
            request.method = request.META["REQUEST_METHOD"] = "GET"
        if _is_too_large(request):
            return _too_large().response()
        response = _as_problem(self._get_response(request))
        response["X-Content-Type-Options"] = "nosniff"
        return _without_body(response) if is_head else response


def _is_too_large(request: HttpRequest) -> bool:
    """Reads the body, so that nothing on the way can take it for a form and use it up."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        return length > MAX_BODY_BYTES or len(request.body) > MAX_BODY_BYTES
    except RequestDataTooBig:
        return True
    except ValueError:
        return False


def _too_large() -> ProblemError:
    detail = _("A body has at most %(most)s bytes.") % {"most": MAX_BODY_BYTES}
    return ProblemError(ProblemCode.TOO_LARGE, detail)


def _as_problem(response: Any) -> Any:
    """The answer itself, or a problem in place of a page, a redirect or an empty refusal."""
    status = response.status_code
    if status < HTTPStatus.MULTIPLE_CHOICES or status == HTTPStatus.NOT_MODIFIED:
        return response
    if response.get("Content-Type", "").startswith(MEDIA_TYPE):
        return response
    if status < HTTPStatus.BAD_REQUEST:
        status = HTTPStatus.UNAUTHORIZED
    _release(response)
    found = ProblemError(ProblemCode.of_status(status)).response()
    for name in ("Allow", "Retry-After", "WWW-Authenticate"):
        if name in response:
            found[name] = response[name]
    return found


def _release(response: Any) -> None:
    """Close its file. `close` would also say that the request is over, which ends the use of the
    database."""
    for close in response._resource_closers:
        close()
    response._resource_closers.clear()


def _without_body(response: Any) -> Any:
    if response.streaming:
        length = response.get("Content-Length")
        _release(response)
        empty = HttpResponse(status=response.status_code)
        for name, value in response.items():
            empty[name] = value
        if length:
            empty["Content-Length"] = length
        return empty
    length = str(len(response.content))
    response.content = b""
    response["Content-Length"] = length
    return response
