"""A person who uses only the keyboard and has to see where the focus is."""

from playwright.sync_api import Locator, Page

from tests.browser.settling import settle

# More stops than any page has: after that the focus goes in circles or is trapped.
_MAX_STOPS = 150

# What is wrong with the current focus, if anything. The focused element needs its own outline or
# shadow, inside the window, with nothing on top of it.
_FAULT = """() => {
    const held = document.activeElement;
    if (!held || held === document.body) return "";
    // The button inside a date field has it, on which the browser draws a ring of its own.
    if (!held.matches(":focus")) return "";
    const name = `${held.tagName.toLowerCase()} ${held.id} ${held.textContent.trim().slice(0, 30)}`;
    const style = getComputedStyle(held);
    const hasOutline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    if (!hasOutline && style.boxShadow === "none") return `${name}: the focus does not show`;
    const box = held.getBoundingClientRect();
    if (!box.width || !box.height) return `${name}: has the focus but no place`;
    const [x, y] = [box.left + Math.min(box.width, 24) / 2, box.top + box.height / 2];
    if (x < 0 || y < 0 || x > innerWidth || y > innerHeight) {
        return `${name}: is out of sight at ${x}, ${y} of ${innerWidth} × ${innerHeight}`;
    }
    const top = document.elementFromPoint(x, y);
    const isSeen = top && (held.contains(top) || top.contains(held) || top.closest("label"));
    return isSeen ? "" : `${name}: ${top && top.className} lies on top`;
}"""


class Hands:
    """Presses keys, and checks the focus at every stop."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.faults: list[str] = []

    def tab_to(self, target: Locator, key: str = "Tab") -> None:
        """Press Tab until the target has the focus."""
        for _ in range(_MAX_STOPS):
            if target.count() and target.evaluate("one => one === document.activeElement"):
                return
            self._page.keyboard.press(key)
            self.look()
        raise AssertionError(f"{target} is not reached by {_MAX_STOPS} × {key}.")

    def look(self) -> None:
        """Note what is wrong with the focus now."""
        settle(self._page)
        if fault := self._page.evaluate(_FAULT):
            self.faults.append(fault)

    def press(self, target: Locator, key: str = "Enter") -> None:
        """Go to the target and press the key on it."""
        self.tab_to(target)
        self._page.keyboard.press(key)

    def type_into(self, target: Locator, text: str) -> None:
        """Go to the field and replace its text."""
        self.tab_to(target)
        self._page.keyboard.press("Control+A")
        self._page.keyboard.type(text)

    def choose(self, target: Locator, option: str) -> None:
        """Go to the select and type the beginning of the option."""
        self.tab_to(target)
        self._page.keyboard.type(option)
        chosen = target.evaluate("one => one.selectedOptions[0].textContent.trim()")
        assert chosen == option, chosen
