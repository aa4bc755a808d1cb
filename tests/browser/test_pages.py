"""The catalogue of pages is complete; addresses that are not in it have no page."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.urls import Resolver404, URLPattern, URLResolver, resolve
from playwright.sync_api import APIRequestContext, Browser

from cwexport import urls
from exports import urls as product_urls
from tests.browser.conftest import Visit
from tests.browser.pages import CHANGES, FILES, FRAGMENTS, PAGES, WITHOUT_PAGE
from tests.browser.sample.starting import USER, SampleInstallation

pytestmark = pytest.mark.browser


@pytest.fixture
def request_context(
    chromium: Browser, sample: SampleInstallation, logins: dict[tuple[str, str], Any]
) -> APIRequestContext:
    """Requests addresses of the sample, signed in, without showing them."""
    context = chromium.new_context(base_url=sample.url, storage_state=logins[sample.url, USER])
    return context.request


def test_every_address_is_in_the_catalogue(visit: Visit, sample: SampleInstallation) -> None:
    shown = {name_of(page.path.format(**sample.keys)) for page in PAGES}
    # Reached only through a form.
    for name in ("preview of a new task", "second factor"):
        shown.add(name_of(urlsplit(visit(name).url).path))
    known = {*CHANGES, *FILES, *FRAGMENTS, *WITHOUT_PAGE}

    wanted = names(product_urls.urlpatterns) | names(urls.urlpatterns)
    assert wanted - shown - known == set(), "Add them to tests/browser/pages.py."
    assert known - wanted == set(), "No longer addresses of the product."
    assert {name_of(path.format(**sample.keys)) for path in (FILES | FRAGMENTS).values()} == {
        *FILES,
        *FRAGMENTS,
    }


def test_changes_are_refused_by_get(
    request_context: APIRequestContext, sample: SampleInstallation
) -> None:
    answers = {
        name: request_context.get(path.format(**sample.keys)).status
        for name, path in CHANGES.items()
    }

    assert answers == dict.fromkeys(CHANGES, 405)


def test_files_are_attachments_that_no_browser_shows(
    request_context: APIRequestContext, sample: SampleInstallation
) -> None:
    answers = [request_context.get(path.format(**sample.keys)) for path in FILES.values()]

    for answer in answers:
        assert answer.status == 200
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_fragments_are_parts_of_pages(
    request_context: APIRequestContext, sample: SampleInstallation
) -> None:
    for path in FRAGMENTS.values():
        answer = request_context.get(path.format(**sample.keys))
        assert answer.status == 200
        assert "<html" not in answer.text()


def test_every_name_of_the_catalogue_is_used_once() -> None:
    names = [page.name for page in PAGES]

    assert sorted(set(names)) == sorted(names)


def test_pages_that_differ_have_titles_that_differ(
    request_context: APIRequestContext, sample: SampleInstallation
) -> None:
    """A page in several states keeps its title; two pages never share one."""
    names_by_title: dict[str, set[str]] = {}
    for page in PAGES:
        if page.user == USER and not page.is_empty:
            path = page.path.format(**sample.keys)
            html = request_context.get(path).text()
            title = re.search(r"<title>(.*?)</title>", html, re.DOTALL)
            assert title
            address = path.partition("?")[0]
            names_by_title.setdefault(" ".join(title[1].split()), set()).add(address)
    # All missing pages share one title.
    names_by_title.pop("This page does not exist · cwexport")

    # So does a missing file, viewed or downloaded.
    shared = {
        title: paths
        for title, paths in names_by_title.items()
        if len(paths) > 1 and not title.startswith("No file: ")
    }
    assert shared == {}


def name_of(path: str) -> str | None:
    try:
        return resolve(path.partition("?")[0]).url_name
    except Resolver404:
        return None


def names(patterns: list[URLPattern | URLResolver]) -> set[str]:
    return {one.name for one in patterns if isinstance(one, URLPattern) and one.name}
