"""Gives each request an id that its log lines, its answer and its error pages share (rule I4)."""

import logging
import re
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.log import log_response

from exports.logs.context import log_context
from exports.logs.formats import logged_path
from exports.middleware.client_address import calling_ip
from exports.middleware.monitors import PATHS

HEADER: Final = "X-Request-ID"
logger = logging.getLogger("exports.requests")

_GIVEN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


class RequestLogMiddleware:
    """The outermost of all, so that refusals and errors have an id too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id, began = _id_of(request), time.monotonic()
        # For the audit log, whose entries name it.
        setattr(request, "request_id", request_id)  # noqa: B010 - not a field of its class
        with log_context(request_id=request_id, user=lambda: _known_user(request)):
            response = self._get_response(request)
            response[HEADER] = request_id
            if request.path_info in PATHS:
                # Asked every few seconds: what a monitor is told is no mistake of this program.
                setattr(response, "_has_been_logged", True)  # noqa: B010 - Django's own mark
            elif response.status_code >= HTTPStatus.BAD_REQUEST:
                # Django would do it later, when nothing knows the id any more.
                reason, path = response.reason_phrase, request.path
                log_response("%s: %s", reason, path, response=response, request=request)
            if settings.CWEXPORT_ACCESS_LOG:
                _log(request, response, time.monotonic() - began)
        return response


def _id_of(request: HttpRequest) -> str:
    """The proxy's, where one is trusted and it is well-formed; else a new one."""
    # Not by `request.headers`, which would keep what the next middleware takes away.
    given: str = request.META.get("HTTP_X_REQUEST_ID", "")
    if settings.CWEXPORT_TRUSTED_PROXIES and _GIVEN_ID.fullmatch(given):
        return given
    return uuid.uuid4().hex


def _known_user(request: HttpRequest) -> str | None:
    """Who has logged in, if that was asked for anyway: a log line makes no query."""
    user = getattr(request, "_cached_user", None) or request.__dict__.get("user")
    # Not of a lazy object, which would ask the database now.
    name = getattr(user, "username", None) if "_wrapped" not in vars(user or object) else None
    return name or None


def _log(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    fields = {
        "method": request.method,
        "path": logged_path(request.path),
        "status": response.status_code,
        "duration_ms": round(seconds * 1_000),
        "client": str(calling_ip(request) or "unknown"),
    }
    logger.info(
        "%(method)s %(path)s %(status)s %(duration_ms)s ms %(client)s", fields, extra=fields
    )
