"""Every page fits every width, zoom and paper, with the longest names.

Nothing is wider than the window, cut off without a way to it, or broken inside a word that a line
could hold; what scrolls sideways does so by keyboard too.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import ORDINARY, Visited
from tests.browser.settling import settle

pytestmark = [pytest.mark.browser, pytest.mark.rule("U2")]

# Phones, tablets both ways, a laptop, a large screen. A laptop's window zoomed to 200 and to 400 %
# is as wide as 640 and 320 pixels.
WIDTHS = (320, 360, 640, 768, 1024, 1280, 2560)
PAPER = 720  # paper between its margins
_MEASURE = Path(__file__).with_name("layout.js").read_text()


def test_page_fits_every_width_and_paper(every_page: Visited) -> None:
    assert misfits(every_page.page) == []


def misfits(page: Page) -> list[str]:
    """What does not fit, each with the width where it does not."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": ORDINARY["height"]})
        settle(page)
        found += [f"{width} px: {one}" for one in page.evaluate(_MEASURE, False)]
    page.set_viewport_size({"width": PAPER, "height": 1040})
    page.emulate_media(media="print")
    settle(page)
    found += [f"paper: {one}" for one in page.evaluate(_MEASURE, True)]
    page.emulate_media(media="screen")
    return found
