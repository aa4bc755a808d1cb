"""Reads bodies: JSON as the standard has it, and nothing else."""

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.parser import Parser

from exports.api.problems import ProblemCode, ProblemError


class StrictParser(Parser):
    """Raises ProblemError for another type, another encoding, and what JSON has not."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            detail = _("Send JSON with the header Content-Type: application/json.")
            raise ProblemError(ProblemCode.MEDIA_TYPE, detail)
        try:
            return json.loads(
                request.body.decode("utf-8"),
                parse_constant=_refuse_constant,
                object_pairs_hook=_unique,
            )
        # RecursionError for thousands of brackets.
        except (ValueError, RecursionError):
            detail = _("The body is not JSON in UTF-8 with each name once.")
            raise ProblemError(ProblemCode.MALFORMED, detail) from None


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found
