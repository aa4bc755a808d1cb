"""Errors of the API as RFC 9457 describes them: a code for programs, a sentence for people."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from django.db.models import TextChoices
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy

MEDIA_TYPE: Final = "application/problem+json"


class ProblemCode(TextChoices):
    """What went wrong; a code never changes its meaning. `docs/codes.md` lists them all."""

    MALFORMED = "request.malformed", gettext_lazy("The request cannot be read")
    TOKEN_MISSING = "token.missing", gettext_lazy("No token")
    TOKEN_UNKNOWN = "token.unknown", gettext_lazy("There is no such token")
    TOKEN_EXPIRED = "token.expired", gettext_lazy("The token has expired")
    TOKEN_REVOKED = "token.revoked", gettext_lazy("The token was revoked")
    USER_DEACTIVATED = "token.user_deactivated", gettext_lazy("The token's user was deactivated")
    NOT_PERMITTED = "token.not_permitted", gettext_lazy("The token may not do this")
    NOT_FOUND = "request.not_found", gettext_lazy("There is no such thing")
    METHOD = "request.method", gettext_lazy("This method is not offered here")
    NOT_ACCEPTABLE = "request.not_acceptable", gettext_lazy("Only another type is offered")
    RUN_ACTIVE = "run.active", gettext_lazy("The task has an active run")
    RUN_OVER = "run.over", gettext_lazy("The run is over")
    RUN_NO_FILE = "run.no_file", gettext_lazy("The run has no file")
    RUN_PRUNED = "run.pruned", gettext_lazy("The run was deleted by housekeeping")
    FILE_GONE = "file.gone", gettext_lazy("The file is no longer there")
    STORAGE_UNREACHABLE = "storage.unreachable", gettext_lazy("The storage did not answer")
    FILE_CHANGED = "file.changed", gettext_lazy("The file is not the one that was written")
    TASK_UNUSABLE = "task.unusable", gettext_lazy("The task cannot be run")
    CONDITIONS_INVALID = "task.conditions_invalid", gettext_lazy("The conditions cannot be sent")
    WORKFLOW_ACTIVE = "workflow.active", gettext_lazy("The workflow has an active run")
    WORKFLOW_UNUSABLE = "workflow.unusable", gettext_lazy("The workflow cannot be run")
    SCHEDULE_UNUSABLE = "schedule.unusable", gettext_lazy("The schedule cannot be planned")
    NO_DESTINATION = "delivery.no_destination", gettext_lazy("The destination was deleted")
    TOO_LARGE = "request.too_large", gettext_lazy("The body is too large")
    TOO_LONG = "request.too_long", gettext_lazy("The address is too long")
    MEDIA_TYPE = "request.media_type", gettext_lazy("The body is not JSON")
    INVALID = "request.invalid", gettext_lazy("A value cannot be used")
    KEY_REUSED = "idempotency.key_reused", gettext_lazy("The key belongs to another request")
    TOO_MANY = "request.too_many", gettext_lazy("Too many requests")
    NO_DATABASE = "database.unavailable", gettext_lazy("The database does not answer right now")
    INTERNAL = "internal.unexpected", gettext_lazy("An error inside this program")

    @property
    def status(self) -> HTTPStatus:
        return _STATUSES.get(self, HTTPStatus.CONFLICT)

    @classmethod
    def of_status(cls, status: int) -> "ProblemCode":
        """The code for an answer that something before the API gave."""
        return _BY_STATUS.get(status, cls.MALFORMED if status < 500 else cls.INTERNAL)


_STATUSES: Final = {
    ProblemCode.MALFORMED: HTTPStatus.BAD_REQUEST,
    ProblemCode.TOKEN_MISSING: HTTPStatus.UNAUTHORIZED,
    ProblemCode.TOKEN_UNKNOWN: HTTPStatus.UNAUTHORIZED,
    ProblemCode.TOKEN_EXPIRED: HTTPStatus.UNAUTHORIZED,
    ProblemCode.TOKEN_REVOKED: HTTPStatus.UNAUTHORIZED,
    ProblemCode.USER_DEACTIVATED: HTTPStatus.UNAUTHORIZED,
    ProblemCode.NOT_PERMITTED: HTTPStatus.FORBIDDEN,
    ProblemCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ProblemCode.RUN_NO_FILE: HTTPStatus.NOT_FOUND,
    ProblemCode.METHOD: HTTPStatus.METHOD_NOT_ALLOWED,
    ProblemCode.NOT_ACCEPTABLE: HTTPStatus.NOT_ACCEPTABLE,
    ProblemCode.RUN_PRUNED: HTTPStatus.GONE,
    ProblemCode.STORAGE_UNREACHABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ProblemCode.FILE_GONE: HTTPStatus.GONE,
    ProblemCode.FILE_CHANGED: HTTPStatus.GONE,
    ProblemCode.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ProblemCode.TOO_LONG: HTTPStatus.BAD_REQUEST,
    ProblemCode.MEDIA_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ProblemCode.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemCode.TOO_MANY: HTTPStatus.TOO_MANY_REQUESTS,
    ProblemCode.NO_DATABASE: HTTPStatus.SERVICE_UNAVAILABLE,
    ProblemCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}
_OF_SEVERAL: Final = {
    int(HTTPStatus.BAD_REQUEST): ProblemCode.MALFORMED,
    int(HTTPStatus.REQUEST_URI_TOO_LONG): ProblemCode.TOO_LONG,
    int(HTTPStatus.NOT_FOUND): ProblemCode.NOT_FOUND,
    int(HTTPStatus.UNAUTHORIZED): ProblemCode.TOKEN_MISSING,
}
_BY_STATUS: Final[Mapping[int, ProblemCode]] = {
    **{int(status): code for code, status in _STATUSES.items()},
    **_OF_SEVERAL,
}


class ProblemError(Exception):
    """Ends a request with a problem; `detail` says what is wrong and what to do."""

    def __init__(
        self,
        code: ProblemCode,
        detail: str = "",
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.code, self.detail, self.errors = code, detail, errors
        self.headers, self.members = headers or {}, members

    def response(self) -> HttpResponse:
        body = problem(self.code, self.detail, errors=self.errors, **self.members)
        response = HttpResponse(body, status=self.code.status, content_type=MEDIA_TYPE)
        for name, value in self.headers.items():
            response[name] = value
        return response


def problem(code: ProblemCode, detail: str = "", **members: Any) -> bytes:
    """The body of a problem; its type leads to the explanation of its code."""
    found = {
        "type": f"{reverse('api:docs')}#{code.value}",
        "title": str(code.label),
        "status": int(code.status),
        "detail": str(detail or code.label),
        "code": code.value,
        **{name: value for name, value in members.items() if value},
    }
    return json.dumps(found, ensure_ascii=False).encode()
