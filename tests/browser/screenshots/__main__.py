"""Takes a screenshot of every page of the catalogue, from a sample with weeks of history."""

import argparse
import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import launch, logins_of
from tests.browser.pages import PAGES, ShownPage
from tests.browser.sample.starting import ROOT, SampleInstallation, running_sample
from tests.browser.settling import settle

ALL = ROOT / "var" / "screenshots"
OF_README = Path(__file__).parent
DAY_COUNT = 21
# The port of the demo's stand-in, as its address is visible in the screenshots.
STAND_IN_PORT = 8010

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 800}},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "360": {"viewport": {"width": 360, "height": 740}},
    "360-dark": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
}
# The pages used most; the others are only taken in light and wide.
MAIN = {
    "home",
    "home, empty",
    "connections",
    "connection tested",
    "connection after failed test",
    "new task",
    "new task refused",
    "edit task",
    "task",
    "preview",
    "run succeeded",
    "run running",
    "run failed",
    "history",
    "edit workflow",
    "workflow run failed",
    "ledger, found",
    "file",
}
README = {"home": "home", "edit task": "task", "run succeeded": "run", "history": "history"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make screenshots")
    parser.add_argument("--only", default="", help="a part of the names of the pages to show")
    parser.add_argument("--days", type=int, default=DAY_COUNT, help="of history")
    parser.add_argument("--readme", action="store_true", help="only the pictures of the README")
    options = parser.parse_args()
    wanted = [page for page in PAGES if options.only in page.name]
    # Active runs first, while they are active.
    wanted.sort(key=lambda page: "run" not in page.name)
    ALL.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if not options.readme:
            take_all(browser, wanted, options.days)
        if not options.only:
            with sample(options.days, is_calm=True) as shown:
                make_readme_pictures(browser, shown)
        browser.close()


def take_all(browser: Browser, wanted: list[ShownPage], day_count: int) -> None:
    with sample(day_count) as shown:
        for name, look in LOOKS.items():
            pages = [page for page in wanted if name == "light" or page.name in MAIN]
            show_all(browser, shown, pages, name, look)


@contextmanager
def sample(day_count: int, *, is_calm: bool = False) -> Iterator[SampleInstallation]:
    with tempfile.TemporaryDirectory(prefix="cwexport-screenshots-") as folder:
        port = free_port()
        with running_sample(
            Path(folder), day_count=day_count, stand_in_port=port, is_calm=is_calm
        ) as running:
            yield running


def show_all(
    browser: Browser,
    sample: SampleInstallation,
    pages: list[ShownPage],
    look: str,
    options: dict[str, Any],
) -> None:
    """Whole pages, however long."""
    login = logins_of(browser, sample)
    for shown in pages:
        page = open_page(browser, sample, shown, login, options)
        # A window as high as the page, as otherwise sticky bars would cover its middle.
        height = page.evaluate("() => document.documentElement.scrollHeight")
        page.set_viewport_size({"width": options["viewport"]["width"], "height": height})
        path = ALL / f"{file_name(shown.name)}-{look}.png"
        page.screenshot(path=path)
        page.context.close()
        print(path.relative_to(ROOT))


def make_readme_pictures(browser: Browser, sample: SampleInstallation) -> None:
    """Only what fits in a window."""
    login = logins_of(browser, sample)
    for shown in PAGES:
        if shown.name in README:
            page = open_page(browser, sample, shown, login, LOOKS["light"])
            page.evaluate("() => scrollTo(0, 0)")
            path = OF_README / f"{README[shown.name]}.png"
            page.screenshot(path=path)
            page.context.close()
            print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1000:.0f} kB")


def open_page(
    browser: Browser,
    sample: SampleInstallation,
    shown: ShownPage,
    login: dict[tuple[str, str], Any],
    options: dict[str, Any],
) -> Page:
    state = shown.login(sample, login)
    context = browser.new_context(storage_state=state, reduced_motion="reduce", **options)
    page = context.new_page()
    shown.open(page, sample)
    settle(page)
    return page


def free_port() -> int:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", STAND_IN_PORT))
        except OSError:
            return 0
    return STAND_IN_PORT


def file_name(name: str) -> str:
    return re.sub(r"\W+", "-", name)


if __name__ == "__main__":
    main()
