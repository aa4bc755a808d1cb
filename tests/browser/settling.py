"""Waits until a page stands still, so that what is measured is what people see."""

from playwright.sync_api import Page

# Two frames, so that what has just changed has begun to move; what turns for ever is left alone.
# A browser may give a page no frames, and an element that is taken away may never end its motion:
# after a while the page is looked at as it is.
_SETTLE = """async () => {
    const atMost = (milliseconds, promise) => Promise.race(
        [promise, new Promise(done => setTimeout(done, milliseconds))]);
    const frame = () => atMost(500, new Promise(done => requestAnimationFrame(done)));
    await frame();
    await frame();
    const ending = document.getAnimations().filter(
        one => one.effect.getComputedTiming().endTime !== Infinity);
    await atMost(5000, Promise.allSettled(ending.map(one => one.finished)));
}"""


def settle(page: Page) -> None:
    """A colour that is on its way to another one is neither, and so is a place."""
    page.evaluate(_SETTLE)
