"""No page shows a link, button or poll that would be refused (rule A5)."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser

from exports.access.rights import Open, need_of
from exports.access.roles import Role
from tests.browser.conftest import Logins
from tests.browser.pages import PAGES
from tests.browser.sample.starting import USER, SampleInstallation

pytestmark = [pytest.mark.browser, pytest.mark.rule("A5")]

_METHODS = {"href": "GET", "hx-get": "GET", "hx-post": "POST", "data-changes": "GET"}
# What the role of the person itself decides is looked at elsewhere.
_OUTSIDE = re.compile(r"/static/|/faults/")


class _Targets(HTMLParser):
    """Collects what a page can send: method and address."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.found += [(_METHODS[name], values[name] or "") for name in _METHODS & values.keys()]
        if tag == "form":
            self.found.append(
                (str(values.get("method") or "get").upper(), values.get("action") or "")
            )
        if formaction := values.get("formaction"):
            self.found.append(("POST", formaction))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_pages_offer_only_what_is_allowed(
    chromium: Browser, sample: SampleInstallation, logins: Logins, role: Role
) -> None:
    offered = []
    for is_empty in (False, True):
        site = sample.empty_url if is_empty else sample.url
        context = chromium.new_context(base_url=site, storage_state=logins[site, role.value])
        for shown in PAGES:
            url = shown.path.format(**sample.keys)
            is_of_admin = shown.user == USER and shown.is_empty == is_empty
            if not is_of_admin or not _is_allowed("GET", url, role):
                continue
            answer = context.request.get(url)
            assert answer.status == shown.status or shown.arrive, url
            offered += [(url, *one) for one in _targets(url, answer.text())]
        context.close()

    assert [one for one in offered if not _is_allowed(one[1], one[2], role)] == []
    assert len(offered) > 1000


def _targets(page: str, text: str) -> Iterator[tuple[str, str]]:
    targets = _Targets()
    targets.feed(text)
    for method, target in targets.found:
        parts = urlsplit(urljoin(f"http://here{page}", target))
        if parts.netloc == "here" and not _OUTSIDE.match(parts.path):
            yield method, parts.path


def _is_allowed(method: str, url: str, role: Role) -> bool:
    path = urlsplit(url).path
    if _OUTSIDE.match(path):
        return False
    try:
        need = need_of(resolve(path), method)
    except Resolver404:
        return False
    return isinstance(need, Open) or (need is not None and role.includes(need))
