"""Checks the content of a 200 response (H5). Raises JSONShapeError if it is not as expected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from exports.connectwise.http.remote_text import Clean
from exports.connectwise.http.retries import parse_http_date
from exports.connectwise.http.transport import Response
from exports.connectwise.json_numbers import (
    JSONShapeError,
    NumberText,
    decode_json,
    describe,
    record_id,
)
from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop, joined

_NOT_A_LIST: Final = gettext_noop("ConnectWise sent %(found)s instead of a list of batches.")
_NOT_A_COUNT: Final = gettext_noop("ConnectWise sent %(found)s instead of the number of batches.")
_NOT_A_COMPANY: Final = gettext_noop("ConnectWise sent %(found)s instead of a company.")
_NOT_AN_OBJECT: Final = gettext_noop("ConnectWise sent %(found)s instead of an object.")
# The largest value of the database columns for counts; ids have larger columns.
_LARGEST_COUNT: Final = 2**31 - 1
_ADVICE: Final = gettext_noop(
    "Check that the site is a ConnectWise server and that no login page or proxy stands before it."
)


@dataclass(frozen=True)
class Page:
    """A page of batches, in the order sent, each an object with an integer id (H5).

    Numbers in `records` are `NumberText`. `server_date` is ConnectWise's clock, None without a
    usable `Date`; `requested_seconds` is how long the successful attempt took; `api_version` is the
    version that the server reports, "" if none.
    """

    ids: list[int]
    records: list[dict[str, Any]]
    server_date: datetime | None
    requested_seconds: float
    url: str
    api_version: str = ""


@dataclass(frozen=True)
class CompanyInfo:
    """What the login host says about a company; "" or None for missing values."""

    name: str
    company_id: str
    codebase: str
    version: str
    is_cloud: bool | None
    site_url: str


def read_page(response: Response, clean: Clean) -> Page:
    """Read a list of batches, each with its id."""
    records = decode_json(response.body)
    if not isinstance(records, list):
        raise _unexpected(_NOT_A_LIST, records)
    return Page(
        ids=[record_id(record) for record in records],
        records=records,
        server_date=parse_http_date(response.headers.get("Date")),
        requested_seconds=response.seconds,
        url=response.url,
        api_version=clean(response.headers.get("api-current-version", ""), 50),
    )


def read_count(response: Response, _clean: Clean) -> int:
    """Read `{"count": n}`."""
    sent = read_object(response, _clean).get("count")
    if isinstance(sent, NumberText) and sent.isdigit() and len(sent) < 19:
        count = int(sent)
        if count <= _LARGEST_COUNT:
            return count
    raise _unexpected(_NOT_A_COUNT, sent)


def read_company(response: Response, clean: Clean) -> CompanyInfo | None:
    """Read a company; None for the `null` that ConnectWise sends for an unknown one."""
    decoded = decode_json(response.body)
    if decoded is None:
        return None
    if not isinstance(decoded, dict) or not {"CompanyID", "Codebase"} & decoded.keys():
        raise _unexpected(_NOT_A_COMPANY, decoded)

    def text(name: str) -> str:
        value = decoded.get(name)
        return clean(value, 100) if isinstance(value, str) else ""

    is_cloud = str(decoded.get("IsCloud")).lower()
    return CompanyInfo(
        name=text("CompanyName"),
        company_id=text("CompanyID"),
        codebase=text("Codebase"),
        version=text("VersionNumber"),
        is_cloud={"true": True, "false": False}.get(is_cloud),
        site_url=text("SiteUrl"),
    )


def read_object(response: Response, _clean: Clean) -> dict[str, Any]:
    """Read any JSON object."""
    decoded = decode_json(response.body)
    if not isinstance(decoded, dict):
        raise _unexpected(_NOT_AN_OBJECT, decoded)
    return decoded


def _unexpected(message: str, sent: object) -> JSONShapeError:
    return JSONShapeError(joined([_(message) % {"found": describe(sent)}, _(_ADVICE)]))
