"""A real Chromium, a real web server and a real worker on the test's own database."""

import os
import shutil
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.processes import worker_process

# Playwright runs an event loop in this thread; Django's database calls here are still serial.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
PASSWORD = "correct horse battery staple"
EXECUTABLE = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="session")
def playwright_here() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright_here: Playwright) -> Iterator[Browser]:
    assert EXECUTABLE, "The browser tests need Chromium: apt install chromium"
    browser = playwright_here.chromium.launch(executable_path=EXECUTABLE, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def user(transactional_db: None) -> User:
    return User.objects.create_user("accountant", password=PASSWORD)


@pytest.fixture
def page(chromium: Browser, live_server: LiveServer, user: User) -> Iterator[Page]:
    """A page signed in through the login form; any error in its console fails the test."""
    context = chromium.new_context(base_url=live_server.url, accept_downloads=True)
    context.set_default_timeout(10_000)
    expect.set_options(timeout=20_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.append(request.url) if is_foreign(request) else None)
    sign_in(page)
    yield page
    context.close()
    assert faults == []


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    with worker_process():
        yield


def sign_in(page: Page) -> None:
    page.goto("/login/")
    page.get_by_label("Username").fill("accountant")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def is_fault(message: object) -> bool:
    # A form that is refused answers 4xx, which Chromium reports as an error of the page.
    text = getattr(message, "text", "")
    return getattr(message, "type", "") == "error" and "status of 4" not in text


def is_foreign(request: object) -> bool:
    url = getattr(request, "url", "")
    return not url.startswith(("http://localhost", "http://127.0.0.1", "data:", "blob:"))
