"""The browser of tests and screenshots, and how it logs in."""

import shutil
from itertools import product
from typing import Any

from playwright.sync_api import Browser, Page, Playwright

from tests.browser.sample.starting import PASSWORD, ROLES, USER, SampleInstallation

# Milliseconds: far more than needed, as the machine may be busy.
PATIENCE = 90_000
_EXECUTABLE = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def launch(playwright: Playwright) -> Browser:
    assert _EXECUTABLE, "A browser is needed: apt install chromium"
    return playwright.chromium.launch(executable_path=_EXECUTABLE, args=_FLAGS)


def sign_in(page: Page, name: str = USER) -> None:
    page.goto("/login/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def logins_of(browser: Browser, sample: SampleInstallation) -> dict[tuple[str, str], Any]:
    """The browser state after the login, by the address of the installation and the user name."""
    kept = {}
    for url, name in product((sample.url, sample.empty_url), (USER, *ROLES)):
        context = browser.new_context(base_url=url)
        context.set_default_timeout(PATIENCE)
        sign_in(context.new_page(), name)
        kept[url, name] = context.storage_state()
        context.close()
    return kept
