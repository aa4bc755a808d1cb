"""The one table a benchmark prints."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure. `is_reached` is None where there is no goal."""

    name: str
    figure: str
    ratio: str = ""
    goal: str = ""
    is_reached: bool | None = None


def render(rows: Sequence[Row]) -> str:
    """Columns as wide as their longest text, numbers to the right."""
    verdicts = {None: "", True: "reached", False: "MISSED"}
    lines = [("", "measured", "ratio", "goal", "")]
    lines += [(row.name, row.figure, row.ratio, row.goal, verdicts[row.is_reached]) for row in rows]
    return columns(lines)


def columns(lines: Sequence[Sequence[str]]) -> str:
    """A name, figures and a verdict in each line; figures are right-aligned."""
    widths = [max(map(len, texts)) for texts in zip(*lines, strict=True)]
    return "\n".join(_line(line, widths) for line in lines)


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    name, *figures, verdict = texts
    aligned = [text.rjust(width) for text, width in zip(figures, widths[1:-1], strict=True)]
    return "  ".join([name.ljust(widths[0]), *aligned, verdict]).rstrip()
