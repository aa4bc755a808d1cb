"""Waits until a page stops moving, so that tests measure what people see."""

from playwright.sync_api import Page

# Two frames, so that new transitions have started; endless animations are ignored.
# A browser may draw no frames, and the animation of a removed element may never end: after a
# while, stop waiting.
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
    """Wait for transitions, as colours and positions are wrong while they change."""
    page.evaluate(_SETTLE)


def wait_for_htmx(page: Page) -> None:
    """Wait until answers have settled: until then htmx changes attributes and moves the focus."""
    page.wait_for_function(
        "() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')"
    )
