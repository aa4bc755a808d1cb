"""Pages follow the system's preferences: without motion, with forced colours."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visit, Visited
from tests.browser.settling import settle

pytestmark = pytest.mark.browser

_MOVING = """() => document.getAnimations()
    .filter(one => one.playState === "running" && one.effect.getComputedTiming().duration > 1)
    .map(one => one.effect.target.outerHTML.slice(0, 120))"""
_STATUSES = """() => [...document.querySelectorAll(".status")]
    .filter(status => status.checkVisibility())
    .map(status => {
        const style = getComputedStyle(status);
        return [status.textContent.trim(), style.color, style.backgroundColor,
                status.querySelector("svg") !== null];
    })"""


def test_nothing_moves_for_who_asks_for_no_motion(every_page: Visited) -> None:
    # With motion, colours change by a transition.
    every_page.page.emulate_media(reduced_motion="reduce", color_scheme="dark")

    assert every_page.page.evaluate(_MOVING) == []


def test_every_page_has_a_dark_face(every_page: Visited) -> None:
    light = brightness_of(every_page.page)
    every_page.page.emulate_media(color_scheme="dark")

    assert brightness_of(every_page.page) < 60 < 200 < light


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("run succeeded", "Succeeded"),
        ("run failed", "Failed"),
        ("run suspicious", "Suspicious"),
        ("run cancelled", "Cancelled"),
        ("run running", "Running"),
        ("run queued, no worker", "Queued"),
    ],
)
def test_status_is_word_icon_and_system_colour(visit: Visit, name: str, word: str) -> None:
    page = visit(name, forced_colors="active")
    found = statuses(page)

    assert word.lower() in found[0][0].lower()
    assert all(text and ink != preflight and has_icon for text, ink, preflight, has_icon in found)


def statuses(page: Page) -> list[tuple[str, str, str, bool]]:
    return [tuple(one) for one in page.evaluate(_STATUSES)]


def brightness_of(page: Page) -> float:
    """The brightness of the page's background, 0 to 255."""
    settle(page)
    colour: str = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    red, green, blue = [float(part) for part in colour.strip("rgba()").split(",")[:3]]
    return 0.299 * red + 0.587 * green + 0.114 * blue
