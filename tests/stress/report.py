"""The table of figures: what, how often, goal, found, and whether the promise was kept."""

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

_HEADS = ("what", "how often", "goal", "found", "")
_WIDEST = 44
_SHOWN_FINDINGS = 50


@dataclass(frozen=True)
class Figure:
    """A line of the table. `is_kept` is None where there is no promise, or nothing was run."""

    what: str
    times: str
    goal: str
    found: str
    is_kept: bool | None = None

    @property
    def judgement(self) -> str:
        if self.is_kept is None:
            return "-" if self.times else "NOT RUN"
        return "ok" if self.is_kept else "VIOLATED"


@dataclass
class Report:
    """The figures of all parts that ran, and the causes of broken promises."""

    figures: list[Figure] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def add(self, what: str, times: object, goal: str, found: object, is_kept: bool | None) -> None:
        self.figures.append(Figure(what, str(times), goal, str(found), is_kept))

    def notify(self, what: str, times: object, found: object = "") -> None:
        """A figure without a promise."""
        self.add(what, times, "", found, None)

    def skip(self, what: str, why: str) -> None:
        """A part that could not run here."""
        self.add(what, "", "", why, None)

    def blame(self, findings: Iterable[str]) -> None:
        self.findings += findings

    @property
    def is_violated(self) -> bool:
        return bool(self.findings) or any(one.is_kept is False for one in self.figures)

    def text(self) -> str:
        """The table with fitting columns, then the findings."""
        rows = [_HEADS, *(row for one in self.figures for row in _rows(one))]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        lines.insert(1, "  ".join("-" * width for width in widths))
        more = len(self.findings) - _SHOWN_FINDINGS
        lines += ["", *self.findings[:_SHOWN_FINDINGS]] if self.findings else []
        lines += [f"and {more} more"] if more > 0 else []
        return "\n".join(lines)


def _rows(figure: Figure) -> Iterable[tuple[str, ...]]:
    """The line of a figure, and the lines that a long text continues on."""
    times, found = (textwrap.wrap(text, _WIDEST) or [""] for text in (figure.times, figure.found))
    yield figure.what, times[0], figure.goal, found[0], figure.judgement
    for more_times, more_found in zip_longest(times[1:], found[1:], fillvalue=""):
        yield "", more_times, "", more_found, ""


def listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()) if count)
