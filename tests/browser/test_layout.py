"""Every page fits every width, zoom and paper, with the longest names.

Nothing is wider than the window, cut off without a way to it, or broken inside a word that a line
could hold; what scrolls sideways does so by keyboard too.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import PATIENCE
from tests.browser.conftest import ORDINARY, SMALL, Logins, Visit, Visited
from tests.browser.pages import PAGES, ShownPage, open_all
from tests.browser.sample.starting import USER, SampleInstallation
from tests.browser.settling import settle

pytestmark = [pytest.mark.browser, pytest.mark.rule("U2")]

# Phones, tablets both ways, a laptop, a large screen. A laptop's window zoomed to 200 and to 400 %
# is as wide as 640 and 320 pixels.
WIDTHS = (320, 360, 640, 768, 1024, 1280, 2560)
# German has the longer words; what lies between is the same layout as in English.
GERMAN_WIDTHS = (320, 1280)
PAPER = 720  # paper between its margins
_MEASURE = Path(__file__).with_name("layout.js").read_text()


def test_page_fits_every_width_and_paper(every_page: Visited) -> None:
    page = every_page.page
    assert [*misfits(page, WIDTHS), *misfits_on_paper(page)] == []


# Without steps, as those are told in English words.
_IN_GERMAN = [
    shown
    for shown in PAGES
    if shown.user == USER and not shown.is_empty and shown.arrive in (None, open_all)
]


@pytest.fixture(scope="module")
def german(
    chromium: Browser, sample: SampleInstallation, logins: Logins
) -> Iterator[tuple[Page, str]]:
    """A page that is logged in to the sample in German, and its address."""
    with sample.in_german() as url:
        # Cookies hold for all ports of a host.
        context = chromium.new_context(storage_state=logins[sample.url, USER], viewport=ORDINARY)
        context.set_default_timeout(PATIENCE)
        yield context.new_page(), url
        context.close()


@pytest.mark.parametrize("shown", _IN_GERMAN, ids=lambda shown: shown.name)
def test_page_fits_in_german(
    german: tuple[Page, str], sample: SampleInstallation, shown: ShownPage
) -> None:
    page, url = german
    answer = page.goto(url + shown.path.format(**sample.keys))
    assert answer
    assert answer.status == shown.status
    assert page.locator("html").get_attribute("lang") == "de"
    if shown.arrive:
        shown.arrive(page)
    assert misfits(page, GERMAN_WIDTHS) == []


def test_line_beside_newest_file_has_one_size(visit: Visit) -> None:
    line = visit("task").locator(".stat .beside")
    size = "one => getComputedStyle(one).fontSize"
    assert line.evaluate(size) == line.locator("time").evaluate(size)


def test_home_on_a_phone_leaves_charts_out(visit: Visit) -> None:
    page = visit("home", **SMALL)
    expect(page.locator(".home-tasks .last-result").first).to_be_visible()
    expect(page.locator(".home-tasks .spark:visible")).to_have_count(0)


def misfits(page: Page, widths: Sequence[int]) -> list[str]:
    """What does not fit, each with the width where it does not."""
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": ORDINARY["height"]})
        settle(page)
        found += [f"{width} px: {one}" for one in page.evaluate(_MEASURE, False)]
    return found


def misfits_on_paper(page: Page) -> list[str]:
    page.set_viewport_size({"width": PAPER, "height": 1040})
    page.emulate_media(media="print")
    settle(page)
    found = [f"paper: {one}" for one in page.evaluate(_MEASURE, True)]
    page.emulate_media(media="screen")
    return found
