"""Every page of the product, checked by axe and by what a screen reader reads first."""

from itertools import pairwise

import pytest
from playwright.sync_api import Page

from tests.browser import axe
from tests.browser.conftest import Visited

pytestmark = pytest.mark.browser

_HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
    .filter(heading => heading.checkVisibility())
    .map(heading => [Number(heading.tagName[1]), heading.textContent.trim()])"""


def test_axe_finds_nothing_serious_in_light_and_dark(every_page: Visited) -> None:
    light = axe.examine(every_page.page)
    every_page.page.emulate_media(color_scheme="dark")
    dark = axe.examine(every_page.page)

    grave = [finding for finding in (*light, *dark) if finding.is_grave]
    assert not grave, f"light:\n{axe.report(light)}\ndark:\n{axe.report(dark)}"


def test_language_title_and_headings_describe_the_page(every_page: Visited) -> None:
    page = every_page.page
    levels = [level for level, _ in headings(page)]
    skipped = [(before, after) for before, after in pairwise(levels) if after > before + 1]

    assert page.locator("html").get_attribute("lang")
    assert page.title().endswith(" · cwexport")
    assert levels.count(1) == 1, headings(page)
    assert levels[0] == 1, headings(page)
    assert skipped == [], headings(page)


def headings(page: Page) -> list[tuple[int, str]]:
    return [(level, text) for level, text in page.evaluate(_HEADINGS)]
