"""A real Chromium, a real web server and a real worker.

Tests that change something have the test's own database (`page`, `open_page`, `worker`). Tests that
only look at pages share one sample for the whole session (`every_page`, `visit`).
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import (
    Browser,
    Page,
    Playwright,
    Response,
    ViewportSize,
    expect,
    sync_playwright,
)
from pytest_django.live_server_helper import LiveServer

from tests.browser.chromium import PATIENCE, launch, logins_of, sign_in
from tests.browser.pages import PAGES, ShownPage
from tests.browser.sample.starting import PASSWORD, USER, SampleInstallation, running_sample
from tests.browser.settling import settle
from tests.browser.watching import watch
from tests.processes import worker_process

# Playwright runs an event loop in this thread; Django's database calls here are still serial.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

ORDINARY: ViewportSize = {"width": 1280, "height": 800}
# Ways to look at a page, for `open_page(**DARK)` and `visit("home", **SMALL)`.
DARK = {"color_scheme": "dark"}
SMALL = {"viewport": {"width": 360, "height": 740}}
STILL = {"reduced_motion": "reduce"}
NO_JAVASCRIPT = {"java_script_enabled": False}

__all__ = ["DARK", "NO_JAVASCRIPT", "ORDINARY", "SMALL", "STILL", "sign_in"]

OpenPage = Callable[..., Page]
Visit = Callable[..., Page]
Logins = dict[tuple[str, str], Any]


@pytest.fixture(scope="session")
def playwright_here() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright_here: Playwright) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    browser = launch(playwright_here)
    yield browser
    browser.close()


@pytest.fixture
def user(transactional_db: None) -> User:
    return User.objects.create_user(USER, password=PASSWORD, is_superuser=True)


@pytest.fixture
def open_page(chromium: Browser, live_server: LiveServer, user: User) -> Iterator[OpenPage]:
    """A function that opens a page in a new browser context, signed in through the login form.

    It accepts the arguments of `Browser.new_context`. Any fault of the page fails the test.
    """
    opened: list[tuple[Page, list[str]]] = []

    def open_one(**options: Any) -> Page:
        context = chromium.new_context(base_url=live_server.url, accept_downloads=True, **options)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        opened.append((page, watch(page)))
        sign_in(page)
        return page

    yield open_one
    for page, _ in opened:
        page.context.close()
    assert [faults for _, faults in opened if faults] == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page signed in through the login form; any fault of it fails the test."""
    return open_page()


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    with worker_process():
        yield


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleInstallation]:
    """An installation with every kind of task and run, and an empty one. Read-only."""
    with running_sample(tmp_path_factory.mktemp("sample"), day_count=9) as running:
        yield running


@pytest.fixture(scope="session")
def logins(chromium: Browser, sample: SampleInstallation) -> Logins:
    """The browser state after the login, by the address of the installation and the user name."""
    return logins_of(chromium, sample)


@pytest.fixture
def visit(chromium: Browser, sample: SampleInstallation, logins: Logins) -> Iterator[Visit]:
    """A function that opens a page of the catalogue (pages.py) by its name.

    It accepts the arguments of `Browser.new_context`. Any fault of the page fails the test.
    """
    by_name = {shown.name: shown for shown in PAGES}
    opened: list[tuple[Page, list[str]]] = []

    def open_one(name: str, **options: Any) -> Page:
        shown = by_name[name]
        login = shown.login(sample, logins)
        context = chromium.new_context(storage_state=login, **options)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        opened.append((page, watch(page, may_fail=shown.status >= 500)))
        shown.open(page, sample)
        return page

    yield open_one
    for page, _ in opened:
        page.context.close()
    assert [faults for _, faults in opened if faults] == []


@dataclass(frozen=True)
class Visited:
    """A page of the catalogue, and the server's responses on the way to it."""

    shown: ShownPage
    page: Page
    answers: list[Response]


@pytest.fixture(scope="session", params=PAGES, ids=lambda shown: shown.name)
def visited(
    request: pytest.FixtureRequest,
    chromium: Browser,
    sample: SampleInstallation,
    logins: Logins,
) -> Iterator[Visited]:
    """Each page of the catalogue, loaded once for all tests that look at it."""
    shown: ShownPage = request.param
    login = shown.login(sample, logins)
    context = chromium.new_context(storage_state=login, viewport=ORDINARY)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    faults = watch(page, may_fail=shown.status >= 500)
    shown.open(page, sample)
    yield Visited(shown, page, answers)
    context.close()
    assert faults == []


@pytest.fixture
def every_page(visited: Visited) -> Iterator[Visited]:
    """Each page of the catalogue, in light and 1280 px wide; the test may change its appearance."""
    yield visited
    visited.page.set_viewport_size(ORDINARY)
    visited.page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    settle(visited.page)
