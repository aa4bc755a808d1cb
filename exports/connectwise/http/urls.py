"""Builds the URLs of requests and limits their length (F6, P1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import quote, urlencode

from exports.connectwise.batch_fields import PATH
from exports.connectwise.filter.conditions import (
    MAX_URL_LENGTH,
    both,
    id_above,
    id_up_to,
    updated_after,
    updated_up_to,
)
from exports.connectwise.http.sites import Site
from exports.connectwise.language import gettext as _
from exports.connectwise.language import grouped


class UrlTooLongError(ValueError):
    """A filter that is too long to be sent; `str()` is a sentence for the form."""

    code: ClassVar[str] = "connectwise.url_too_long"


def batches_url(site: Site, conditions: str, page_size: int, order_by: str, page: int) -> str:
    asked = {"conditions": conditions} if conditions else {}
    paging = {"orderBy": order_by, "page": str(page), "pageSize": str(page_size)}
    return f"{site.api_url}/{PATH}{query_string(asked | paging)}"


def count_url(site: Site, conditions: str) -> str:
    query = query_string({"conditions": conditions} if conditions else {})
    return f"{site.api_url}/{PATH}/count{query}"


def full_url_length(site: Site, conditions: str, page_size: int) -> int:
    """The length of the URL for these conditions; it must be below 2,000 characters (F6)."""
    return len(batches_url(site, conditions, page_size, "id asc", 1))


def check_url_length(site: Site, user_part: str, page_size: int) -> None:
    """Refuse a filter whose URL could become too long with what a run adds (F6).

    Raises UrlTooLongError, with the length and the limit.
    """
    latest, highest = datetime(9998, 12, 31, tzinfo=UTC), 2**63 - 1
    longest = both(
        user_part,
        updated_after(latest),
        updated_up_to(latest),
        id_above(highest),
        id_up_to(highest),
    )
    length = full_url_length(site, longest, page_size)
    if length >= MAX_URL_LENGTH:
        raise UrlTooLongError(
            _(
                "These conditions make an address of %(length)s characters, dates and paging "
                "included; ConnectWise takes fewer than %(limit)s. Shorten values or lists, or "
                "share them out over several tasks."
            )
            % {"length": grouped(length), "limit": grouped(MAX_URL_LENGTH)}
        )


def query_string(parameters: Mapping[str, str]) -> str:
    # Blanks as %20, as not every server reads + as a blank.
    return f"?{urlencode(parameters, quote_via=quote, safe='')}" if parameters else ""
