"""Checks a page with axe-core: the rules of WCAG 2.2 A and AA, and its best practices."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.settling import settle

SOURCE = Path(__file__).with_name("axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
GRAVE = {"serious", "critical"}

_RUN = """options => Promise.race([
    axe.run(document, options),
    new Promise((_, fail) => setTimeout(() => fail(new Error("axe came to no end")), 60_000)),
]).then(found => found.violations.map(rule => ({
    rule: rule.id,
    impact: rule.impact,
    help: rule.help,
    nodes: rule.nodes.map(node => [
        node.target.join(" "), node.html.slice(0, 160), node.failureSummary]),
})))"""


@dataclass(frozen=True)
class Finding:
    """One rule that a page breaks, and where."""

    rule: str
    impact: str
    help: str
    nodes: tuple[tuple[str, str, str], ...]

    @property
    def is_grave(self) -> bool:
        return self.impact in GRAVE

    def __str__(self) -> str:
        places = (
            f"    {target}\n      {html}\n      {' '.join(cure.split())}"
            for target, html, cure in self.nodes
        )
        return f"  {self.impact}: {self.rule} ({self.help})\n" + "\n".join(places)


def examine(page: Page, *rules: str) -> list[Finding]:
    """Every finding on the current page; with `rules`, only those."""
    # Sent through the debugger, as no content security policy applies there.
    page.evaluate(SOURCE)
    settle(page)
    which: dict[str, Any] = {"type": "tag", "values": TAGS}
    if rules:
        which = {"type": "rule", "values": list(rules)}
    options = {"runOnly": which, "resultTypes": ["violations"], "preload": False}
    found = page.evaluate(_RUN, options)
    return [
        Finding(one["rule"], one["impact"], one["help"], tuple(map(tuple, one["nodes"])))
        for one in found
    ]


def report(findings: list[Finding]) -> str:
    """All findings, the most serious first, for the message of a failure."""
    return "\n".join(map(str, sorted(findings, key=lambda finding: not finding.is_grave)))
