"""`page`, `pageSize` and `orderBy` of a list request, and the Link header of its answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from exports.demo.rows import field_name
from exports.demo.store import BY_ID, Order

DEFAULT_PAGE_SIZE = 25
_ORDER = re.compile(r"\s*([a-z_]\w*(?:/\w+)*)(?:\s+(asc|desc))?\s*", re.ASCII | re.IGNORECASE)
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")


class PagingError(ValueError):
    """An invalid parameter; str() names it and says what it should be."""


@dataclass(frozen=True)
class Paging:
    """The requested page. `page` counts from 1; `page_size` is already limited by the server."""

    page: int
    page_size: int
    order: Order

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.page_size


def read_paging(query: Mapping[str, str], max_page_size: int) -> Paging:
    """The requested page; a size above the maximum is reduced to it. Raises PagingError."""
    page = _at_least_one(query, "page", 1)
    page_size = _at_least_one(query, "pageSize", DEFAULT_PAGE_SIZE)
    return Paging(page, min(page_size, max_page_size), _read_order(query.get("orderBy", "")))


def link_header(
    url: str, query: Mapping[str, str], paging: Paging, *, has_next: bool, total: int | None
) -> str:
    """The Link header, or "" when everything fits on one page.

    `url` without query. rel="last" is given only when the total is known without counting.
    """
    if paging.page == 1 and not has_next:
        return ""
    links = {}
    if has_next:
        links["next"] = paging.page + 1
    if paging.page > 1:
        links |= {"prev": paging.page - 1, "first": 1}
    if total is not None:
        links["last"] = max(-(-total // paging.page_size), 1)
    # `page` comes last, as some clients look for `page=2>; rel="next"`.
    others = urlencode(
        {name: text for name, text in query.items() if name != "page"}, quote_via=quote
    )
    start = f"{url}?{others}&" if others else f"{url}?"
    return ", ".join(f'<{start}page={page}>; rel="{rel}"' for rel, page in links.items())


def _at_least_one(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not _WHOLE_NUMBER.fullmatch(text) or int(text) < 1:
        raise PagingError(f"{name} must be a whole number from 1, not '{text}'")
    return int(text)


def _read_order(text: str) -> Order:
    if not text.strip():
        return BY_ID
    order: Order = []
    for part in text.split(","):
        match = _ORDER.fullmatch(part)
        if not match:
            raise PagingError(f"orderBy must be 'field asc' or 'field desc', not '{part}'")
        order.append((field_name(match[1]), (match[2] or "asc").lower() == "desc"))
    return order
