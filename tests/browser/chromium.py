"""The browser of tests and screenshots, and how it logs in."""

import shutil
from typing import Any

from playwright.sync_api import Browser, Page, Playwright

from tests.browser.sample.starting import PASSWORD, USER, SampleInstallation

_EXECUTABLE = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def launch(playwright: Playwright) -> Browser:
    assert _EXECUTABLE, "A browser is needed: apt install chromium"
    return playwright.chromium.launch(executable_path=_EXECUTABLE, args=_FLAGS)


def sign_in(page: Page) -> None:
    page.goto("/login/")
    page.get_by_label("User name").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def logins_of(browser: Browser, sample: SampleInstallation) -> dict[str, Any]:
    """The browser state after the login, by the address of the installation."""
    kept = {}
    for url in (sample.url, sample.empty_url):
        context = browser.new_context(base_url=url)
        sign_in(context.new_page())
        kept[url] = context.storage_state()
        context.close()
    return kept
