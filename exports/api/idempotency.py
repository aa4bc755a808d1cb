"""`Idempotency-Key`: a request that is sent again is answered as before and done once (rule I1)."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Header, Schema
from ninja.responses import NinjaJSONEncoder, Status

from exports.api.problems import ProblemCode, ProblemError
from exports.api.tokens import token_of
from exports.models import IdempotencyKey
from exports.models.idempotency_keys import LONGEST_KEY

# The header as a parameter of an endpoint.
KEY: Any = Header(  # type: ignore[type-arg]
    None,
    alias="Idempotency-Key",
    description=(
        "Of your choice, e.g. a UUID. The same request with the same key is done once and answered "
        "alike for 24 hours; with another body or address the key is refused."
    ),
    min_length=1,
    max_length=LONGEST_KEY,
    pattern=r"^[!-~]+$",
)


def once(
    request: HttpRequest,
    key: str | None,
    make: Callable[[], Schema | Status[Schema]],
    *,
    body: Any = None,
    status: int = 200,
) -> HttpResponse:
    """The answer of `make`, or the one it gave when this key was first used.

    `status` is that of an answer which names none. What `make` raises is not kept: after a refusal
    the same key may be tried again.
    """
    if key is None:
        return _response(_answer(make(), status))
    asked = _hash(request, body or {})
    with transaction.atomic():
        row, is_new = IdempotencyKey.objects.take(token_of(request), key, asked)
        if is_new:
            answer = _answer(make(), status)
            row.keep_answer(answer)
            return _response(answer)
    if row.request_hash != asked:
        detail = _("This key was used for another request. Send a new key with a new request.")
        raise ProblemError(ProblemCode.KEY_REUSED, detail)
    response = _response(row.answer)
    response["Idempotency-Replayed"] = "true"
    return response


def _hash(request: HttpRequest, body: Any) -> str:
    asked = [request.method, request.path_info, body]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _answer(made: Schema | Status[Schema], status: int) -> dict[str, Any]:
    if isinstance(made, Status):
        return {**_answer(made.value, status), "status": made.status_code}
    return {"text": json.dumps(made.model_dump(), cls=NinjaJSONEncoder), "status": status}


def _response(answer: dict[str, Any]) -> HttpResponse:
    return HttpResponse(
        answer["text"],
        # Answers kept before the status was are all of something that was made.
        status=answer.get("status", 201),
        content_type="application/json; charset=utf-8",
    )
