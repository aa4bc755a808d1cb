"""Says who acts within a request, for the audit log."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase

from exports.acting import Actor, acting_as
from exports.middleware.client_address import calling_ip

# What the API sets once it has checked a token: its name.
TOKEN_NAME: Final = "audit_token_name"  # noqa: S105 - the name of an attribute


class ActingMiddleware:
    """Stands after the authentication; the user is looked up when an entry is written.

    So a user or a token that the view itself finds, as an API does, counts too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        def find() -> Actor:
            return actor_of(request)

        with acting_as(find):
            response = self._get_response(request)
        if response.streaming and not isinstance(response, FileResponse):
            # Its parts are made after this method has returned.
            stream: Any = response
            stream.streaming_content = _acting_throughout(stream.streaming_content, find)
        return response


def actor_of(request: HttpRequest) -> Actor:
    return Actor.of_user(
        getattr(request, "user", None),
        token=getattr(request, TOKEN_NAME, ""),
        address=str(calling_ip(request) or ""),
        request_id=getattr(request, "request_id", ""),
    )


def _acting_throughout(parts: Iterable[bytes], find: Callable[[], Actor]) -> Iterator[bytes]:
    remaining = iter(parts)
    while True:
        with acting_as(find):
            part = next(remaining, None)
        if part is None:
            return
        yield part
